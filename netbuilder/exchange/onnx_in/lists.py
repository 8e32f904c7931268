"""Lists of tensors, whose lengths are known while the graph is traced, and optional values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from netbuilder.exchange.onnx_in import values
from netbuilder.exchange.onnx_in.ops import Call, Function, Numbers, Unsupported, op

Tensors = list[Tensor]


def _place(at: Numbers | None, count: int) -> int:
    """A place in a list from the front; the last where none is given."""
    number = at[0] if at else count
    if not isinstance(number, int):
        raise Unsupported("a place in a list depends on the size of the input")
    return number + count if number < 0 else number


@op("SequenceEmpty", since=11)
def empty(call: Call) -> Function:
    """No tensors yet."""
    return lambda: ([],)


@op("SequenceConstruct", since=11)
def construct(call: Call) -> Function:
    """Tensors one after the other."""
    return lambda *parts: (list(parts),)


@op("SequenceInsert", since=11, known=(2,))
def insert(call: Call) -> Function:
    """One tensor more, at a place or at the end."""

    def run(parts: Tensors, part: Tensor, at: Numbers | None = None) -> Any:
        place = _place(at, len(parts))
        return ([*parts[:place], part, *parts[place:]],)

    return run


@op("SequenceErase", since=11, known=(1,))
def erase(call: Call) -> Function:
    """All but the tensor at a place, or but the last."""

    def run(parts: Tensors, at: Numbers | None = None) -> Any:
        place = _place(at if at else (-1,), len(parts))
        return ([*parts[:place], *parts[place + 1 :]],)

    return run


@op("SequenceAt", since=11, known=(1,))
def at_place(call: Call) -> Function:
    """The tensor at a place."""
    return lambda parts, at: parts[_place(at, len(parts))]


@op("SequenceLength", since=11)
def length(call: Call) -> Function:
    """How many tensors there are."""
    return lambda parts: values.known(len(parts))


@op("SplitToSequence", since=11, known=(1,))
def split(call: Call) -> Function:
    """A tensor in parts along a dim: single places, parts of one size, or of the sizes given."""
    axis, keep = call.attr("axis", 0), bool(call.attr("keepdims", 1))
    many = (call.rank(1) or 0) > 0

    def run(x: Tensor, sizes: Numbers | None = None) -> Any:
        if sizes is None:
            size = x.shape[axis]
            if not isinstance(size, int):
                raise Unsupported("as many tensors as a free size says")
            parts = torch.split(x, 1, axis)
            return (list(parts if keep else (part.squeeze(axis) for part in parts)),)
        if many:
            return (list(torch.split(x, list(sizes), axis)),)
        return (list(torch.split(x, sizes[0], axis)),)

    return run


@op("ConcatFromSequence", since=11)
def concat(call: Call) -> Function:
    """All tensors of a list along a dim of theirs, or along a new one."""
    axis, new = call.attr("axis"), call.attr("new_axis", 0)

    def run(parts: Tensors) -> Tensor:
        if not parts:
            raise Unsupported("an empty list has no shape")
        return torch.stack(parts, axis) if new else torch.cat(parts, axis)

    return run


# -- optional values ------------------------------------------------------------------------------


@op("Optional", "OptionalGetElement", since=15)
def optional(call: Call) -> Function:
    """What is there, as it is."""

    def run(value: Any = None) -> Any:
        if value is None:
            raise Unsupported("there is nothing in it")
        return (value,)

    return run


@op("OptionalHasElement", since=15)
def has_element(call: Call) -> Function:
    """Whether something is there."""
    return lambda value=None: values.known(value is not None)
