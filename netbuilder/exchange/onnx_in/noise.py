"""Operators that draw random numbers: no comparison finds them again."""

from __future__ import annotations

import torch
from torch import Tensor

from netbuilder.exchange.onnx_in.nodes import dtype as dtype_of
from netbuilder.exchange.onnx_in.ops import Call, Function, op

DRAWN = frozenset({"RandomNormalLike", "RandomUniformLike"})
"""Operators after which two runs differ."""


def _spread(drawn: Tensor, width: float, low: float) -> Tensor:
    drawn = drawn if width == 1 else drawn * width
    return drawn if low == 0 else drawn + low


@op("RandomNormalLike")
def normal(call: Call) -> Function:
    """Normal numbers in the shape of another tensor."""
    mean, scale, dtype = call.attr("mean", 0.0), call.attr("scale", 1.0), call.attr("dtype")
    wanted = None if dtype is None else dtype_of(dtype)
    return lambda x: _spread(torch.randn_like(x, dtype=wanted), scale, mean)


@op("RandomUniformLike")
def uniform(call: Call) -> Function:
    """Numbers between two others in the shape of another tensor."""
    low, high, dtype = call.attr("low", 0.0), call.attr("high", 1.0), call.attr("dtype")
    wanted = None if dtype is None else dtype_of(dtype)
    return lambda x: _spread(torch.rand_like(x, dtype=wanted), high - low, low)
