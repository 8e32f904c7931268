"""What a training needs: networks, steps, data and settings; no graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from netbuilder.data.loading import Dataset
from netbuilder.training.settings import StepSettings, TrainingSettings


@dataclass(frozen=True)
class StepPlan:
    """One training step.

    `module(**arguments(batch, shared))` returns `(loss, metrics, previews)`: a scalar, the
    arguments of each metric's `update` by name, and by name a tensor to show or a pair of it
    and its target. `updates` are the networks that its optimizer trains;
    `metrics` makes a fresh torchmetrics metric by name; `previews` has a kind by name. With
    `asks` the module makes its previews only if it is called with `previews=True`. With
    `across_batch` it compares samples with each other, so that the size of a batch counts.
    """

    name: str
    module: nn.Module
    fields: tuple[str, ...]
    updates: tuple[str, ...]
    settings: StepSettings = field(default_factory=StepSettings)
    metrics: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    previews: Mapping[str, str] = field(default_factory=dict)
    asks: bool = False
    across_batch: bool = False
    keywords: tuple[str, ...] = ()
    """What the module calls each of `fields`, where not by its name."""

    def arguments(
        self, batch: Mapping[str, Tensor], shared: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """What the module is called with: fields of a batch, and those that all samples share."""
        return {
            keyword: shared[name] if name in shared else batch[name]
            for name, keyword in zip(self.fields, self.keywords or self.fields, strict=True)
        }


@dataclass(frozen=True)
class Plan:
    """All of a training. The steps run in order on every batch and share the networks."""

    networks: Mapping[str, nn.Module]
    steps: tuple[StepPlan, ...]
    dataset: Dataset
    settings: TrainingSettings = field(default_factory=TrainingSettings)
