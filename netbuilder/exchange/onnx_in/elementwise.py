"""Operators that work number by number."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from netbuilder.exchange.onnx_in.nodes import dtype as dtype_of
from netbuilder.exchange.onnx_in.ops import Call, Function, op

WIDER = {torch.uint16: torch.int32, torch.uint32: torch.int64, torch.uint64: torch.int64}
"""dtypes for which PyTorch has few functions, and what their numbers are worked out in."""

# -- of one tensor --------------------------------------------------------------------------------


def asin(x: Tensor) -> Tensor:
    """The arcus sine by atan2, which has a layer."""
    return torch.atan2(x, torch.sqrt((1 - x) * (1 + x)))


def acos(x: Tensor) -> Tensor:
    """The arcus cosine by atan2."""
    return torch.atan2(torch.sqrt((1 - x) * (1 + x)), x)


def asinh(x: Tensor) -> Tensor:
    """The inverse of sinh: by the size alone, as its sum with x would lose digits below 0."""
    size = torch.abs(x)
    return torch.sign(x) * torch.log1p(size + size * size / (1 + torch.sqrt(size * size + 1)))


def acosh(x: Tensor) -> Tensor:
    """The inverse of cosh."""
    return torch.log(x + torch.sqrt((x - 1) * (x + 1)))


def atanh(x: Tensor) -> Tensor:
    """The inverse of tanh."""
    return 0.5 * (torch.log1p(x) - torch.log1p(-x))


_OF_ONE: dict[str, Callable[[Tensor], Tensor]] = {
    "Abs": torch.abs,
    "Acos": acos,
    "Acosh": acosh,
    "Asin": asin,
    "Asinh": asinh,
    "Atan": torch.atan,
    "Atanh": atanh,
    "BitwiseNot": torch.bitwise_not,
    "Ceil": torch.ceil,
    "Cos": torch.cos,
    "Cosh": torch.cosh,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Floor": torch.floor,
    "IsNaN": torch.isnan,
    "Log": torch.log,
    "Neg": torch.neg,
    "Not": torch.logical_not,
    "Reciprocal": torch.reciprocal,
    "Round": torch.round,
    "Sign": torch.sign,
    "Sin": torch.sin,
    "Sinh": torch.sinh,
    "Sqrt": torch.sqrt,
    "Tan": torch.tan,
}


@op(*_OF_ONE)
def of_one(call: Call) -> Function:
    """A function of PyTorch by another name."""
    function = _OF_ONE[call.op]
    if call.op != "BitwiseNot":
        return function
    return lambda x: function(x.to(WIDER.get(x.dtype, x.dtype))).to(x.dtype)


@op("IsInf")
def is_inf(call: Call) -> Function:
    """Infinite numbers, of both signs or of one."""
    above, below = call.attr("detect_positive", 1), call.attr("detect_negative", 1)

    def run(x: Tensor) -> Tensor:
        found = torch.isinf(x)
        if above and below:
            return found
        if not (above or below):
            return torch.logical_and(found, torch.logical_not(found))
        return torch.logical_and(found, x > 0 if above else x < 0)

    return run


# -- of two ---------------------------------------------------------------------------------------


def scalar(call: Call, at: int, beside: int) -> Any:
    """An input's one number, where it is a constant that stretches over the other; else None."""
    given, rank = call.constant(at), call.rank(beside)
    if given is None or given.numel() != 1 or call.constant(beside) is not None:
        return None
    if rank is None or given.dim() > rank:
        return None
    number = given.item()
    return number if math.isfinite(number) else None


def _whole(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not value.dtype.is_floating_point
    return isinstance(value, int)


def _tensors(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Any, Any], Tensor]:
    """A function that takes no numbers."""

    def run(a: Any, b: Any) -> Tensor:
        return function(_as_tensor(a, b), _as_tensor(b, a))

    return run


def _as_tensor(one: Any, beside: Any) -> Tensor:
    return one if isinstance(one, Tensor) else torch.tensor(one, dtype=beside.dtype)


def divide(a: Any, b: Any) -> Any:
    """The quotient; whole numbers are divided towards zero."""
    if _whole(a) and _whole(b):
        return torch.div(_as_tensor(a, b), b, rounding_mode="trunc")
    return a / b


def power(a: Any, b: Any) -> Any:
    """The power, in the dtype of the base."""
    if not isinstance(a, Tensor):
        return torch.pow(torch.tensor(a, dtype=b.dtype), b)
    made = torch.pow(a.double() if _whole(a) and not _whole(b) else a, b)
    return made if made.dtype is a.dtype else made.to(a.dtype)


def _remainder(a: Tensor, b: Tensor) -> Tensor:
    return torch.remainder(a, b)


def _remainder_of_c(a: Tensor, b: Tensor) -> Tensor:
    return a - torch.div(a, b, rounding_mode="trunc") * b


_OF_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add,
    "And": _tensors(torch.logical_and),
    "BitwiseAnd": _tensors(torch.bitwise_and),
    "BitwiseOr": _tensors(torch.bitwise_or),
    "BitwiseXor": _tensors(torch.bitwise_xor),
    "Div": divide,
    "Equal": operator.eq,
    "Greater": operator.gt,
    "GreaterOrEqual": operator.ge,
    "Less": operator.lt,
    "LessOrEqual": operator.le,
    "Mul": operator.mul,
    "Or": _tensors(torch.logical_or),
    "Pow": power,
    "Sub": operator.sub,
    "Xor": _tensors(torch.logical_xor),
}


@op(*_OF_TWO)
def of_two(call: Call) -> Function:
    """Two tensors, or one and a number."""
    function = widened(_OF_TWO[call.op])
    for at in (1, 0):
        number = scalar(call, at, 1 - at)
        if number is not None and call.op != "Equal":
            call.only(1 - at)
            if at:
                return lambda a: function(a, number)
            return lambda b: function(number, b)
    axis = call.attr("axis") if call.opset < 7 and call.attr("broadcast", 0) else None
    if axis is None:
        return function

    def run(a: Tensor, b: Tensor) -> Any:
        # In old files the second tensor lies along dims of the first from `axis` on.
        behind = a.dim() - axis % a.dim() - b.dim()
        return function(a, b.reshape(*b.shape, *(1,) * behind))

    return run


def widened(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A function that works out numbers of rare dtypes in wider ones."""

    def run(a: Any, b: Any) -> Any:
        dtypes = [x.dtype for x in (a, b) if isinstance(x, Tensor)]
        if dtypes[0] not in WIDER:
            return function(a, b)
        wide = [x.to(WIDER[x.dtype]) if isinstance(x, Tensor) else x for x in (a, b)]
        made = function(*wide)
        return made if made.dtype is torch.bool else made.to(dtypes[0])

    return run


@op("Mod")
def mod(call: Call) -> Function:
    """With the divisor's sign, or, by `fmod`, with the dividend's."""
    return widened(_remainder_of_c if call.attr("fmod", 0) else _remainder)


@op("BitCast", since=26)
def bit_cast(call: Call) -> Function:
    """The same bits read as another dtype."""
    dtype = dtype_of(call.attr("to"))
    return lambda x: x.view(dtype)


@op("BitShift")
def bit_shift(call: Call) -> Function:
    """Bits moved to the left or right."""
    left = call.attr("direction") == "LEFT"
    return widened(torch.bitwise_left_shift if left else torch.bitwise_right_shift)


# -- of many --------------------------------------------------------------------------------------


def _chained(function: Callable[[Any, Any], Any], *values: Tensor) -> Tensor:
    total = values[0]
    for value in values[1:]:
        total = widened(function)(total, value)
    return total


@op("Max", "Min")
def extreme(call: Call) -> Function:
    """The largest or the smallest; beside a number that is a clamp."""
    largest = call.op == "Max"
    number = scalar(call, 1, 0) if len(call.inputs) == 2 else None
    if number is not None:
        call.only(0)
        limits = {"min" if largest else "max": number}
        return lambda x: torch.clamp(x, **limits)
    function = torch.maximum if largest else torch.minimum
    return lambda *values: _chained(function, *values)


@op("Sum")
def total(call: Call) -> Function:
    """All of them added."""
    return lambda *values: _chained(operator.add, *values)


@op("Mean")
def mean(call: Call) -> Function:
    """Their mean, number by number."""
    return lambda *values: _chained(operator.add, *values) / len(values)


@op("Where")
def where(call: Call) -> Function:
    """One or the other, as the condition says."""
    return torch.where


@op("Clip", since=6)
def clip_by_attributes(call: Call) -> Function:
    """Limits of old files: attributes."""
    limits = [call.attr("min"), call.attr("max")]
    return lambda x: _clamped(x, *limits)


@op("Clip", since=11)
def clip(call: Call) -> Function:
    """Numbers within limits."""
    given = [call.constant(at) for at in (1, 2)]
    if all(call.has(at + 1) == (one is not None) for at, one in enumerate(given)):
        call.only(0)
        limits = [None if one is None else one.item() for one in given]
        return lambda x: _clamped(x, *limits)

    def run(x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
        # Where the limits cross the upper one counts, as in clamp.
        x = x if low is None else torch.maximum(x, low)
        return x if high is None else torch.minimum(x, high)

    return run


def _clamped(x: Tensor, low: Any, high: Any) -> Tensor:
    limits = [_limit(one, x.dtype) for one in (low, high)]
    return x if limits == [None, None] else torch.clamp(x, *limits)


def _limit(number: Any, dtype: torch.dtype) -> Any:
    """The limit; None where every number is within it."""
    if number is None or not dtype.is_floating_point:
        return number
    # The largest number is what files write for "no limit".
    return None if abs(number) >= torch.finfo(dtype).max else number


# -- dtypes ---------------------------------------------------------------------------------------


def to(x: Tensor, dtype: torch.dtype) -> Tensor:
    """The same in another dtype."""
    return x if x.dtype is dtype else x.to(dtype)


@op("Cast")
def cast(call: Call) -> Function:
    """Another dtype."""
    dtype = dtype_of(call.attr("to"))
    return lambda x: to(x, dtype)


@op("CastLike")
def cast_like(call: Call) -> Function:
    """The dtype of another tensor."""
    return lambda x, like: to(x, like.dtype)


@op("Identity")
def identity(call: Call) -> Function:
    """The same."""
    return lambda x: x
