"""Mean and deviation of a field, to normalise it and to undo that; what stands for gaps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Statistics:
    """Per feature (or channel) mean and deviation, shaped to broadcast over a batch.

    With `fill`, shaped alike, a value that is missing (NaN) counts as that; where `fill` is NaN
    itself nothing stands for it.
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
        if self.fill is None:
            return value
        # JSON has no NaN: null is where nothing stands for a gap.
        fill = [None if math.isnan(each) else each for each in self.fill.tolist()]
        return {**value, "fill": fill}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Statistics:
        """The statistics that `to_json` wrote, exactly."""
        told = value.get("fill")
        known = None if told is None else [math.nan if each is None else each for each in told]
        fill = None if known is None else torch.tensor(known)
        return Statistics(torch.tensor(value["mean"]), torch.tensor(value["deviation"]), fill)


def _fill(samples: Tensor, fills: Sequence[str]) -> Tensor:
    """(F,) what stands for a missing value of each feature: NaN where nothing does, and 0 where
    no sample has a value."""
    flat = samples.double().reshape(-1, samples.shape[-1])
    known = {"mean": flat.nanmean(0), "median": flat.nanmedian(0).values} if len(flat) else {}
    nothing = flat.new_full((), math.nan)
    chosen = [
        known.get(kind, flat.new_zeros(len(fills)))[at].nan_to_num(0.0) if kind else nothing
        for at, kind in enumerate(fills)
    ]
    return torch.stack(chosen).float()
