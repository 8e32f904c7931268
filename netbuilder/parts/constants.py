"""Constants, parameters of their own, tokens and scales."""

from __future__ import annotations

import torch
from torch import nn

INITIALISERS = {
    "zeros": nn.init.zeros_,
    "ones": nn.init.ones_,
    "xavier_uniform": nn.init.xavier_uniform_,
    "xavier_normal": nn.init.xavier_normal_,
    "kaiming_uniform": nn.init.kaiming_uniform_,
    "kaiming_normal": nn.init.kaiming_normal_,
    "orthogonal": nn.init.orthogonal_,
}


def initial(shape: tuple[int, ...], init: str, scale: float) -> torch.Tensor:
    """Numbers to begin with; `scale` is the spread of 'normal' and 'uniform'."""
    tensor = torch.empty(shape)
    if init == "normal":
        return nn.init.normal_(tensor, std=scale)
    if init == "uniform":
        return nn.init.uniform_(tensor, -scale, scale)
    return INITIALISERS[init](tensor)


class Constant(nn.Module):
    """A tensor that moves with the module from device to device and is not saved."""

    value: torch.Tensor

    def __init__(self, value: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value, persistent=False)

    def forward(self) -> torch.Tensor:
        return self.value


class LearnableParameter(nn.Module):
    """A tensor that is learnt; with a reference, one copy for each of its samples."""

    def __init__(
        self, shape: tuple[int, ...], init: str = "normal", scale: float = 0.02
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(initial(shape, init, scale))

    def forward(self, reference: torch.Tensor | None = None) -> torch.Tensor:
        if reference is None:
            return self.weight
        return self.weight.expand(reference.shape[0], *self.weight.shape)


class Buffer(nn.Module):
    """A tensor that is saved with the weights and not trained."""

    value: torch.Tensor

    def __init__(
        self, shape: tuple[int, ...], init: str = "zeros", scale: float = 1.0
    ) -> None:
        super().__init__()
        self.register_buffer("value", initial(shape, init, scale))

    def forward(self, reference: torch.Tensor | None = None) -> torch.Tensor:
        if reference is None:
            return self.value
        return self.value.expand(reference.shape[0], *self.value.shape)


class ClassToken(nn.Module):
    """Puts learnt tokens before a sequence: N×T×C becomes N×(T + count)×C."""

    def __init__(self, channels: int, count: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, channels))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        token = self.weight.expand(input.shape[0], *self.weight.shape)
        return torch.cat((token, input), 1)


class LayerScale(nn.Module):
    """Multiplies each channel by a learnt factor that begins small (Touvron 2021)."""

    def __init__(self, channels: int, init: float = 1e-5, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim
        self.weight = nn.Parameter(torch.full((channels,), init))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        shape = [1] * input.dim()
        shape[self.dim] = -1
        return input * self.weight.view(shape)
