"""Quantised numbers as they are worked out: round, clamp, and the way back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netbuilder.exchange.onnx_in.nodes import dtype as dtype_of
from netbuilder.exchange.onnx_in.ops import Call, Function, Unsupported, op
from netbuilder.exchange.onnx_in.pooling import Windows, padding
from netbuilder.parts.fake_quantising import RANGES as LAYERED
from netbuilder.parts.fake_quantising import FakeQuantize

RANGES = {
    torch.int8: (-128, 127),
    torch.uint8: (0, 255),
    torch.int16: (-32768, 32767),
    torch.uint16: (0, 65535),
}
"""The smallest and largest number of each dtype that tensors are quantised to."""


def along(part: Tensor, x: Tensor, axis: int, block: int = 0) -> Tensor:
    """Scales or zero points, one for all, for each slice, or for each block, laid along x."""
    if part.dim() == 0 or (part.dim() == 1 and part.shape[0] == 1):
        return part.reshape(())
    if part.dim() == 1 and not block:
        shape = [1] * x.dim()
        shape[axis] = -1
        return part.reshape(shape)
    count = block or -(-x.shape[axis] // part.shape[axis])
    return part.repeat_interleave(count, axis).narrow(axis, 0, x.shape[axis])


def quantised(x: Tensor, scale: Tensor, zero: Any, dtype: torch.dtype) -> Tensor:
    """Numbers in steps of the scale, halves to even ones, within the dtype."""
    if dtype not in RANGES:
        raise Unsupported(f"there is no {dtype} to quantise to")
    low, high = RANGES[dtype]
    steps = torch.round((x.to(scale.dtype) / scale).float())
    return torch.clamp(steps + zero, low, high).to(dtype)


def restored(x: Tensor, scale: Tensor, zero: Any) -> Tensor:
    """What quantised numbers stand for."""
    made: Tensor = (x.float() - zero) * scale.float()
    return made.to(scale.dtype)


def _zero(zero: Tensor | None, x: Tensor, axis: int, block: int = 0) -> Any:
    return 0 if zero is None else along(zero, x, axis, block).float()


@op("QuantizeLinear", since=10)
def quantize(call: Call) -> Function:
    """Whole numbers in steps of a scale."""
    axis, block, wanted = (
        call.attr("axis", 1),
        call.attr("block_size", 0),
        call.attr("output_dtype", 0),
    )
    fixed = dtype_of(wanted) if wanted else torch.uint8

    def run(x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
        dtype = fixed if zero is None else zero.dtype
        return quantised(x, along(scale, x, axis, block), _zero(zero, x, axis, block), dtype)

    return run


def _rounding(call: Call) -> nn.Module | None:
    """What a node gives back of what the one before it made whole numbers of, as one layer."""
    made, scale, zero = call.maker(0), call.constant(1), call.constant(2)
    if made is None or call.constant(0) is not None:
        return None
    if made.op == "DynamicQuantizeLinear":
        if call.inputs != made.outputs:
            return None
        rounding = FakeQuantize("uint8", measured=True)
    else:
        plain = made.op == "QuantizeLinear" and scale is not None and scale.dim() <= 1
        known = zero is not None and str(zero.dtype).removeprefix("torch.") in LAYERED
        if not plain or not known or made.inputs[1:] != call.inputs[1:]:
            return None
        if any(name != "axis" for each in (made, call) for name in each.attributes):
            return None
        assert scale is not None
        assert zero is not None
        channels = scale.numel() if scale.numel() > 1 else None
        dim = call.attr("axis", 1) if channels else 1
        if channels and made.attr("axis", 1) != dim:
            return None
        name = str(zero.dtype).removeprefix("torch.")
        rounding = FakeQuantize(name, channels=channels, dim=dim)
        shape = () if channels is None else (channels,)
        rounding.scale, rounding.zero_point = scale.reshape(shape), zero.reshape(shape)
    call.name = f"{_source(made)}_{rounding.integer}"
    # It takes what the first of both takes.
    call.inputs, call.constants, call.ranks = made.inputs[:1], {}, made.ranks[:1]
    return rounding


def _source(made: Call) -> str:
    """What the value is called that is rounded, without the word for an output."""
    value = made.inputs[0]
    return re.sub(r"(?<=.)/[A-Z]\w*\Z", "", _OUTPUT.sub("", value))


_OUTPUT = re.compile(
    r"(?:_output_\d+|\.output(?:_\d+)?|_floats_*|_quantized|_QuantizeLinear_Input)+\Z"
)


@op("DequantizeLinear", since=10)
def dequantize(call: Call) -> nn.Module | Function:
    """The numbers that quantised ones stand for."""
    made = _rounding(call)
    if made is not None:
        return made
    axis, block = call.attr("axis", 1), call.attr("block_size", 0)
    wanted = dtype_of(call.attr("output_dtype")) if call.attr("output_dtype", 0) else None

    def run(x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
        made = restored(x, along(scale, x, axis, block), _zero(zero, x, axis, block))
        return made if wanted is None else made.to(wanted)

    return run


@op("DynamicQuantizeLinear", since=11)
def dynamic_quantize(call: Call) -> Function:
    """Quantised by the range of the numbers themselves, which 0 is part of."""

    def run(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        low = torch.clamp(torch.amin(x), max=0.0)
        high = torch.clamp(torch.amax(x), min=0.0)
        scale = (high - low) / 255.0
        zero = torch.clamp(torch.round(-low / scale), 0, 255)
        return quantised(x, scale, zero, torch.uint8), scale, zero.to(torch.uint8)

    return run


def _shifted(x: Tensor, zero: Tensor | None, rows: bool) -> Tensor:
    """Whole numbers less their zero point, which may be another one for each row or column."""
    # Products of a few million bytes are exact in float64.
    wide = x.double()
    if zero is None:
        return wide
    if zero.dim() == 1 and zero.shape[0] > 1 and rows:
        zero = zero.unsqueeze(-1)
    return wide - zero.double()


@op("MatMulInteger", since=10)
def matmul_integer(call: Call) -> Function:
    """The product of whole numbers."""

    def run(a: Tensor, b: Tensor, za: Tensor | None = None, zb: Tensor | None = None) -> Tensor:
        return torch.matmul(_shifted(a, za, True), _shifted(b, zb, False)).to(torch.int32)

    return run


@op("QLinearMatMul", since=10)
def qlinear_matmul(call: Call) -> Function:
    """The product of quantised numbers, quantised again."""

    def run(
        a: Tensor, sa: Tensor, za: Tensor, b: Tensor, sb: Tensor, zb: Tensor, so: Tensor, zo: Tensor
    ) -> Tensor:
        whole = torch.matmul(_shifted(a, za, True), _shifted(b, zb, False))
        left = sa.unsqueeze(-1) if sa.dim() == 1 and sa.shape[0] > 1 else sa
        steps = torch.round(whole * (left.double() * sb.double() / so.double()))
        low, high = RANGES[zo.dtype]
        return torch.clamp(steps + zo.double(), low, high).to(zo.dtype)

    return run


# -- convolutions ---------------------------------------------------------------------------------

_CONVOLUTIONS: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def _channels(part: Tensor, rank: int, first: bool) -> Tensor:
    """A number for all channels, or one for each, laid along a weight's or an image's channels."""
    if part.numel() == 1:
        return part.reshape(())
    return part.reshape(-1, *(1,) * (rank + 1)) if first else part.reshape(1, -1, *(1,) * rank)


def _convolved(
    call: Call, x: Tensor, zero: Tensor | None, weight: Tensor, shift: Tensor | None
) -> Tensor:
    """The convolution of whole numbers, exact in float64; edges are zero points."""
    rank = weight.dim() - 2
    if rank not in _CONVOLUTIONS:
        raise Unsupported("a convolution of other than 1 to 3 dims")
    windows = Windows.of(call, tuple(weight.shape[2:]))
    wide = x.double() if zero is None else x.double() - zero.double().reshape(())
    around = windows.around(x)
    if any(pair != (0, 0) for pair in around):
        wide = F.pad(wide, padding(around))
    factors = weight.double()
    if shift is not None:
        factors = factors - _channels(shift.double(), rank, True)
    groups = call.attr("group", 1)
    return _CONVOLUTIONS[rank](wide, factors, None, windows.strides, 0, windows.dilations, groups)


@op("ConvInteger", since=10)
def conv_integer(call: Call) -> Function:
    """The convolution of whole numbers."""

    def run(x: Tensor, w: Tensor, zx: Tensor | None = None, zw: Tensor | None = None) -> Tensor:
        return _convolved(call, x, zx, w, zw).to(torch.int32)

    return run


@op("QLinearConv", since=10)
def qlinear_conv(call: Call) -> Function:
    """The convolution of quantised numbers, quantised again."""

    def run(
        x: Tensor,
        sx: Tensor,
        zx: Tensor,
        w: Tensor,
        sw: Tensor,
        zw: Tensor,
        so: Tensor,
        zo: Tensor,
        bias: Tensor | None = None,
    ) -> Tensor:
        rank = w.dim() - 2
        whole = _convolved(call, x, zx, w, zw)
        if bias is not None:
            whole = whole + _channels(bias.double(), rank, False)
        scale = sx.double() * _channels(sw.double(), rank, False) / so.double()
        low, high = RANGES[zo.dtype]
        return torch.clamp(torch.round(whole * scale) + zo.double(), low, high).to(zo.dtype)

    return run
