"""What changes gradients and leaves the numbers alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class ScaledGradient(torch.autograd.Function):
    """The identity, with a gradient that is multiplied by a number."""

    @staticmethod
    def forward(ctx: Any, input: torch.Tensor, scale: float) -> torch.Tensor:
        ctx.scale = scale
        return input.view_as(input)

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.scale * grad_output, None


class ClippedGradient(torch.autograd.Function):
    """The identity, with a gradient that is kept between -limit and limit."""

    @staticmethod
    def forward(ctx: Any, input: torch.Tensor, limit: float) -> torch.Tensor:
        ctx.limit = limit
        return input.view_as(input)

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor, None]:
        return grad_output.clamp(-ctx.limit, ctx.limit), None


scale_gradient: Callable[[torch.Tensor, float], torch.Tensor] = ScaledGradient.apply
clip_gradient: Callable[[torch.Tensor, float], torch.Tensor] = ClippedGradient.apply


class GradientReversal(nn.Module):
    """Turns the gradient round: what comes before learns the opposite (Ganin 2016)."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return scale_gradient(input, -self.scale)


class GradientScale(nn.Module):
    """Multiplies the gradient: what comes before learns faster or slower."""

    def __init__(self, scale: float = 0.1) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return scale_gradient(input, self.scale)


class GradientClip(nn.Module):
    """Keeps each number of the gradient between -limit and limit."""

    def __init__(self, limit: float = 1.0) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return clip_gradient(input, self.limit)


class StraightThrough(nn.Module):
    """Rounds or takes signs, with the gradient of the identity (Bengio 2013)."""

    def __init__(self, function: str = "round") -> None:
        super().__init__()
        self.function = function

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        fixed = input.detach()
        stepped = fixed.round() if self.function == "round" else fixed.sign()
        # The difference is exactly zero and carries the gradient.
        return stepped + (input - fixed)
