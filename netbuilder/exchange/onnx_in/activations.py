"""Activations without weights, and those that compare the numbers of one dim."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Call, Function, Unsupported, op

_PLAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "HardSwish": F.hardswish,
    "Mish": F.mish,
    "Relu": F.relu,
    "Sigmoid": torch.sigmoid,
    "Softplus": F.softplus,
    "Softsign": F.softsign,
    "Tanh": torch.tanh,
}


@op(*_PLAIN)
def plain(call: Call) -> Function:
    """Those without settings."""
    return _PLAIN[call.op]


@op("LeakyRelu")
def leaky_relu(call: Call) -> Function:
    """A slope below 0."""
    slope = call.attr("alpha", 0.01)
    return lambda x: F.leaky_relu(x, slope)


@op("Elu")
def elu(call: Call) -> Function:
    """An exponential below 0."""
    alpha = call.attr("alpha", 1.0)
    return lambda x: F.elu(x, alpha)


@op("Celu")
def celu(call: Call) -> Function:
    """An exponential below 0 that is as steep there as above."""
    alpha = call.attr("alpha", 1.0)
    return lambda x: F.celu(x, alpha)


_SELU = (1.67326319217681884765625, 1.05070102214813232421875)
"""The constants of ONNX: alpha and gamma."""


@op("Selu")
def selu(call: Call) -> Function:
    """Scaled ELU, with PyTorch's constants or others."""
    alpha, gamma = call.attr("alpha", _SELU[0]), call.attr("gamma", _SELU[1])
    if math.isclose(alpha, _SELU[0], rel_tol=1e-6) and math.isclose(gamma, _SELU[1], rel_tol=1e-6):
        return F.selu
    return lambda x: gamma * F.elu(x, alpha)


@op("Gelu")
def gelu(call: Call) -> Function:
    """By the error function, or by tanh."""
    approximate = call.attr("approximate", "none")
    return lambda x: F.gelu(x, approximate=approximate)


@op("Swish")
def swish(call: Call) -> Function:
    """x times the sigmoid of alpha times x."""
    alpha = call.attr("alpha", 1.0)
    return F.silu if alpha == 1 else lambda x: x * torch.sigmoid(alpha * x)


@op("HardSigmoid")
def hard_sigmoid(call: Call) -> Function:
    """A line between 0 and 1."""
    alpha, beta = call.attr("alpha", 0.2), call.attr("beta", 0.5)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-6) and beta == 0.5:
        return F.hardsigmoid
    return lambda x: torch.clamp(alpha * x + beta, 0.0, 1.0)


@op("ThresholdedRelu")
def thresholded_relu(call: Call) -> Function:
    """0 up to a threshold."""
    alpha = call.attr("alpha", 1.0)
    return lambda x: F.threshold(x, alpha, 0.0)


@op("Shrink")
def shrink(call: Call) -> Function:
    """0 around 0; what is left is moved by the bias."""
    bias, width = call.attr("bias", 0.0), call.attr("lambd", 0.5)
    if bias == 0:
        return lambda x: F.hardshrink(x, width) if x.is_floating_point() else run(x)
    if bias == width:
        return lambda x: F.softshrink(x, width) if x.is_floating_point() else run(x)

    def run(x: Tensor) -> Tensor:
        zero = torch.zeros_like(x)
        above = torch.where(x > width, (x - bias).to(x.dtype), zero)
        return torch.where(x < -width, (x + bias).to(x.dtype), above)

    return run


# -- along one dim --------------------------------------------------------------------------------

_ALONG = {"Softmax": F.softmax, "LogSoftmax": F.log_softmax}


def hardmax(x: Tensor, dim: int) -> Tensor:
    """1 at the first largest number, 0 elsewhere."""
    at = torch.argmax(x, dim, keepdim=True)
    return torch.scatter(torch.zeros_like(x), dim, at, torch.ones_like(at, dtype=x.dtype))


def _along(call: Call) -> Callable[..., Tensor]:
    return hardmax if call.op == "Hardmax" else _ALONG[call.op]


@op("Softmax", "LogSoftmax", "Hardmax")
def along_the_rest(call: Call) -> Function:
    """Before version 13: over all dims from the axis on as one."""
    axis, function, rank = call.attr("axis", 1), _along(call), call.rank()
    if rank is not None and axis in (rank - 1, -1):
        return lambda x: function(x, dim=-1)

    def run(x: Tensor) -> Tensor:
        return function(x.flatten(axis), dim=-1).reshape(x.shape)

    return run


@op("Softmax", "LogSoftmax", "Hardmax", since=13)
def along(call: Call) -> Function:
    """Over one dim."""
    axis, function = call.attr("axis", -1), _along(call)
    return lambda x: function(x, dim=axis)


@op("LpNormalization")
def lp_normalization(call: Call) -> Function:
    """Divided by the norm along a dim; 0 where that is 0."""
    p, axis = call.attr("p", 2), call.attr("axis", -1)
    # Zeros stay zeros: their norm is taken for the smallest number.
    return lambda x: F.normalize(x, p=float(p), dim=axis, eps=1e-37)


@op("MeanVarianceNormalization")
def mean_variance(call: Call) -> Function:
    """Mean 0 and spread 1 over some dims."""
    axes = call.attr("axes", (0, 2, 3))

    def run(x: Tensor) -> Tensor:
        shifted = x - x.mean(axes, keepdim=True)
        spread = torch.sqrt((x * x).mean(axes, keepdim=True) - x.mean(axes, keepdim=True) ** 2)
        return shifted / (spread + 1e-9)

    return run


@op("LRN")
def local_response(call: Call) -> Function:
    """Divided by what the neighbouring channels say."""
    size = call.attr("size")
    alpha, beta = call.attr("alpha", 1e-4), call.attr("beta", 0.75)
    k = call.attr("bias", 1.0)
    if size % 2 == 0:
        raise Unsupported("it adds up an even number of channels, which runtimes refuse")
    return lambda x: F.local_response_norm(x, size, alpha, beta, k)
