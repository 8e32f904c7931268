"""How the learning rate changes during a run. Torch-free.

Names are those of `torch.optim.lr_scheduler`. Lengths are in epochs, fractions allowed;
where PyTorch wants a length, empty means the whole run. `training.schedules` works them out.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from netbuilder.training.settings_base import (
    Count,
    NotNegative,
    Positive,
    Settings,
    further,
)

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Schedule(Settings):
    """What every schedule has: a warm-up that its rate is multiplied with."""

    warmup: NotNegative = Field(0.0, description="Epochs over which the rate rises.")
    warmup_factor: Share = further(0.0, "Part of the rate that the warm-up starts from.")


class ConstantSettings(_Schedule):
    """The learning rate stays, after an optional warm-up."""

    kind: Literal["none"] = "none"


class LinearSettings(_Schedule):
    """`LinearLR`: from one factor of the rate to another along a line."""

    kind: Literal["linear"]
    start_factor: Share = Field(1.0, description="Part of the rate at the start.")
    end_factor: Share = Field(0.0, description="Part of the rate at the end.")
    total_iters: Positive | None = Field(None, description="Epochs until the end; empty: all.")


class ExponentialSettings(_Schedule):
    """`ExponentialLR`: times `gamma` every epoch, a little at every step."""

    kind: Literal["exponential"]
    gamma: Positive = Field(0.95, description="Factor of an epoch.")


class StepDecaySettings(_Schedule):
    """`StepLR`: times `gamma` every `step_size` epochs."""

    kind: Literal["step"]
    step_size: Count = Field(10, description="Epochs between two changes.")
    gamma: Positive = Field(0.1, description="Factor at every change.")


class MultiStepSettings(_Schedule):
    """`MultiStepLR`: times `gamma` at each of these epochs."""

    kind: Literal["multistep"]
    milestones: tuple[Count, ...] = Field((10, 15), description="Epochs of the changes.")
    gamma: Positive = Field(0.1, description="Factor at every change.")


class CosineSettings(_Schedule):
    """`CosineAnnealingLR`: down to `eta_min` along half a cosine, a little at every step."""

    kind: Literal["cosine"]
    T_max: Positive | None = Field(None, description="Epochs until the end; empty: all.")
    eta_min: NotNegative = Field(0.0, description="Learning rate at the end.")


class CosineRestartsSettings(_Schedule):
    """`CosineAnnealingWarmRestarts`: half a cosine, again and again, each longer by `T_mult`."""

    kind: Literal["cosine_restarts"]
    T_0: Positive = Field(10.0, description="Epochs of the first.")
    T_mult: Annotated[int, Field(ge=1, le=1000)] = Field(
        1, description="How many times as long the next is."
    )
    eta_min: NotNegative = Field(0.0, description="Learning rate at the end of each.")


class PolynomialSettings(_Schedule):
    """`PolynomialLR`: down to nothing by a power of the part that is left."""

    kind: Literal["polynomial"]
    total_iters: Positive | None = Field(None, description="Epochs until the end; empty: all.")
    power: Positive = Field(1.0, description="Power; 1 is a line.")


class OneCycleSettings(_Schedule):
    """`OneCycleLR`: up to the optimizer's rate and down to almost nothing, over the whole run.

    Momentum stays as it is set: only the rate follows the cycle.
    """

    kind: Literal["onecycle"]
    pct_start: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(
        0.3, description="Part of the run that goes up."
    )
    anneal_strategy: Literal["cos", "linear"] = Field("cos", description="Shape of the slopes.")
    div_factor: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = Field(
        25.0, description="The rate starts at its highest divided by this."
    )
    final_div_factor: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = Field(
        1e4, description="The rate ends at its first divided by this."
    )
    three_phase: bool = further(False, "Down to the first rate, then on to the last.")


class CyclicSettings(_Schedule):
    """`CyclicLR`: up from `base_lr` to the optimizer's rate and down again, in triangles."""

    kind: Literal["cyclic"]
    base_lr: NotNegative | None = Field(
        None, description="Lowest rate; empty: a tenth of the optimizer's."
    )
    step_size_up: Positive = Field(2.0, description="Epochs of a way up.")
    step_size_down: Positive | None = Field(
        None, description="Epochs of a way down; empty: as long as up."
    )
    mode: Literal["triangular", "triangular2", "exp_range"] = Field(
        "triangular", description="Equal heights, half the height each time, or times gamma^epochs."
    )
    gamma: Positive = further(1.0, "Factor of an epoch for exp_range.")


class InverseSqrtSettings(_Schedule):
    """One over the square root of the epochs, as Transformers are trained.

    With a warm-up of w epochs: rate × min(e / w, √(w / e)) (Vaswani et al. 2017).
    """

    kind: Literal["inverse_sqrt"]
    timescale: Positive | None = Field(
        None, description="Epochs at which it begins to fall; empty: the warm-up, or 1."
    )


class PlateauSettings(_Schedule):
    """`ReduceLROnPlateau`: times `factor` when the monitored metric no longer gets better."""

    kind: Literal["plateau"]
    factor: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(0.1, description="Factor at a change.")
    patience: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        10, description="Epochs without a better one that are waited for."
    )
    min_lr: NotNegative = Field(0.0, description="Lowest rate.")
    threshold: NotNegative = further(1e-4, "How much better counts as better.")
    threshold_mode: Literal["rel", "abs"] = further("rel", "As a part of the best, or plainly.")
    cooldown: Annotated[int, Field(ge=0, le=2**31 - 1)] = further(
        0, "Epochs after a change that are not counted."
    )
    eps: NotNegative = further(1e-8, "A smaller change of the rate is not made.")


ScheduleSettings = Annotated[
    ConstantSettings
    | LinearSettings
    | ExponentialSettings
    | StepDecaySettings
    | MultiStepSettings
    | CosineSettings
    | CosineRestartsSettings
    | PolynomialSettings
    | OneCycleSettings
    | CyclicSettings
    | InverseSqrtSettings
    | PlateauSettings,
    Field(discriminator="kind"),
]
