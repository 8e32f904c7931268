"""Convolutions, as the modules of torch.nn that do the same; unlike edges are padded before."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from netbuilder.exchange.onnx_in.ops import Call, Function, Unsupported, op
from netbuilder.exchange.onnx_in.values import highest
from netbuilder.exchange.onnx_in.weighted import empty, fill, weighted

_CONVS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_FUNCTIONS: dict[int, Any] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSING: dict[int, Any] = {
    1: F.conv_transpose1d,
    2: F.conv_transpose2d,
    3: F.conv_transpose3d,
}


def _dims(call: Call) -> int:
    kernel = call.attr("kernel_shape")
    if kernel is not None:
        return len(kernel)
    weight = call.constant(1)
    rank = weight.dim() if weight is not None else call.rank(1)
    if rank is None:
        raise Unsupported("it isn't known how many dims it has")
    return rank - 2


def _window(call: Call, dims: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Strides, dilations, and edges: first before, then after each dim."""
    strides = tuple(call.attr("strides") or (1,) * dims)
    dilations = tuple(call.attr("dilations") or (1,) * dims)
    pads = tuple(call.attr("pads") or (0,) * 2 * dims)
    return strides, dilations, pads


def same_edges(
    sizes: Any, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: Any, upper: bool
) -> list[int]:
    """Edges for `F.pad`, last dim first, so that a window gives `ceil(size / stride)` numbers."""
    edges: list[Any] = []
    for size, width, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        made = (size + stride - 1) // stride
        total = highest((made - 1) * stride + (width - 1) * dilation + 1 - size, 0)
        half = total // 2
        edges = [*((half, total - half) if upper else (total - half, half)), *edges]
    return edges


def _for_pad(pads: tuple[int, ...]) -> list[int]:
    """ONNX's edges (all befores, then all afters) as `F.pad` takes them."""
    half = len(pads) // 2
    return [edge for at in reversed(range(half)) for edge in (pads[at], pads[at + half])]


@op("Conv")
def conv(call: Call) -> nn.Module | Function:
    """A convolution; unlike edges are padded before it."""
    dims = _dims(call)
    if dims not in _CONVS:
        raise Unsupported(f"a convolution of {dims} dims")
    strides, dilations, pads = _window(call, dims)
    auto = call.attr("auto_pad", "NOTSET")
    even = pads[:dims] == pads[dims:] and min(pads) >= 0
    padding: Any = pads[:dims] if even and auto == "NOTSET" else 0
    groups = call.attr("group", 1)
    weight = call.constant(1)
    kernel = tuple(weight.shape[2:]) if weight is not None else tuple(call.attr("kernel_shape", ()))

    def edged(x: Tensor) -> Tensor:
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            upper = auto == "SAME_UPPER"
            return F.pad(x, same_edges(x.shape[2:], kernel, strides, dilations, upper))
        return F.pad(x, _for_pad(pads)) if auto == "NOTSET" and not even else x

    if weight is None or not weighted(call, 2):
        function = _FUNCTIONS[dims]
        return lambda x, weight, bias=None: function(
            edged(x), weight, bias, strides, padding, dilations, groups
        )
    module = empty(
        _CONVS[dims],
        weight.shape[1] * groups,
        weight.shape[0],
        kernel,
        strides,
        padding,
        dilations,
        groups,
        bias=call.has(2),
    )
    fill(module, weight=weight, bias=call.constant(2))
    if auto in ("NOTSET", "VALID") and (even or auto == "VALID"):
        return module  # type: ignore[no-any-return]
    call.only(0)
    held = call.hold(module)
    return lambda x: held(edged(x))


@op("ConvTranspose")
def conv_transpose(call: Call) -> nn.Module | Function:
    """A transposed convolution; unlike edges are cut off after it."""
    dims = _dims(call)
    if dims not in _TRANSPOSED:
        raise Unsupported(f"a convolution of {dims} dims")
    strides, dilations, pads = _window(call, dims)
    extra = tuple(call.attr("output_padding") or (0,) * dims)
    weight, groups = call.constant(1), call.attr("group", 1)
    wanted = call.attr("output_shape")
    auto = call.attr("auto_pad", "NOTSET")
    plain = auto in ("NOTSET", "VALID") and wanted is None
    if auto == "VALID":
        pads = (0,) * 2 * dims
    small = all(more < max(s, d) for more, s, d in zip(extra, strides, dilations, strict=True))
    even = plain and pads[:dims] == pads[dims:] and min(pads) >= 0 and small
    padding: Any = pads[:dims] if even else (0,) * dims
    added: Any = extra if even else (0,) * dims

    def cut(x: Tensor, y: Tensor) -> Tensor:
        if even:
            return y
        edges: list[Any] = []
        for at in reversed(range(dims)):
            before, after = pads[at], pads[at + dims]
            if not plain:
                size = wanted[at - dims] if wanted is not None else x.shape[2 + at] * strides[at]
                total = y.shape[2 + at] + extra[at] - size
                # SAME_UPPER has the odd one at the end, all others have it at the start; what
                # is missing is added at the end.
                spare = highest(total, 0)
                before = spare // 2 if auto == "SAME_UPPER" else spare - spare // 2
                after = total - before
            edges += [-before, extra[at] - after]
        return F.pad(y, edges)

    if weight is None or not weighted(call, 2):
        function = _TRANSPOSING[dims]
        # The bias comes last: edges that are added have it, too.
        if not even and any(extra):
            raise Unsupported("output_padding with weights that are worked out")
        return lambda x, weight, bias=None: cut(
            x, function(x, weight, bias, strides, padding, added, groups, dilations)
        )
    if not even and any(extra) and call.has(2):
        raise Unsupported("output_padding beyond its stride, with a bias")
    module = empty(
        _TRANSPOSED[dims],
        weight.shape[0],
        weight.shape[1] * groups,
        tuple(weight.shape[2:]),
        strides,
        padding,
        added,
        groups,
        call.has(2),
        dilations,
    )
    fill(module, weight=weight, bias=call.constant(2))
    if even:
        return module  # type: ignore[no-any-return]
    call.only(0)
    held = call.hold(module)
    return lambda x: cut(x, held(x))
