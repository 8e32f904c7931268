"""The optimizers of `torch.optim` with all their parameters, names and defaults.

Torch-free; `training.optimizers` makes what is described here. Left out are the switches of
PyTorch that choose an implementation and no result, see `LEFT_OUT`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, Field, model_validator

from netbuilder.training.settings_base import (
    Beta,
    Count,
    Finite,
    NotNegative,
    Positive,
    Settings,
    further,
)

LEFT_OUT = {
    "foreach": "One kernel for many tensors; the fused or default form is taken by itself.",
    "fused": "Is on wherever PyTorch has a fused kernel.",
    "capturable": "For CUDA graphs that the trainer does not capture.",
    "differentiable": "For gradients through the update itself.",
}
"""Parameters of `torch.optim` that are no settings, and why."""


class _Optimizer(Settings):
    """What every optimizer has."""

    lr: NotNegative = Field(1e-3, description="Learning rate.")


_BETAS = "Decay of the averages of the gradient and of its square."
_EPS = "Keeps the division away from zero."
_L2 = "L2 penalty on the weights."
_MAXIMIZE = "Climb instead of descend."
_DECOUPLED = "Shrink the weights at every step, as AdamW does, in place of the L2 penalty."


class SGDSettings(_Optimizer):
    """`torch.optim.SGD`."""

    kind: Literal["SGD"]
    lr: NotNegative = Field(1e-3, description="Learning rate.")
    momentum: NotNegative = Field(0.0, description="Part of the last update that is kept.")
    weight_decay: NotNegative = Field(0.0, description=_L2)
    nesterov: bool = Field(False, description="Looks ahead along the momentum.")
    dampening: Finite = further(0.0, "Dampens the gradient under momentum.")
    maximize: bool = further(False, _MAXIMIZE)

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError("nesterov needs a momentum above 0 and a dampening of 0")
        return self


class AdamSettings(_Optimizer):
    """`torch.optim.Adam`."""

    kind: Literal["Adam"]
    lr: NotNegative = Field(1e-3, description="Learning rate.")
    betas: tuple[Beta, Beta] = Field((0.9, 0.999), description=_BETAS)
    weight_decay: NotNegative = Field(0.0, description=_L2)
    eps: NotNegative = further(1e-8, _EPS)
    amsgrad: bool = further(False, "Divide by the largest average so far.")
    decoupled_weight_decay: bool = further(False, _DECOUPLED)
    maximize: bool = further(False, _MAXIMIZE)


class AdamWSettings(_Optimizer):
    """`torch.optim.AdamW`."""

    kind: Literal["AdamW"]
    lr: NotNegative = Field(1e-3, description="Learning rate.")
    betas: tuple[Beta, Beta] = Field((0.9, 0.999), description=_BETAS)
    weight_decay: NotNegative = Field(1e-2, description="Shrinks the weights at every step.")
    eps: NotNegative = further(1e-8, _EPS)
    amsgrad: bool = further(False, "Divide by the largest average so far.")
    maximize: bool = further(False, _MAXIMIZE)


class AdamaxSettings(_Optimizer):
    """`torch.optim.Adamax`: Adam by the largest gradient in place of the mean square."""

    kind: Literal["Adamax"]
    lr: NotNegative = Field(2e-3, description="Learning rate.")
    betas: tuple[Beta, Beta] = Field((0.9, 0.999), description=_BETAS)
    weight_decay: NotNegative = Field(0.0, description=_L2)
    eps: NotNegative = further(1e-8, _EPS)
    maximize: bool = further(False, _MAXIMIZE)


class NAdamSettings(_Optimizer):
    """`torch.optim.NAdam`: Adam with Nesterov's momentum."""

    kind: Literal["NAdam"]
    lr: NotNegative = Field(2e-3, description="Learning rate.")
    betas: tuple[Beta, Beta] = Field((0.9, 0.999), description=_BETAS)
    weight_decay: NotNegative = Field(0.0, description=_L2)
    eps: NotNegative = further(1e-8, _EPS)
    momentum_decay: NotNegative = further(4e-3, "How fast the momentum comes to its full size.")
    decoupled_weight_decay: bool = further(False, _DECOUPLED)
    maximize: bool = further(False, _MAXIMIZE)


class RAdamSettings(_Optimizer):
    """`torch.optim.RAdam`: Adam that begins like SGD until its averages can be trusted."""

    kind: Literal["RAdam"]
    lr: NotNegative = Field(1e-3, description="Learning rate.")
    betas: tuple[Beta, Beta] = Field((0.9, 0.999), description=_BETAS)
    weight_decay: NotNegative = Field(0.0, description=_L2)
    eps: NotNegative = further(1e-8, _EPS)
    decoupled_weight_decay: bool = further(False, _DECOUPLED)
    maximize: bool = further(False, _MAXIMIZE)


class RMSpropSettings(_Optimizer):
    """`torch.optim.RMSprop`."""

    kind: Literal["RMSprop"]
    lr: NotNegative = Field(1e-2, description="Learning rate.")
    alpha: NotNegative = Field(0.99, description="Decay of the average of squared gradients.")
    momentum: NotNegative = Field(0.0, description="Part of the last update that is kept.")
    weight_decay: NotNegative = Field(0.0, description=_L2)
    eps: NotNegative = further(1e-8, _EPS)
    centered: bool = further(False, "Divide by the gradient's deviation, without its mean.")
    maximize: bool = further(False, _MAXIMIZE)


class RpropSettings(_Optimizer):
    """`torch.optim.Rprop`: by the sign of the gradient; for batches of all the data."""

    kind: Literal["Rprop"]
    lr: NotNegative = Field(1e-2, description="First step of every weight.")
    etas: tuple[Positive, Positive] = Field(
        (0.5, 1.2), description="A step shrinks by the first after a change of sign, else grows."
    )
    step_sizes: tuple[NotNegative, NotNegative] = Field(
        (1e-6, 50.0), description="Smallest and largest step."
    )
    maximize: bool = further(False, _MAXIMIZE)

    @model_validator(mode="after")
    def _etas_are_about_one(self) -> Self:
        if not self.etas[0] < 1.0 < self.etas[1]:
            raise ValueError("the first of etas must be below 1 and the second above 1")
        return self


class AdagradSettings(_Optimizer):
    """`torch.optim.Adagrad`: weights that were rarely changed take larger steps."""

    kind: Literal["Adagrad"]
    lr: NotNegative = Field(1e-2, description="Learning rate.")
    lr_decay: NotNegative = Field(0.0, description="The rate is divided by 1 + this × updates.")
    weight_decay: NotNegative = Field(0.0, description=_L2)
    initial_accumulator_value: NotNegative = further(0.0, "Sum of squares at the start.")
    eps: NotNegative = further(1e-10, _EPS)
    maximize: bool = further(False, _MAXIMIZE)


class AdadeltaSettings(_Optimizer):
    """`torch.optim.Adadelta`: finds the size of its steps by itself."""

    kind: Literal["Adadelta"]
    lr: NotNegative = Field(1.0, description="Factor of the step that it found.")
    rho: Annotated[float, Field(ge=0.0, le=1.0)] = Field(0.9, description="Decay of the averages.")
    weight_decay: NotNegative = Field(0.0, description=_L2)
    eps: NotNegative = further(1e-6, _EPS)
    maximize: bool = further(False, _MAXIMIZE)


class ASGDSettings(_Optimizer):
    """`torch.optim.ASGD`: SGD with a falling rate that averages its weights on the way."""

    kind: Literal["ASGD"]
    lr: NotNegative = Field(1e-2, description="Learning rate.")
    lambd: Finite = Field(1e-4, description="How fast the rate falls.")
    alpha: Finite = Field(0.75, description="Power by which the rate falls.")
    weight_decay: NotNegative = Field(0.0, description=_L2)
    t0: Finite = further(1e6, "Updates after which averaging begins.")
    maximize: bool = further(False, _MAXIMIZE)


class AdafactorSettings(_Optimizer):
    """`torch.optim.Adafactor`: keeps rows and columns of squares, so little memory."""

    kind: Literal["Adafactor"]
    lr: NotNegative = Field(1e-2, description="Learning rate.")
    weight_decay: NotNegative = Field(0.0, description="Shrinks the weights at every step.")
    beta2_decay: Annotated[float, Field(le=0.0, allow_inf_nan=False)] = further(
        -0.8, "Power by which the average of squares forgets."
    )
    eps: tuple[NotNegative | None, NotNegative] = further(
        (None, 1e-3), "Least squared gradient (none: by the type) and least size of weights."
    )
    d: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = further(
        1.0, "Largest update, by its root mean square."
    )
    maximize: bool = further(False, _MAXIMIZE)


class LBFGSSettings(_Optimizer):
    """`torch.optim.LBFGS`: runs a batch several times an update; for smooth, small problems."""

    kind: Literal["LBFGS"]
    lr: NotNegative = Field(1.0, description="Learning rate.")
    max_iter: Count = Field(20, description="Iterations an update.")
    history_size: Count = Field(100, description="Updates from which the curvature is estimated.")
    line_search_fn: Literal["strong_wolfe"] | None = Field(
        None, description="Searches along each direction; empty: takes steps of the rate."
    )
    max_eval: Count | None = further(None, "Runs of the batch an update; empty: 1.25 × max_iter.")
    tolerance_grad: NotNegative = further(1e-7, "Stops at gradients below this.")
    tolerance_change: NotNegative = further(1e-9, "Stops at changes below this.")


class MuonSettings(_Optimizer):
    """`torch.optim.Muon`: orthogonal updates for weight matrices.

    Weights that are no matrices, and those of embeddings, are trained by AdamW with the same
    learning rate and weight decay.
    """

    kind: Literal["Muon"]
    lr: NotNegative = Field(1e-3, description="Learning rate.")
    weight_decay: NotNegative = Field(0.1, description="Shrinks the weights at every step.")
    momentum: NotNegative = Field(0.95, description="Part of the last update that is kept.")
    nesterov: bool = Field(True, description="Looks ahead along the momentum.")
    adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = Field(
        None, description="Fits the rate to the matrix; match_rms_adamw suits rates of AdamW."
    )
    ns_coefficients: tuple[Finite, Finite, Finite] = further(
        (3.4445, -4.775, 2.0315), "Coefficients of the Newton-Schulz iteration."
    )
    eps: NotNegative = further(1e-7, _EPS)
    ns_steps: Annotated[int, Field(ge=1, lt=100)] = further(5, "Newton-Schulz iterations.")


class SparseAdamSettings(_Optimizer):
    """`torch.optim.SparseAdam`: updates only the rows of an embedding that a batch used.

    It takes the weights of layers with `sparse=True`; AdamW without weight decay, with the
    same rate, trains the others.
    """

    kind: Literal["SparseAdam"]
    lr: NotNegative = Field(1e-3, description="Learning rate.")
    betas: tuple[Beta, Beta] = Field((0.9, 0.999), description=_BETAS)
    eps: Positive = further(1e-8, _EPS)
    maximize: bool = further(False, _MAXIMIZE)


OptimizerSettings = Annotated[
    SGDSettings
    | AdamSettings
    | AdamWSettings
    | AdamaxSettings
    | NAdamSettings
    | RAdamSettings
    | RMSpropSettings
    | RpropSettings
    | AdagradSettings
    | AdadeltaSettings
    | ASGDSettings
    | AdafactorSettings
    | LBFGSSettings
    | MuonSettings
    | SparseAdamSettings,
    Field(discriminator="kind"),
]


def kinds(union: Any) -> dict[str, type[BaseModel]]:
    """The models of an annotated union by their `kind`, in the order of the union."""
    return {
        str(get_args(model.model_fields["kind"].annotation)[0]): model
        for model in get_args(get_args(union)[0])
    }
