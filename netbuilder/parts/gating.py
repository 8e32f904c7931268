"""Gated units, and linear layers that are adapted."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


class SwiGLU(nn.Module):
    """A feed-forward layer whose hidden features are gated by SiLU (Shazeer 2020)."""

    def __init__(
        self, in_features: int, hidden_features: int, bias: bool = False
    ) -> None:
        super().__init__()
        self.gate = nn.Linear(in_features, hidden_features, bias)
        self.up = nn.Linear(in_features, hidden_features, bias)
        self.down = nn.Linear(hidden_features, in_features, bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.down(F.silu(self.gate(input)) * self.up(input))
        return output


class GEGLU(nn.Module):
    """A feed-forward layer whose hidden features are gated by GELU (Shazeer 2020)."""

    def __init__(
        self, in_features: int, hidden_features: int, bias: bool = False
    ) -> None:
        super().__init__()
        self.gate = nn.Linear(in_features, hidden_features, bias)
        self.up = nn.Linear(in_features, hidden_features, bias)
        self.down = nn.Linear(hidden_features, in_features, bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.down(F.gelu(self.gate(input)) * self.up(input))
        return output


class Highway(nn.Module):
    """A layer and a way around it, weighed by a gate (Srivastava 2015).

    A negative gate_bias lets most pass by at the beginning.
    """

    def __init__(self, features: int, gate_bias: float = -1.0) -> None:
        super().__init__()
        self.transform = nn.Linear(features, features)
        self.gate = nn.Linear(features, features)
        nn.init.constant_(self.gate.bias, gate_bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        gate = torch.sigmoid(self.gate(input))
        return gate * torch.relu(self.transform(input)) + (1 - gate) * input


class GatedResidual(nn.Module):
    """Mixes a branch with what it went around, by a gate that sees both."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.gate = nn.Linear(2 * features, features)

    def forward(self, input: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        gate = torch.sigmoid(self.gate(torch.cat((input, residual), -1)))
        return gate * input + (1 - gate) * residual


class LoRALinear(nn.Module):
    """A frozen linear layer and a learnt change of low rank to it (Hu 2021).

    The change is alpha/rank · B·A and zero at the beginning.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rank: int = 8,
        alpha: float = 16.0,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.base = nn.Linear(in_features, out_features, bias)
        self.base.requires_grad_(False)
        self.dropout = nn.Dropout(dropout)
        self.scale = alpha / rank
        self.lora_a = nn.Parameter(torch.empty(rank, in_features))
        self.lora_b = nn.Parameter(torch.zeros(out_features, rank))
        nn.init.kaiming_uniform_(self.lora_a, a=math.sqrt(5))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        low = F.linear(self.dropout(input), self.lora_a)
        output: torch.Tensor = self.base(input)
        return output + self.scale * F.linear(low, self.lora_b)


class FiLM(nn.Module):
    """Scales and shifts each channel by what a condition says (Perez 2018).

    input is N×C×..., condition N×K; without weights the scale would be 1, the shift 0.
    """

    def __init__(self, channels: int, condition_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(condition_size, 2 * channels)

    def forward(self, input: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        style: torch.Tensor = self.linear(condition)
        for _ in range(input.dim() - 2):
            style = style.unsqueeze(-1)
        scale, shift = style.chunk(2, 1)
        return input * (1 + scale) + shift


class AdaIN(nn.Module):
    """Normalises each channel of each image, then lets a style scale and shift it.

    input is N×C×H×W, style N×K (Huang 2017, Karras 2019).
    """

    def __init__(self, channels: int, style_size: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.linear = nn.Linear(style_size, 2 * channels)

    def forward(self, input: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        variance, mean = torch.var_mean(input, (2, 3), correction=0, keepdim=True)
        normal = (input - mean) * torch.rsqrt(variance + self.eps)
        scales: torch.Tensor = self.linear(style)
        scale, shift = scales[..., None, None].chunk(2, 1)
        return normal * (1 + scale) + shift


class ModulatedConv2d(nn.Module):
    """A convolution whose kernels are scaled by a style N×K (Karras 2020).

    Scaling the input's channels by the style and the output's by the inverse norm of
    the scaled kernels is the same as a kernel a sample, at the cost of one convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        style_size: int,
        demodulate: bool = True,
        eps: float = 1e-8,
    ) -> None:
        super().__init__()
        self.demodulate = demodulate
        self.eps = eps
        self.padding = kernel_size // 2
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = nn.Parameter(torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.linear = nn.Linear(style_size, in_channels)
        nn.init.ones_(self.linear.bias)
        self.gain = 1 / math.sqrt(in_channels * kernel_size**2)

    def forward(self, input: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        scale: torch.Tensor = self.linear(style)
        weight = self.weight * self.gain
        x = F.conv2d(input * scale[..., None, None], weight, padding=self.padding)
        if self.demodulate:
            power = F.linear(scale**2, weight.square().sum((2, 3)))
            x = x * torch.rsqrt(power + self.eps)[..., None, None]
        return x + self.bias[:, None, None]
