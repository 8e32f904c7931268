"""Numbers rounded as short integers would hold them."""

from __future__ import annotations

import torch
from torch import nn

RANGES = {
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-32768, 32767),
    "uint16": (0, 65535),
}


def rounded(
    input: torch.Tensor,
    scale: torch.Tensor,
    zero: torch.Tensor,
    low: int,
    high: int,
) -> torch.Tensor:
    """The nearest multiples of scale that fit; what doesn't fit has no gradient."""
    fixed = input.detach()
    steps = torch.clamp(torch.round(fixed / scale) + zero, low, high)
    inside = torch.clamp(input, (low - zero) * scale, (high - zero) * scale)
    # The difference is exactly zero and carries the gradient.
    return (steps - zero) * scale + (inside - inside.detach())


class FakeQuantize(nn.Module):
    """Rounds numbers as integers of a dtype would hold them (Jacob 2018).

    With channels there is a scale for each place of dim; measured, scale and zero point
    are those of all numbers that come in, each time.
    """

    scale: torch.Tensor
    zero_point: torch.Tensor

    def __init__(
        self,
        integer: str = "int8",
        scale: float = 0.05,
        zero_point: int = 0,
        channels: int | None = None,
        dim: int = 1,
        measured: bool = False,
    ) -> None:
        super().__init__()
        self.integer = integer
        self.low, self.high = RANGES[integer]
        self.channels = channels
        self.dim = dim
        self.measured = measured
        if not measured:
            shape = () if channels is None else (channels,)
            kind = getattr(torch, integer)
            self.register_buffer("scale", torch.full(shape, scale))
            zero = torch.full(shape, zero_point, dtype=kind)
            self.register_buffer("zero_point", zero)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if self.measured:
            seen = input.detach()
            lowest = torch.clamp(seen.min(), max=0.0)
            width = torch.clamp(seen.max(), min=0.0) - lowest
            scale = torch.where(width > 0, width / (self.high - self.low), 1.0)
            start = torch.round(self.low - lowest / scale)
            zero = torch.clamp(start, self.low, self.high)
            return rounded(input, scale, zero, self.low, self.high)
        shape = [1] * input.dim()
        if self.channels is not None:
            shape[self.dim] = -1
        scale = self.scale.view(shape)
        zero = self.zero_point.to(scale.dtype).view(shape)
        return rounded(input, scale, zero, self.low, self.high)
