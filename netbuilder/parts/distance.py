"""Distances that PyTorch has as similarities."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class CosineDistance(nn.Module):
    """One minus the cosine of the angle between the vectors of the last dim: 0 to 2."""

    def forward(self, x1: torch.Tensor, x2: torch.Tensor) -> torch.Tensor:
        return 1 - F.cosine_similarity(x1, x2, dim=-1)
