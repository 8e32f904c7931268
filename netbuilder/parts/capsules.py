"""Capsules: groups of numbers whose length says how sure they are."""

from __future__ import annotations

import torch
from torch import nn


def squashed(input: torch.Tensor, dim: int, eps: float) -> torch.Tensor:
    """Vectors with the length l made l²/(1 + l²), in the same direction."""
    square = input.square().sum(dim, keepdim=True)
    return input * (square / (1 + square) * torch.rsqrt(square + eps))


class Squash(nn.Module):
    """Shrinks vectors along dim to a length below 1 (Sabour 2017)."""

    def __init__(self, dim: int = -1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return squashed(input, self.dim, self.eps)


class PrimaryCapsules(nn.Module):
    """The first capsules of an image: a convolution, cut into vectors and squashed.

    N×C×H×W becomes N×(num_capsules·H'·W')×capsule_size (Sabour 2017).
    """

    def __init__(
        self,
        in_channels: int,
        num_capsules: int,
        capsule_size: int,
        kernel_size: int | tuple[int, int] = 9,
        stride: int | tuple[int, int] = 2,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.capsule_size = capsule_size
        self.conv = nn.Conv2d(
            in_channels, num_capsules * capsule_size, kernel_size, stride, padding
        )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.conv(input)
        height, width = features.shape[-2:]
        x = features.reshape(len(features), -1, self.capsule_size, height, width)
        return squashed(x.movedim(2, -1).flatten(1, 3), -1, 1e-8)


class CapsuleRouting(nn.Module):
    """Capsules that gather those below which agree with them (Sabour 2017).

    N×in_capsules×in_size becomes N×num_capsules×capsule_size. The couplings
    N×in_capsules×num_capsules say how much each capsule below gives to each above.
    """

    def __init__(
        self,
        in_capsules: int,
        in_size: int,
        num_capsules: int,
        capsule_size: int,
        iterations: int = 3,
    ) -> None:
        super().__init__()
        self.iterations = iterations
        shape = (in_capsules, num_capsules, capsule_size, in_size)
        self.weight = nn.Parameter(0.1 * torch.randn(shape))

    def forward(self, input: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        votes = torch.einsum("nid,iokd->niok", input, self.weight)
        # Only the last round is learnt from: the couplings are found, not trained.
        fixed = votes.detach()
        couplings = torch.softmax(torch.zeros_like(fixed[..., 0]), 2)
        agreement = torch.zeros_like(couplings)
        for _ in range(self.iterations - 1):
            output = squashed(torch.einsum("nio,niok->nok", couplings, fixed), -1, 1e-8)
            agreement = agreement + torch.einsum("niok,nok->nio", fixed, output)
            couplings = torch.softmax(agreement, 2)
        gathered = torch.einsum("nio,niok->nok", couplings, votes)
        return squashed(gathered, -1, 1e-8), couplings


class CapsuleLength(nn.Module):
    """The length of each capsule: how sure it is that what it stands for is there."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        length: torch.Tensor = torch.linalg.vector_norm(input, dim=-1)
        return length
