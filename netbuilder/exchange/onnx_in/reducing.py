"""Operators that make one number of many, and those that order numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from netbuilder.exchange.onnx_in.elementwise import WIDER
from netbuilder.exchange.onnx_in.ops import Call, Function, Numbers, op

Reduction = Callable[[Tensor, tuple[int, ...], bool], Tensor]


def _sum(x: Tensor, dims: tuple[int, ...], keep: bool) -> Tensor:
    made = torch.sum(x, dims, keep)
    # PyTorch adds up small whole numbers as int64.
    return made if made.dtype is x.dtype else made.to(x.dtype)


def _mean(x: Tensor, dims: tuple[int, ...], keep: bool) -> Tensor:
    if x.is_floating_point():
        return torch.mean(x, dims, keep)
    return torch.mean(x.double(), dims, keep).to(x.dtype)


def _prod(x: Tensor, dims: tuple[int, ...], keep: bool) -> Tensor:
    made = x
    for dim in sorted((dim % x.dim() for dim in dims), reverse=True):
        made = torch.prod(made, dim, keep)
    return made if made.dtype is x.dtype else made.to(x.dtype)


def _norm(order: int) -> Reduction:
    def run(x: Tensor, dims: tuple[int, ...], keep: bool) -> Tensor:
        wide = x if x.is_floating_point() else x.double()
        made: Tensor = torch.linalg.vector_norm(wide, order, dims, keep)
        return made if made.dtype is x.dtype else made.to(x.dtype)

    return run


def _extreme(largest: bool) -> Reduction:
    function, whole = (torch.amax, torch.any) if largest else (torch.amin, torch.all)

    def run(x: Tensor, dims: tuple[int, ...], keep: bool) -> Tensor:
        return whole(x, dims, keep) if x.dtype is torch.bool else function(x, dims, keep)

    return run


def _log_sum(x: Tensor, dims: tuple[int, ...], keep: bool) -> Tensor:
    return torch.log(_sum(x, dims, keep))


_REDUCTIONS: dict[str, Reduction] = {
    "ReduceL1": _norm(1),
    "ReduceL2": _norm(2),
    "ReduceLogSum": _log_sum,
    "ReduceLogSumExp": torch.logsumexp,
    "ReduceMax": _extreme(True),
    "ReduceMean": _mean,
    "ReduceMin": _extreme(False),
    "ReduceProd": _prod,
    "ReduceSum": _sum,
    "ReduceSumSquare": lambda x, dims, keep: _sum(x * x, dims, keep),
}
_INPUT_SINCE = {"ReduceSum": 13}
"""The version from which axes are an input; of the others it is 18."""


def _reduced(x: Tensor, axes: Any, keep: bool, function: Reduction) -> Tensor:
    dims = tuple(axes) if axes else tuple(range(x.dim()))
    # A number by itself is reduced to itself; the root of its square is still to be taken.
    if not dims:
        return function(x.reshape(1), (0,), False)
    return function(x, dims, keep)


@op(*_REDUCTIONS)
def reduce_by_attribute(call: Call) -> Function:
    """Axes of old files: an attribute."""
    axes, keep = call.attr("axes"), bool(call.attr("keepdims", 1))
    function = _REDUCTIONS[call.op]
    return lambda x: _reduced(x, axes, keep, function)


def _reduce(call: Call) -> Function:
    """Axes are an input; without them all dims, or none, are reduced."""
    keep, idle = bool(call.attr("keepdims", 1)), bool(call.attr("noop_with_empty_axes", 0))
    function = _REDUCTIONS[call.op]

    def run(x: Tensor, axes: Numbers | None = None) -> Tensor:
        if idle and not axes:
            return _each(call.op, x)
        return _reduced(x, axes, keep, function)

    return run


def _each(name: str, x: Tensor) -> Tensor:
    """What a reduction over no dim does to every number."""
    match name:
        case "ReduceL1" | "ReduceL2":
            return torch.abs(x)
        case "ReduceLogSum":
            return torch.log(x)
        case "ReduceSumSquare":
            return x * x
    return x


for _name in _REDUCTIONS:
    op(_name, since=_INPUT_SINCE.get(_name, 18), known=(1,))(_reduce)


@op("ArgMax", "ArgMin")
def arg_extreme(call: Call) -> Function:
    """Where the largest or smallest number is: the first such place, or the last."""
    axis, keep = call.attr("axis", 0), bool(call.attr("keepdims", 1))
    function = torch.argmax if call.op == "ArgMax" else torch.argmin
    if not call.attr("select_last_index", 0):
        return lambda x: function(x, axis, keep)

    def run(x: Tensor) -> Tensor:
        back: Tensor = function(torch.flip(x, (axis,)), axis, keep)
        last: Tensor = x.shape[axis] - 1 - back
        return last

    return run


@op("CumSum", "CumProd", known=(1,))
def cumulative(call: Call) -> Function:
    """Sums or products so far; backwards, and without the number itself, where so asked."""
    function = torch.cumsum if call.op == "CumSum" else torch.cumprod
    first = 0 if call.op == "CumSum" else 1
    exclusive, back = call.attr("exclusive", 0), call.attr("reverse", 0)

    def run(x: Tensor, axis: Numbers) -> Tensor:
        dim = axis[0] % x.dim()
        x = torch.flip(x, (dim,)) if back else x
        if exclusive:
            head = torch.full_like(x.narrow(dim, 0, 1), first)
            x = torch.cat((head, x.narrow(dim, 0, x.shape[dim] - 1)), dim)
        made = function(x, dim).to(x.dtype)
        return torch.flip(made, (dim,)) if back else made

    return run


def _top(call: Call, x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    axis, largest = call.attr("axis", -1), bool(call.attr("largest", 1))
    if x.is_floating_point():
        made = torch.topk(x, count, axis, largest, bool(call.attr("sorted", 1)))
        return made[0], made[1]
    # Equal whole numbers are common: they keep their order.
    wide = x.long() if x.dtype in WIDER else x
    values, places = torch.sort(wide, dim=axis, descending=largest, stable=True)
    return values.narrow(axis, 0, count).to(x.dtype), places.narrow(axis, 0, count)


@op("TopK")
def top_by_attribute(call: Call) -> Function:
    """The number of old files: an attribute."""
    return lambda x: _top(call, x, call.attr("k"))


@op("TopK", since=10, known=(1,))
def top(call: Call) -> Function:
    """The largest or smallest numbers and their places."""
    return lambda x, count: _top(call, x, count[0])
