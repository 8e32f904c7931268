"""Mean and deviation of a field, to normalise it and to undo that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Statistics:
    """Per feature (or channel) mean and deviation, shaped to broadcast over a batch."""

    mean: Tensor
    deviation: Tensor

    @staticmethod
    def of(samples: Tensor) -> Statistics:
        """Of (N, F) per feature, of (N, C, H, W) per channel, of (N, T, F) per feature.

        A feature that never varies keeps its scale: its deviation is taken as 1.
        """
        kept = 1 if samples.dim() == 4 else samples.dim() - 1
        dims = [dim for dim in range(samples.dim()) if dim != kept or dim == 0]
        mean = samples.double().mean(dims, keepdim=True)
        deviation = (samples.double() - mean).square().mean(dims, keepdim=True).sqrt()
        deviation = torch.where(deviation > 0, deviation, 1.0)
        return Statistics(mean[0].float(), deviation[0].float())

    def normalise(self, values: Tensor) -> Tensor:
        """Values (N, ...) in units of deviations from the mean."""
        return (values - self.mean.to(values.device)) / self.deviation.to(values.device)

    def restore(self, values: Tensor) -> Tensor:
        """Normalised values (N, ...) in the units of the data."""
        return values * self.deviation.to(values.device) + self.mean.to(values.device)

    def to_json(self) -> dict[str, Any]:
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Statistics:
        """The statistics that `to_json` wrote, exactly."""
        return Statistics(torch.tensor(value["mean"]), torch.tensor(value["deviation"]))
