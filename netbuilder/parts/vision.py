"""Patches, windows and norms of images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class PatchEmbed(nn.Module):
    """Cuts images into patches and maps each to a vector: N×C×H×W to N×T×embed_dim."""

    def __init__(
        self, in_channels: int, embed_dim: int, patch_size: int | tuple[int, int]
    ) -> None:
        super().__init__()
        self.projection = nn.Conv2d(in_channels, embed_dim, patch_size, patch_size)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        patches: torch.Tensor = self.projection(input)
        return patches.flatten(2).transpose(1, 2)


class LayerNorm2d(nn.Module):
    """Normalises the channels of each pixel of N×C×H×W."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        x = input.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class GlobalResponseNorm(nn.Module):
    """Strengthens channels that respond more than the others (Woo 2023).

    For N×C×H×W: a channel's response is its L2 norm over the image, divided by the mean
    of all channels' norms.
    """

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        norm: torch.Tensor = torch.linalg.vector_norm(input, dim=(2, 3), keepdim=True)
        response = norm / (norm.mean(1, keepdim=True) + self.eps)
        return input + self.weight * (input * response) + self.bias


class WindowPartition(nn.Module):
    """Cuts N×H×W×C into square windows, a batch of sequences: (N·windows)×L×C."""

    def __init__(self, window_size: int) -> None:
        super().__init__()
        self.window_size = window_size

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        size, channels = self.window_size, input.shape[-1]
        rows, columns = input.shape[1] // size, input.shape[2] // size
        x = input.reshape(-1, rows, size, columns, size, channels)
        return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, size * size, channels)


class WindowReverse(nn.Module):
    """Puts windows (N·windows)×L×C together again, to the height and width given."""

    def __init__(self, window_size: int) -> None:
        super().__init__()
        self.window_size = window_size

    def forward(self, input: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        size, channels = self.window_size, input.shape[-1]
        batch, height, width = reference.shape[:3]
        rows, columns = height // size, width // size
        x = input.reshape(batch, rows, columns, size, size, channels)
        return x.permute(0, 1, 3, 2, 4, 5).reshape(batch, height, width, channels)


class ShiftedWindowMask(nn.Module):
    """0 and -inf, windows×L×L, to add to the scores of windows of a rolled image.

    A roll by -shift brings places together that are not neighbours: they may not look
    at each other (Liu 2021).
    """

    def __init__(self, window_size: int, shift: int) -> None:
        super().__init__()
        self.window_size = window_size
        self.shift = shift

    def regions(self, length: int, device: torch.device) -> torch.Tensor:
        """Along a side: 0 before the last window, 1 in it, 2 for what was rolled in."""
        steps = torch.arange(length, device=device)
        last = steps >= length - self.window_size
        return last.long() + (steps >= length - self.shift).long()

    def forward(self, reference: torch.Tensor) -> torch.Tensor:
        size = self.window_size
        height, width = reference.shape[1:3]
        rows = self.regions(height, reference.device)
        columns = self.regions(width, reference.device)
        region = 3 * rows.unsqueeze(-1) + columns
        x = region.reshape(height // size, size, width // size, size)
        x = x.transpose(1, 2).reshape(-1, size * size)
        apart = x.unsqueeze(1) != x.unsqueeze(2)
        return torch.zeros(apart.shape, device=x.device).masked_fill(apart, -torch.inf)


class BlurPool2d(nn.Module):
    """Blurs N×C×H×W by [1 2 1]/4 in both directions, then takes each stride-th pixel.

    Without the blur, fine patterns become coarse ones that are not there (Zhang 2019).
    """

    kernel: torch.Tensor

    def __init__(self, stride: int = 2) -> None:
        super().__init__()
        self.stride = stride
        row = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("kernel", torch.outer(row, row), persistent=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        channels = input.shape[1]
        kernel = self.kernel.expand(channels, 1, 3, 3)
        padded = F.pad(input, (1, 1, 1, 1), mode="replicate")
        return F.conv2d(padded, kernel, stride=self.stride, groups=channels)
