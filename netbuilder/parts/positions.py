"""What tells a network where in a sequence or an image something stands."""

from __future__ import annotations

import math

import torch
from torch import nn


def wave_rates(
    size: int, base: float, device: torch.device | None = None
) -> torch.Tensor:
    """The rates base^(-2i/size) of size/2 waves, from fast to slow."""
    return base ** (-torch.arange(0, size, 2, device=device) / size)


class SinusoidalPositions(nn.Module):
    """Waves of different lengths that tell the positions in N×T×C (Vaswani 2017).

    Channel 2i has sin(t / base^(2i/C)), channel 2i + 1 the cosine, for t from 0 on.
    They are computed for the length at hand, so that there is no longest sequence.
    """

    def __init__(self, base: float = 10000.0, add: bool = True) -> None:
        super().__init__()
        self.base = base
        self.add = add

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        length, channels = input.shape[-2:]
        steps = torch.arange(length, device=input.device)
        angles = torch.outer(steps, wave_rates(channels, self.base, input.device))
        waves = torch.stack((angles.sin(), angles.cos()), -1).flatten(-2)
        waves = waves.to(input.dtype)
        return input + waves if self.add else waves


class LearnedPositions(nn.Module):
    """A learnt vector for each position up to max_length, added to N×T×C."""

    def __init__(self, max_length: int, channels: int, add: bool = True) -> None:
        super().__init__()
        self.add = add
        self.embedding = nn.Embedding(max_length, channels)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        steps = torch.arange(input.shape[-2], device=input.device)
        positions: torch.Tensor = self.embedding(steps)
        return input + positions if self.add else positions


class RotaryEmbedding(nn.Module):
    """Turns query and key, ...×T×d, by angles that grow with the position (Su 2021).

    Pair i turns by t / base^(2i/d), so that products of query and key depend only on
    how far apart they stand. Pairs are (i, i + d/2), or (2i, 2i + 1) if interleaved.
    """

    def __init__(self, base: float = 10000.0, interleaved: bool = False) -> None:
        super().__init__()
        self.base = base
        self.interleaved = interleaved

    def turn(self, input: torch.Tensor) -> torch.Tensor:
        length, size = input.shape[-2:]
        steps = torch.arange(length, device=input.device)
        angles = torch.outer(steps, wave_rates(size, self.base, input.device))
        cos, sin = angles.cos().to(input.dtype), angles.sin().to(input.dtype)
        if self.interleaved:
            a, b = input[..., 0::2], input[..., 1::2]
            return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)
        a, b = input.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def forward(
        self, query: torch.Tensor, key: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self.turn(query), self.turn(key)


class TimestepEmbedding(nn.Module):
    """Waves of different lengths for one number a sample: N to N×C.

    The cosines t / base^(i/h) for the first h = C/2 channels, then the sines, as in
    diffusion models (Dhariwal and Nichol 2021).
    """

    def __init__(self, channels: int, base: float = 10000.0) -> None:
        super().__init__()
        self.channels = channels
        self.base = base

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        rates = wave_rates(self.channels, self.base, input.device)
        angles = input.unsqueeze(-1) * rates
        return torch.cat((angles.cos(), angles.sin()), -1)


class Positions(nn.Module):
    """0, 1, 2, ... along one dim of what comes in, as whole numbers."""

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, reference: torch.Tensor) -> torch.Tensor:
        return torch.arange(reference.shape[self.dim], device=reference.device)


class CausalMask(nn.Module):
    """A T×T mask that keeps each position from looking at later ones.

    kind 'additive' has 0 and -inf to add to scores, 'blocked' is true where looking is
    not allowed, 'allowed' is true where it is.
    """

    def __init__(self, dim: int = 1, kind: str = "additive") -> None:
        super().__init__()
        self.dim = dim
        self.kind = kind

    def forward(self, reference: torch.Tensor) -> torch.Tensor:
        steps = torch.arange(reference.shape[self.dim], device=reference.device)
        later = steps > steps.unsqueeze(-1)
        if self.kind == "additive":
            mask = torch.zeros(later.shape, device=later.device)
            return mask.masked_fill(later, -torch.inf)
        return later if self.kind == "blocked" else ~later


class AlibiBias(nn.Module):
    """Scores to add, heads×T×T, that fall with the distance (Press 2022).

    Each head has its own slope; with `causal` what comes later has -inf.
    """

    slopes: torch.Tensor

    def __init__(self, num_heads: int, dim: int = 1, causal: bool = True) -> None:
        super().__init__()
        self.dim = dim
        self.causal = causal
        # A power of two has the slopes 2^(-8k/n); other numbers of heads fill up with
        # every second slope of the next power of two.
        whole = 2 ** int(math.log2(num_heads))
        slopes = [2 ** (-8 * k / whole) for k in range(1, whole + 1)]
        between = [2 ** (-4 * k / whole) for k in range(1, 2 * whole, 2)]
        chosen = torch.tensor((slopes + between)[:num_heads])
        self.register_buffer("slopes", chosen, persistent=False)

    def forward(self, reference: torch.Tensor) -> torch.Tensor:
        steps = torch.arange(reference.shape[self.dim], device=reference.device)
        ahead = steps - steps.unsqueeze(-1)
        bias = -ahead.abs() * self.slopes.view(-1, 1, 1)
        return bias.masked_fill(ahead > 0, -torch.inf) if self.causal else bias


class RelativePositionBias(nn.Module):
    """Learnt scores to add, heads×L×L, for each offset of two places in a window.

    The L places of a window of height×width are counted row by row (Liu 2021).
    """

    offsets: torch.Tensor

    def __init__(self, window_size: int | tuple[int, int], num_heads: int) -> None:
        super().__init__()
        size = window_size
        height, width = (size, size) if isinstance(size, int) else size
        self.table = nn.Parameter(
            torch.empty((2 * height - 1) * (2 * width - 1), num_heads)
        )
        nn.init.trunc_normal_(self.table, std=0.02)
        rows = torch.arange(height).repeat_interleave(width)
        columns = torch.arange(width).repeat(height)
        down = rows.unsqueeze(-1) - rows + height - 1
        right = columns.unsqueeze(-1) - columns + width - 1
        offsets = down * (2 * width - 1) + right
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self) -> torch.Tensor:
        return self.table[self.offsets].permute(2, 0, 1)
