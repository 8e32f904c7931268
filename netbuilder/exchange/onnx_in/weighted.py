"""Operators that hold weights, as the modules of torch.nn that do the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from netbuilder.exchange.onnx_in.gathering import taken
from netbuilder.exchange.onnx_in.ops import Call, Function, Unsupported, op


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
