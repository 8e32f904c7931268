"""The best epoch so far, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netbuilder.training.checkpointing import trees
from netbuilder.training.checkpointing.checkpoints import Weights


def larger_is_better(metric: Any) -> bool | None:
    """Whether a metric of torchmetrics is to be large; None if nobody can know (a mean)."""
    if type(metric).__name__ == "PearsonCorrCoef":
        # Told as None, for -1 is a perfect correlation too; a prediction wants 1.
        return True
    known = metric.higher_is_better
    return known if known is None else bool(known)


@dataclass
class Best:
    """Keeps the weights of the best epoch in memory until they are written.

    NaN is never the best. `waited` counts epochs since the last improvement.
    """

    monitor: str
    larger_is_better: bool
    patience: int | None
    value: float | None = None
    epoch: int = 0
    step: int = 0
    waited: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    unsaved: Weights | None = None

    def offer(self, metrics: Mapping[str, float], weights: Weights, epoch: int, step: int) -> bool:
        """Whether this epoch is the best so far; its weights are copied if so.

        An epoch in which the monitored step did not run is not waited for.
        """
        if self.monitor not in metrics:
            return False
        value = metrics[self.monitor]
        better = self.value is None or (
            value > self.value if self.larger_is_better else value < self.value
        )
        if not better or not math.isfinite(value):
            self.waited += 1
            return False
        self.value, self.epoch, self.step, self.waited = value, epoch, step, 0
        self.metrics = dict(metrics)
        self.unsaved = {name: trees.clone(tensors) for name, tensors in weights.items()}
        return True

    @property
    def exhausted(self) -> bool:
        """Whether patience is at its end."""
        return self.patience is not None and self.waited >= self.patience

    def summary(self) -> dict[str, Any] | None:
        """Where the best is, for the status; None before the first epoch."""
        if self.value is None:
            return None
        return {
            "monitor": self.monitor,
            "value": self.value,
            "epoch": self.epoch,
            "step": self.step,
            "metrics": self.metrics,
        }

    def state(self) -> dict[str, Any]:
        """What `load` takes; the weights are in the checkpoint of kind `best`."""
        return {
            "value": self.value,
            "epoch": self.epoch,
            "step": self.step,
            "waited": self.waited,
            "metrics": self.metrics,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.value, self.metrics = state["value"], state["metrics"]
        self.epoch, self.step, self.waited = state["epoch"], state["step"], state["waited"]
