"""Operators that hold weights, as the modules of torch.nn that do the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from netbuilder.exchange.onnx_in.gathering import taken
from netbuilder.exchange.onnx_in.ops import Call, Function, Unsupported, op
from netbuilder.exchange.onnx_in.values import highest

_CONVS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_FUNCTIONS: dict[int, Any] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSING: dict[int, Any] = {
    1: F.conv_transpose1d,
    2: F.conv_transpose2d,
    3: F.conv_transpose3d,
}


def weighted(call: Call, *positions: int) -> bool:
    """Whether the file has the values of these inputs, as far as they are given."""
    return all(call.constant(at) is not None for at in positions if call.has(at))


def fill(module: nn.Module, **tensors: Tensor | None) -> nn.Module:
    """The module with these weights, which are not copied."""
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        held = getattr(module, name)
        if tuple(held.shape) != tuple(tensor.shape):
            raise Unsupported(f"its {name} is {tuple(tensor.shape)}, not {tuple(held.shape)}")
        if name in dict(module.named_parameters()):
            setattr(module, name, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))
        else:
            setattr(module, name, tensor)
    return module


def empty(kind: Any, *args: Any, **named: Any) -> Any:
    """A module whose weights are given afterwards: none are made at random."""
    with torch.device("meta"):
        return kind(*args, **named)


# -- convolution ---------------------------------------------------------------------------------


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


# -- products ------------------------------------------------------------------------------------


@op("Gemm")
def gemm(call: Call) -> nn.Module | Function:
    """`alpha * A @ B + beta * C`: a Linear where B is a weight."""
    alpha, beta = call.attr("alpha", 1.0), call.attr("beta", 1.0)
    flip_a, flip_b = call.attr("transA", 0), call.attr("transB", 0)
    weight, bias = call.constant(1), call.constant(2)
    plain = alpha == 1 and (beta == 1 or not call.has(2)) and not flip_a
    if plain and weight is not None and weighted(call, 2) and weight.is_floating_point():
        rows = weight if flip_b else turned(call, weight)
        wide = bias.reshape(-1) if bias is not None else None
        if wide is not None and wide.numel() == 1:
            wide = wide.expand(rows.shape[0]).contiguous()
        if bias is None or (wide is not None and bias.numel() in (1, rows.shape[0])):
            return linear(rows, wide)

    def run(a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
        product = torch.matmul(
            a.transpose(0, 1) if flip_a else a, b.transpose(0, 1) if flip_b else b
        )
        product = product if alpha == 1 else product * alpha
        if c is None:
            return product
        return product + (c if beta == 1 else c * beta)

    return run


def turned(call: Call, weight: Tensor) -> Tensor:
    """A matrix with rows and columns exchanged: the same memory for all that share the matrix."""
    place = (weight.data_ptr(), weight.shape, weight.stride(), weight.dtype)
    if place not in call.turned:
        call.turned[place] = weight.t().contiguous()
    return call.turned[place]


def linear(weight: Tensor, bias: Tensor | None) -> nn.Module:
    """A Linear of these weights, as rows of outputs."""
    made = empty(nn.Linear, weight.shape[1], weight.shape[0], bias=bias is not None)
    return fill(made, weight=weight, bias=bias)


@op("MatMul")
def matmul(call: Call) -> nn.Module | Function:
    """A product: a Linear without a bias where the second is a matrix of weights."""
    weight = call.constant(1)
    rank = call.rank(0)
    if weight is not None and weight.dim() == 2 and weight.is_floating_point() and rank != 1:
        return linear(turned(call, weight), None)
    return torch.matmul


@op("Gather")
def gather(call: Call) -> nn.Module | Function:
    """Some of a tensor's parts; rows of a table of weights are an Embedding."""
    axis = call.attr("axis", 0)
    table = call.constant(0)
    rows = table is not None and table.dim() == 2 and axis in (0, -2) and table.numel() > 1
    if rows and table is not None and table.is_floating_point() and call.constant(1) is None:
        module = empty(nn.Embedding, table.shape[0], table.shape[1])
        held = call.hold(fill(module, weight=table))
        call.only(1)
        return lambda at: held(at)
    return taken(call)


# -- normalisation -------------------------------------------------------------------------------

_BATCH: dict[int, Any] = {
    2: nn.BatchNorm1d,
    3: nn.BatchNorm1d,
    4: nn.BatchNorm2d,
    5: nn.BatchNorm3d,
}
_INSTANCE: dict[int, Any] = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}


@op("BatchNormalization")
def batch_norm(call: Call) -> nn.Module | Function:
    """By the means and variances of the file."""
    if call.attr("training_mode", 0) or any(call.gives(at) for at in range(1, 5)):
        raise Unsupported("it is in training")
    if call.opset < 9 and not call.attr("spatial", 1):
        raise Unsupported("it normalises every place by itself")
    epsilon = call.attr("epsilon", 1e-5)
    rank = call.rank(0)
    if not weighted(call, 1, 2, 3, 4) or rank not in _BATCH:
        return lambda x, scale, bias, mean, var: F.batch_norm(
            x, mean, var, scale, bias, False, 0.0, epsilon
        )
    scale = call.constant(1)
    assert scale is not None
    momentum = 1 - call.attr("momentum", 0.9)
    module = _BATCH[rank](scale.numel(), epsilon, round(momentum, 6))
    mean, var = call.constant(3), call.constant(4)
    return fill(module, weight=scale, bias=call.constant(2), running_mean=mean, running_var=var)


@op("InstanceNormalization")
def instance_norm(call: Call) -> nn.Module | Function:
    """Each channel of each sample by itself."""
    epsilon, rank, scale = call.attr("epsilon", 1e-5), call.rank(0), call.constant(1)
    if scale is None or not weighted(call, 2) or rank not in _INSTANCE:
        return lambda x, scale, bias: F.instance_norm(x, None, None, scale, bias, True, 0, epsilon)
    module = _INSTANCE[rank](scale.numel(), epsilon, affine=True)
    return fill(module, weight=scale, bias=call.constant(2))


@op("LayerNormalization")
def layer_norm(call: Call) -> nn.Module | Function:
    """From one dim on to the last; ONNX Runtime's optimizer writes it into older files, too."""
    more = call.gives(1) or call.gives(2)
    epsilon, axis, rank = call.attr("epsilon", 1e-5), call.attr("axis", -1), call.rank(0)
    scale, bias = call.constant(1), call.constant(2)
    wanted = -axis if axis < 0 else (rank - axis if rank is not None else None)
    alike = not more and scale is not None and (bias is None or bias.shape == scale.shape)
    if alike and scale is not None and weighted(call, 2) and scale.dim() == wanted:
        module = nn.LayerNorm(tuple(scale.shape), epsilon, bias=bias is not None)
        return fill(module, weight=scale, bias=bias)

    def run(x: Tensor, scale: Tensor, bias: Tensor | None = None) -> Any:
        dims = x.shape[axis % x.dim() :]
        made = F.layer_norm(x, dims, None, None, epsilon) * scale
        made = made if bias is None else made + bias
        if not more:
            return made
        along = tuple(range(axis % x.dim(), x.dim()))
        mean = x.mean(along, True)
        return made, mean, torch.rsqrt((x - mean).square().mean(along, True) + epsilon)

    return run


@op("GroupNormalization", since=21)
def group_norm(call: Call) -> nn.Module | Function:
    """Channels in groups."""
    epsilon, groups = call.attr("epsilon", 1e-5), call.attr("num_groups")
    scale = call.constant(1)
    if scale is None or not weighted(call, 2):
        return lambda x, scale, bias: F.group_norm(x, groups, scale, bias, epsilon)
    module = nn.GroupNorm(groups, scale.numel(), epsilon)
    return fill(module, weight=scale, bias=call.constant(2))


@op("PRelu")
def prelu(call: Call) -> nn.Module | Function:
    """A slope for each channel, or one for all."""
    slope, rank = call.constant(1), call.rank(0)
    if slope is not None and slope.is_floating_point() and rank is not None:
        channels = slope.numel()
        along = slope.dim() >= 2 and slope.dim() == rank - 1 and slope.shape[0] == channels
        if channels == 1 or along or (rank == 2 and slope.dim() == 1):
            return fill(nn.PReLU(channels), weight=slope.reshape(-1))
    return lambda x, slope: torch.where(x < 0, x * slope, x)


@op("Dropout")
def dropout(call: Call) -> Function:
    """Nothing is dropped when a file is run."""
    if call.has(2):
        mode = call.constant(2)
        if mode is None or bool(mode.reshape(-1)[0]):
            raise Unsupported("it is in training")
    ratio = call.constant(1)
    share = float(ratio.reshape(-1)[0]) if ratio is not None else call.attr("ratio", 0.5)
    call.only(0)
    held = call.hold(nn.Dropout(share))
    if not call.gives(1):
        return lambda x: held(x)
    # Before opset 10 the mask is of the numbers' own dtype.
    kind = torch.bool if call.opset >= 10 else None
    return lambda x: (held(x), torch.ones_like(x, dtype=kind))
