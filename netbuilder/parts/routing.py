"""Gates and experts."""

from __future__ import annotations

import torch
from torch import nn


class SqueezeExcite(nn.Module):
    """Weighs each channel by a gate that sees the mean of all of them (Hu 2018)."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        pooled = input.mean((2, 3), keepdim=True)
        gate = self.fc2(torch.relu(self.fc1(pooled)))
        return input * torch.sigmoid(gate)
