"""Operators on numbers that are known while the graph is traced: sizes and their arithmetic.

Each gets arrays of numbers, None for inputs that are left out; `NotImplemented` says that the
operator is to be computed with tensors after all.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from netbuilder.exchange.onnx_in.ops import Call
from netbuilder.exchange.onnx_in.values import Known, highest, known, lowest, of_constant

Rule = Callable[..., Any]
SIZES: dict[str, Rule] = {}
"""What to do with known numbers, by operator. The first argument is the node's call."""


def sizes(*names: str) -> Callable[[Rule], Rule]:
    """Registers a rule for operators of these names."""

    def register(rule: Rule) -> Rule:
        SIZES.update(dict.fromkeys(names, rule))
        return rule

    return register


def _each(function: Callable[..., Any]) -> Rule:
    def rule(_: Call, *given: Known) -> Known:
        made = np.frompyfunc(function, len(given), 1)(*given)
        return known(made)

    return rule


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    # Whole numbers are rounded towards zero; sizes are never negative.
    if isinstance(a, torch.SymInt) or isinstance(b, torch.SymInt):
        return a // b
    return int(a / b) if abs(a) < 2**53 else a // b


_EACH: dict[str, Callable[..., Any]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": _divide,
    "Mod": operator.mod,
    "Neg": operator.neg,
    "Abs": abs,
    "Equal": operator.eq,
    "Less": operator.lt,
    "LessOrEqual": operator.le,
    "Greater": operator.gt,
    "GreaterOrEqual": operator.ge,
    "Not": operator.not_,
    "Floor": math.floor,
    "Ceil": math.ceil,
    "Sqrt": lambda a: a**0.5,
    "Min": lowest,
    "Max": highest,
    "Identity": lambda a: a,
}
SIZES.update({name: _each(function) for name, function in _EACH.items()})


@sizes("And")
def both(_: Call, a: Known, b: Known) -> Known:
    """Both true."""
    return known(np.frompyfunc(lambda one, other: bool(one) and bool(other), 2, 1)(a, b))


@sizes("Where")
def where(_: Call, chosen: Known, a: Known, b: Known) -> Known:
    """One or the other."""
    return known(np.frompyfunc(lambda c, x, y: x if c else y, 3, 1)(chosen, a, b))


_WHOLE, _FLOAT, _BOOL = frozenset({2, 3, 4, 5, 6, 7, 12, 13}), frozenset({1, 10, 11, 16}), 9


@sizes("Cast")
def cast(call: Call, x: Known) -> Any:
    """To a kind of numbers; free sizes stay whole numbers where they are asked for as such."""
    to = call.attr("to")
    if to in _WHOLE:
        return known(np.frompyfunc(_int, 1, 1)(x))
    if to in _FLOAT:
        return known(np.frompyfunc(_float, 1, 1)(x))
    return known(np.frompyfunc(bool, 1, 1)(x)) if to == _BOOL else NotImplemented


def _int(a: Any) -> Any:
    return a if isinstance(a, torch.SymInt) else torch.sym_int(a)  # type: ignore[no-untyped-call]


def _float(a: Any) -> Any:
    return torch.sym_float(a)  # type: ignore[no-untyped-call]


@sizes("Gather")
def gather(call: Call, x: Known, at: Known) -> Known:
    """Some of them."""
    return known(np.take(x, at.astype(np.int64), axis=call.attr("axis", 0)))


@sizes("Slice")
def cut(call: Call, x: Known, *rest: Known | None) -> Any:
    """From one place to another."""
    if rest:
        starts, ends = (_list(part) for part in rest[:2])
        axes: list[Any] | None = _list(rest[2]) if len(rest) > 2 and rest[2] is not None else None
        steps = _list(rest[3]) if len(rest) > 3 and rest[3] is not None else None
    else:
        starts, ends = list(call.attr("starts")), list(call.attr("ends"))
        axes, steps = call.attr("axes"), None
    index: list[Any] = [slice(None)] * x.ndim
    axes = axes if axes is not None else list(range(len(starts)))
    steps = steps if steps is not None else [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if not all(isinstance(number, int) for number in (axis, start, end, step)):
            return NotImplemented
        low = end < -x.shape[axis] and step < 0
        index[axis] = slice(start, None if low else end, step)
    return known(x[tuple(index)])


def _list(given: Any) -> list[Any]:
    return list(given.reshape(-1))


@sizes("Concat")
def concat(call: Call, *parts: Known) -> Known:
    """One after the other."""
    return known(np.concatenate(parts, axis=call.attr("axis", 0)))


@sizes("Split")
def split(call: Call, x: Known, parts: Known | None = None) -> Any:
    """Some to each output."""
    given = _list(parts) if parts is not None else call.attr("split")
    count, axis = len(call.outputs), call.attr("axis", 0)
    each = -(-x.shape[axis] // count)
    lengths = list(given) if given is not None else [each] * (count - 1)
    ends = np.cumsum([int(length) for length in lengths])[: count - 1]
    return tuple(map(known, np.split(x, ends, axis)))


@sizes("Squeeze")
def squeeze(call: Call, x: Known, axes: Known | None = None) -> Known:
    """Without dims of one."""
    given = _list(axes) if axes is not None else call.attr("axes")
    return known(np.squeeze(x, axis=tuple(given) if given is not None else None))


@sizes("Unsqueeze")
def unsqueeze(call: Call, x: Known, axes: Known | None = None) -> Known:
    """With dims of one."""
    given = _list(axes) if axes is not None else call.attr("axes")
    return known(np.expand_dims(x, tuple(given)))


@sizes("Reshape")
def reshape(_: Call, x: Known, shape: Known) -> Any:
    """The same numbers in another shape."""
    given = _list(shape)
    if not all(isinstance(size, int) for size in given) or 0 in given:
        return NotImplemented
    return known(x.reshape(tuple(given)))


@sizes("Expand")
def expand(_: Call, x: Known, shape: Known) -> Any:
    """The same numbers several times."""
    given = _list(shape)
    if not all(isinstance(size, int) for size in given) or math.prod(given) > 64:
        return NotImplemented
    return known(np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(given))))


@sizes("ConstantOfShape")
def constant_of_shape(call: Call, shape: Known) -> Any:
    """A few equal numbers: sizes to choose from."""
    given = _list(shape)
    if not all(isinstance(size, int) for size in given) or math.prod(given) > 64:
        return NotImplemented
    filled = call.attr("value")
    if filled is None or filled.dtype not in (torch.int64, torch.int32, torch.bool):
        return NotImplemented
    # Its numbers as they are: what torch makes of it while it is traced has none.
    return known(np.full(tuple(given), of_constant(filled).reshape(-1)[0], dtype=object))


@sizes("Range")
def count(_: Call, start: Known, limit: Known, delta: Known) -> Any:
    """Numbers in a row, where it is known how many."""
    given = [part.reshape(-1)[0] for part in (start, limit, delta)]
    if not all(isinstance(number, int) for number in given) or len(range(*given)) > 64:
        return NotImplemented
    return known(list(range(*given)))


@sizes("ReduceProd")
def product(call: Call, x: Known, axes: Known | None = None) -> Any:
    """All sizes times each other."""
    given = _list(axes) if axes is not None else call.attr("axes")
    if x.ndim != 1 or given not in (None, (0,), [0], (-1,), [-1]):
        return NotImplemented
    whole = math.prod(x.tolist())
    return known([whole] if call.attr("keepdims", 1) else whole)


@sizes("Size")
def size(_: Call, x: Known) -> Known:
    """How many they are."""
    return known(x.size)


@sizes("Shape")
def shape(call: Call, x: Known) -> Known:
    """How many there are of known numbers."""
    return known(list(x.shape)[call.attr("start", 0) : call.attr("end")])
