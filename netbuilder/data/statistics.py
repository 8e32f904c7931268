"""Mean and deviation of a field, to normalise it and to undo that; what stands for gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Statistics:
    """Per feature (or channel) mean and deviation, shaped to broadcast over a batch.

    With `fill`, shaped alike, a value that is missing (NaN) counts as that.
    """

    mean: Tensor
    deviation: Tensor
    fill: Tensor | None = None

    @staticmethod
    def of(samples: Tensor, fills: Sequence[str] = (), *, scaled: bool = True) -> Statistics:
        """Of (N, F) per feature, of (N, C, H, W) per channel, of (N, T, F) per feature.

        A feature that never varies keeps its scale: its deviation is taken as 1. `fills` says for
        each feature what stands for a missing value: mean, median or nothing. Not `scaled`,
        missing values are filled and nothing else changes.
        """
        fill = _fill(samples, fills) if any(fills) else None
        if fill is not None:
            samples = torch.where(samples.isnan(), fill, samples)
        kept = 1 if samples.dim() == 4 else samples.dim() - 1
        dims = [dim for dim in range(samples.dim()) if dim != kept or dim == 0]
        if not scaled:
            ones = torch.ones_like(samples[:1].mean(dims, keepdim=True))[0].float()
            return Statistics(torch.zeros_like(ones), ones, fill)
        mean = samples.double().mean(dims, keepdim=True)
        deviation = (samples.double() - mean).square().mean(dims, keepdim=True).sqrt()
        deviation = torch.where(deviation > 0, deviation, 1.0)
        return Statistics(mean[0].float(), deviation[0].float(), fill)

    def normalise(self, values: Tensor) -> Tensor:
        """Values (N, ...) in units of deviations from the mean."""
        if self.fill is not None:
            values = torch.where(values.isnan(), self.fill.to(values.device), values)
        return (values - self.mean.to(values.device)) / self.deviation.to(values.device)

    def restore(self, values: Tensor) -> Tensor:
        """Normalised values (N, ...) in the units of the data."""
        return values * self.deviation.to(values.device) + self.mean.to(values.device)

    def to_json(self) -> dict[str, Any]:
        value = {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}
        return value if self.fill is None else {**value, "fill": self.fill.tolist()}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Statistics:
        """The statistics that `to_json` wrote, exactly."""
        fill = None if value.get("fill") is None else torch.tensor(value["fill"])
        return Statistics(torch.tensor(value["mean"]), torch.tensor(value["deviation"]), fill)


def _fill(samples: Tensor, fills: Sequence[str]) -> Tensor:
    """(F,) what stands for a missing value of each feature; 0 where none is known."""
    flat = samples.double().reshape(-1, samples.shape[-1])
    known = {"mean": flat.nanmean(0), "median": flat.nanmedian(0).values} if len(flat) else {}
    none = flat.new_zeros(())
    chosen = [known[kind][at] if kind in known else none for at, kind in enumerate(fills)]
    return torch.stack(chosen).nan_to_num(0.0).float()
