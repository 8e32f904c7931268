"""Sums of losses."""

from __future__ import annotations

import torch
from torch import nn


class WeightedSum(nn.Module):
    """The sum of terms, each times its weight; those without one count once."""

    def __init__(self, weights: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, tensors: tuple[torch.Tensor, ...]) -> torch.Tensor:
        weights = (*self.weights, *[1.0] * len(tensors))
        total = weights[0] * tensors[0]
        for weight, term in zip(weights[1:], tensors[1:], strict=False):
            total = total + weight * term
        return total
