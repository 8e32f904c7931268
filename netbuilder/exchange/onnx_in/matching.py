"""Patterns of operations in a program, and where they are found.

A pattern is data: `Op("sub", "x", Op("mean", "x"))`. A text stands for any value, the same
everywhere in the pattern; a number for itself. `Product` is a product of several parts in any
order and bracketing, with all numbers in it gathered into one factor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from netbuilder.exchange.bring.calls import IDLE
from netbuilder.exchange.bring.functions import SAME
from netbuilder.exchange.bring.program import Arg, Operation, Program, Ref

PASSED = SAME | {"detach", "resolve_conj", "resolve_neg"}
"""Operations through which a constant is read as it is."""
_EITHER_WAY = frozenset({"add", "mul"})
_SPECIAL = frozenset({"alpha", "rounding_mode", "approximate", "dtype"})
"""Arguments that must be left as they are where a pattern doesn't look at them."""
_POWERS = (2.0, 3.0)
_CLOSE = 1e-6
"""Numbers in a file are rounded to float32."""


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor of the file's: weights."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """Any number."""

    name: str


@dataclass(frozen=True, slots=True)
class Op:
    """An operation of this name on these first arguments; `label` keeps it for conditions."""

    base: str
    parts: tuple[Pattern, ...]
    label: str = ""

    def __init__(self, base: str, *parts: Pattern, label: str = "") -> None:
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "label", label)


@dataclass(frozen=True, slots=True)
class Product:
    """These parts multiplied, by a number too: a given one, or any, kept under its name."""

    factor: float | str
    parts: tuple[Pattern, ...]

    def __init__(self, factor: float | str, *parts: Pattern) -> None:
        object.__setattr__(self, "factor", factor)
        object.__setattr__(self, "parts", parts)


Pattern: TypeAlias = "str | float | Held | Number | Op | Product"


@dataclass(frozen=True, slots=True)
class Found:
    """A place where a pattern is: values and numbers by name, operations by label."""

    program: Program
    end: Operation
    values: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)
    inside: frozenset[str] = frozenset()

    def shape(self, name: str) -> tuple[int | str, ...]:
        """The shape of a value; free sizes are texts."""
        return self.program.types[self.values[name]].shape

    @property
    def result(self) -> tuple[int | str, ...]:
        """The shape of what comes out."""
        return self.program.types[self.end.outputs[0]].shape


class Matcher:
    """Who makes and who reads each value of a program as it is now."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.named = {operation.name: operation for operation in program.operations}
        self.made = {name: o for o in program.operations for name in o.outputs}
        self.readers: dict[str, list[str]] = {}
        for operation in program.operations:
            if operation.base in IDLE:
                continue
            for name in operation.refs():
                self.readers.setdefault(name, []).append(operation.name)
        self.ends = {value.name for _, value in program.outputs if isinstance(value, Ref)}

    def find(self, pattern: Pattern, end: Operation) -> Iterator[Found]:
        """All ways in which an operation is the last one of a pattern.

        What is made on the way is read by nobody else.
        """
        if len(end.outputs) != 1:
            return
        found = Found(self.program, end)
        for each in self._match(pattern, Ref(end.outputs[0]), found, top=True):
            if self._closed(each):
                yield each

    def number(self, given: Arg) -> float | None:
        """A number among the arguments, or a constant of one number."""
        if isinstance(given, int | float) and not isinstance(given, bool):
            return short(float(given))
        if not isinstance(given, Ref):
            return None
        state = self.program.states.get(self._source(given.name))
        if state is None or state.kind != "constant":
            return None
        tensor = self.program.tensors[state.key]
        single = tensor.numel() == 1 and tensor.dim() <= 1 and not tensor.is_complex()
        return short(float(tensor.reshape(-1)[0])) if single else None

    def _source(self, name: str) -> str:
        while name in self.made and self.made[name].base in PASSED:
            name = next(self.made[name].refs())
        return name

    def _closed(self, found: Found) -> bool:
        for inner in found.inside - {found.end.name}:
            for name in self.named[inner].outputs:
                outside = [r for r in self.readers.get(name, ()) if r not in found.inside]
                if name in self.ends or outside:
                    return False
        return True

    # -- the parts of a pattern --------------------------------------------------------------

    def _match(
        self, pattern: Pattern, given: Arg, found: Found, *, top: bool = False
    ) -> Iterator[Found]:
        match pattern:
            case str():
                if isinstance(given, Ref) and given.name not in self.program.sizes:
                    yield from _bound(found, pattern, given.name)
            case float():
                number = self.number(given)
                if number is not None and _close(number, pattern):
                    yield found
            case Number():
                number = self.number(given)
                if number is not None:
                    yield from _numbered(found, pattern.name, number)
            case Held():
                if isinstance(given, Ref) and given.name in self.program.states:
                    yield from _bound(found, pattern.name, given.name)
            case Op():
                yield from self._operation(pattern, given, found)
            case Product():
                yield from self._product(pattern, given, found, top=top)

    def _operation(self, pattern: Op, given: Arg, found: Found) -> Iterator[Found]:
        operation = self.made.get(given.name) if isinstance(given, Ref) else None
        if operation is None or operation.base != pattern.base:
            return
        args = list(operation.args.items())
        count = len(pattern.parts)
        if len(args) < count or any(
            name in _SPECIAL and value not in (None, 1) for name, value in args[count:]
        ):
            return
        inside = found.inside | {operation.name}
        operations = dict(found.operations)
        if pattern.label:
            # The same part of a pattern may stand for two operations that do the same.
            known = operations.setdefault(pattern.label, operation)
            if args[count:] != list(known.args.items())[count:]:
                return
        here = _with(found, operations=operations, inside=inside)
        values = [value for _, value in args[:count]]
        orders = [values]
        if count == 2 and operation.base in _EITHER_WAY:
            orders.append(values[::-1])
        for order in orders:
            yield from self._all(list(zip(pattern.parts, order, strict=True)), here)

    def _all(self, pairs: list[tuple[Pattern, Arg]], found: Found) -> Iterator[Found]:
        if not pairs:
            yield found
            return
        (pattern, given), *rest = pairs
        for each in self._match(pattern, given, found):
            yield from self._all(rest, each)

    def _product(self, pattern: Product, given: Arg, found: Found, *, top: bool) -> Iterator[Found]:
        if not isinstance(given, Ref):
            return
        # First as a value of its own, which others may read.
        ways = [self._factors(given.name, top=True)]
        closed = self._factors(given.name)
        if not top and closed[2] != ways[0][2]:
            ways.insert(0, closed)
        for factor, parts, inside in ways:
            if len(parts) != len(pattern.parts):
                continue
            begun = [found]
            if isinstance(pattern.factor, str):
                begun = list(_numbered(found, pattern.factor, factor))
            elif not _close(factor, pattern.factor):
                continue
            for start in begun:
                here = _with(start, inside=start.inside | inside)
                yield from self._assigned(pattern.parts, parts, here)

    def _assigned(
        self, patterns: tuple[Pattern, ...], parts: list[str], found: Found
    ) -> Iterator[Found]:
        if not patterns:
            yield found
            return
        for at, part in enumerate(parts):
            for each in self._match(patterns[0], Ref(part), found):
                yield from self._assigned(patterns[1:], parts[:at] + parts[at + 1 :], each)

    def _factors(self, name: str, *, top: bool = False) -> tuple[float, list[str], frozenset[str]]:
        """A value as a number times values; what others read too is not taken apart."""
        operation = self.made.get(name)
        alone = top or (len(self.readers.get(name, ())) <= 1 and name not in self.ends)
        if operation is None or not alone or len(operation.args) < 2:
            return 1.0, [name], frozenset()
        first, second, *rest = operation.args.values()
        if any(value not in (None, 1) for value in rest):
            return 1.0, [name], frozenset()
        here = frozenset({operation.name})
        number = self.number(second)
        if operation.base == "pow" and number in _POWERS and isinstance(first, Ref):
            return 1.0, [first.name] * round(number or 0), here
        if operation.base == "div" and number and isinstance(first, Ref):
            factor, parts, inside = self._factors(first.name)
            return factor / number, parts, inside | here
        if operation.base != "mul":
            return 1.0, [name], frozenset()
        whole, values, steps = 1.0, list[str](), here
        for given in (first, second):
            number = self.number(given)
            if number is not None:
                whole *= number
            elif isinstance(given, Ref):
                factor, parts, inside = self._factors(given.name)
                whole, values, steps = whole * factor, values + parts, steps | inside
        return whole, values, steps


def short(number: float) -> float:
    """A number of float32 with as few digits as tell it: 1e-5 rather than 9.99999974738e-06."""
    narrow = np.float32(number)
    told = float(str(narrow))
    # The largest number of all is rounded up.
    return told if float(narrow) == number and abs(told) <= _LARGEST else number


_LARGEST = float(np.finfo(np.float32).max)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_CLOSE)


def _bound(found: Found, name: str, value: str) -> Iterator[Found]:
    if found.values.get(name, value) == value:
        yield _with(found, values={**found.values, name: value})


def _numbered(found: Found, name: str, number: float) -> Iterator[Found]:
    if _close(found.numbers.get(name, number), number):
        yield _with(found, numbers={**found.numbers, name: number})


def _with(
    found: Found,
    values: Mapping[str, str] | None = None,
    numbers: Mapping[str, float] | None = None,
    operations: Mapping[str, Operation] | None = None,
    inside: frozenset[str] | None = None,
) -> Found:
    return Found(
        found.program,
        found.end,
        found.values if values is None else values,
        found.numbers if numbers is None else numbers,
        found.operations if operations is None else operations,
        found.inside if inside is None else inside,
    )
