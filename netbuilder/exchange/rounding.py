"""`FakeQuantize` for the ONNX exporter: the two operators that ONNX has for it.

Traced as it is, it would come to eight nodes of arithmetic that no runtime takes for integers.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from onnxscript import opset18
from torch import Tensor, nn

from netbuilder.parts.fake_quantising import RANGES

op: Any = opset18
"""ONNX's operators; that lists may stand for constants is not in their types."""
_NAME = "FakeQuantize"


@torch.library.custom_op("netbuilder::fake_quantize", mutates_args=())
def fake_quantize(input: Tensor, scale: Tensor, zero_point: Tensor, dim: int) -> Tensor:
    """Numbers as integers with these scales, one or one for each place of dim, would hold them."""
    low, high = RANGES[str(zero_point.dtype).removeprefix("torch.")]
    shape = [1] * input.dim()
    if scale.dim():
        shape[dim] = -1
    step, zero = scale.view(shape), zero_point.to(scale.dtype).view(shape)
    return (torch.clamp(torch.round(input / step) + zero, low, high) - zero) * step


@torch.library.custom_op("netbuilder::fake_quantize_measured", mutates_args=())
def fake_quantize_measured(input: Tensor) -> Tensor:
    """Numbers as bytes would hold them whose range is that of the numbers, and 0."""
    lowest = torch.clamp(input.amin(), max=0.0)
    width = torch.clamp(input.amax(), min=0.0) - lowest
    scale = torch.where(width > 0, width / 255, 1.0)
    zero = torch.clamp(torch.round(-lowest / scale), 0, 255)
    return (torch.clamp(torch.round(input / scale) + zero, 0, 255) - zero) * scale


@fake_quantize.register_fake
def _(input: Tensor, scale: Tensor, zero_point: Tensor, dim: int) -> Tensor:
    return torch.empty_like(input)


@fake_quantize_measured.register_fake
def _(input: Tensor) -> Tensor:
    return torch.empty_like(input)


def _forward(self: Any, input: Tensor) -> Tensor:
    operations: Any = torch.ops.netbuilder
    made: Tensor
    if self.measured:
        made = operations.fake_quantize_measured(input)
    else:
        made = operations.fake_quantize(input, self.scale, self.zero_point, self.dim)
    return made


def keep_whole(module: nn.Module) -> None:
    """Let each FakeQuantize in a module be one operation from now on."""
    for each in module.modules():
        # The class is in the code of the network itself.
        if type(each).__name__ == _NAME and hasattr(each, "measured"):
            each.forward = MethodType(_forward, each)


def _in_onnx(input: Any, scale: Any, zero_point: Any, dim: int) -> Any:
    whole = op.QuantizeLinear(input, scale, zero_point, axis=dim)
    return op.DequantizeLinear(whole, scale, zero_point, axis=dim)


def _measured_in_onnx(input: Any) -> Any:
    whole, scale, zero_point = op.DynamicQuantizeLinear(input)
    return op.DequantizeLinear(whole, scale, zero_point)


TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.ops.netbuilder.fake_quantize.default: _in_onnx,
    torch.ops.netbuilder.fake_quantize_measured.default: _measured_in_onnx,
}
"""For `torch.onnx.export`."""
