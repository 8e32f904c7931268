"""How a project trains: what `ProjectInfo.training` and a step's `settings` hold.

Torch-free: the window's forms come from these models. Optimizers and schedules have files of
their own and are here by the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from netbuilder.data.settings import Seed, parse
from netbuilder.training.optimisation.optimizer_settings import AdamSettings as AdamSettings
from netbuilder.training.optimisation.optimizer_settings import AdamWSettings as AdamWSettings
from netbuilder.training.optimisation.optimizer_settings import (
    OptimizerSettings as OptimizerSettings,
)
from netbuilder.training.optimisation.optimizer_settings import SGDSettings as SGDSettings
from netbuilder.training.optimisation.schedule_settings import ConstantSettings as ConstantSettings
from netbuilder.training.optimisation.schedule_settings import CosineSettings as CosineSettings
from netbuilder.training.optimisation.schedule_settings import ScheduleSettings as ScheduleSettings
from netbuilder.training.optimisation.schedule_settings import (
    StepDecaySettings as StepDecaySettings,
)
from netbuilder.training.settings_base import Count, NotNegative, Positive, Settings, further

Initialisation = Literal[
    "default",
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "orthogonal",
    "trunc_normal",
    "normal",
]


class PartSettings(Settings):
    """How a part of a network trains, if not like the rest of its step.

    `part` is the network's name, or that and the names of nodes: `main`, `main.encoder`. Where
    several fit, the longest counts.
    """

    part: Annotated[str, Field(min_length=1)] = Field(
        description="A network, or a node in it: main, main.stem."
    )
    lr: NotNegative = Field(1.0, description="Times the learning rate of the step.")
    weight_decay: NotNegative | None = Field(
        None, description="Weight decay of this part; empty: as in the step."
    )
    frozen: bool = Field(
        False, description="Keeps its weights, with dropout off and running averages in use."
    )


class StepSettings(Settings):
    """What a training step updates, and how."""

    updates: tuple[str, ...] = Field((), description="Networks that this step trains.")
    optimizer: OptimizerSettings = Field(AdamWSettings(kind="AdamW"))
    schedule: ScheduleSettings = Field(ConstantSettings())
    every: Count = further(1, "Run this step at every n-th batch.")
    first_epoch: Count = Field(1, description="Run this step from this epoch on.")
    last_epoch: Count | None = Field(
        None, description="Run this step up to this epoch; empty: to the end."
    )
    clip_norm: Positive | None = Field(
        None, description="Shorten the gradient of all weights to this length; empty: never."
    )
    clip_value: Positive | None = further(
        None, "Cut every number of the gradient at this; empty: never."
    )
    ema: Annotated[float, Field(gt=0.0, lt=1.0)] | None = Field(
        None,
        description="Average the weights with this decay (0.999); the average is evaluated and "
        "exported; empty: no average.",
    )
    parts: tuple[PartSettings, ...] = Field((), description="Parts that train otherwise.")

    def idle(self, epochs: int) -> str:
        """Why this step runs in no epoch of so many; empty if it does in some."""
        if self.last_epoch is not None and self.last_epoch < self.first_epoch:
            return f"its last epoch ({self.last_epoch}) comes before its first ({self.first_epoch})"
        if self.first_epoch > epochs:
            return f"it begins with epoch {self.first_epoch}, and the training has {epochs}"
        return ""

    def span(self, epochs: float) -> tuple[float, float]:
        """The epochs before this step begins, and how many it lasts, in a run of so many.

        It lasts at least one: what never runs has a schedule all the same.
        """
        before = self.first_epoch - 1.0
        last = epochs if self.last_epoch is None else min(epochs, float(self.last_epoch))
        return before, max(1.0, last - before)


class TrainingSettings(Settings):
    """How long, on what, and when to stop."""

    epochs: Count = Field(20, description="Times that the training part is seen.")
    batch_size: Count = Field(64, description="Samples per update.")
    steps: Count | None = further(None, "Stop after so many batches; empty: no limit.")
    seed: Seed = Field(0, description="Decides weights, order of samples and dropout.")
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = Field(
        "auto", description="auto, cpu, cuda or cuda:0."
    )
    threads: Annotated[int, Field(ge=1, le=1024)] | None = further(
        None, "CPU threads; empty: by the work."
    )
    accumulate: Count = Field(
        1, description="Batches per update: 2 of 32 count as one of 64 and take half the memory."
    )
    precision: Literal["float32", "bf16", "fp16"] = Field(
        "float32", description="Of the numbers inside; weights stay float32."
    )
    compile: bool = further(False, "Let torch.compile make one program of each step.")
    channels_last: bool = further(
        False, "Lay images out by pixel: faster convolutions on many machines."
    )
    deterministic: bool = further(
        False, "Only operations that give the same bits each time, where slower too."
    )
    initialisation: Initialisation = Field(
        "default", description="How weights start; default: as PyTorch's layers fill them."
    )
    zero_biases: bool = further(False, "Biases start at zero.")
    balance: str | None = Field(
        None, description="Data field whose classes are drawn equally often; empty: as they come."
    )
    patience: Count | None = Field(
        None, description="Stop when so many epochs brought nothing better; empty: never."
    )
    monitor: str = Field("val/loss", description="What decides which epoch is the best.")
    checkpoint_s: NotNegative = further(30.0, "Seconds between two checkpoints.")
    checkpoint_steps: Count | None = further(
        None, "Batches between two checkpoints; empty: by the clock alone."
    )
    board: bool = further(False, "Write a file for TensorBoard as it goes.")
    parallel: Literal["ddp", "fsdp"] = further(
        "ddp",
        "Under torchrun: every process has all weights (ddp), or a part of each (fsdp), for "
        "networks that don't fit a device.",
    )
    sync_batch_norm: bool = further(
        True, "Under torchrun on GPUs: BatchNorm takes its statistics over all processes."
    )


def read_training(values: Mapping[str, Any]) -> TrainingSettings:
    """`ProjectInfo.training` as settings; `NetbuilderError` says what is wrong with it."""
    return parse(TrainingSettings, values, "Training settings")


def read_step(values: Mapping[str, Any], name: str = "") -> StepSettings:
    """`GraphInfo.settings` of a step as settings; `NetbuilderError` if they are wrong."""
    return parse(StepSettings, values, f"Settings of step '{name}'" if name else "Step settings")
