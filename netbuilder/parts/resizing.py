"""Other sizes for images and signals."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class ResizeLike(nn.Module):
    """Resizes N×C×... to the sizes that another tensor has behind its channels."""

    def __init__(
        self, mode: str = "nearest", align_corners: bool | None = None
    ) -> None:
        super().__init__()
        self.mode = mode
        self.align_corners = align_corners

    def forward(self, input: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        size = other.shape[2:]
        return F.interpolate(
            input, size, mode=self.mode, align_corners=self.align_corners
        )
