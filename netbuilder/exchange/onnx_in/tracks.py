"""Where the numbers of a value come from, through operations that only move them.

Numbers are followed by their places at the sizes of the example: a value is told by the places
that its numbers have in an earlier one, as a tensor of the value's own shape.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from netbuilder.exchange.bring.functions import SAME
from netbuilder.exchange.bring.program import Arg, Operation, Program, Ref
from netbuilder.exchange.onnx_in.matching import Matcher

MOST = 2**25
"""Numbers in a value that is followed."""
_SHAPES = frozenset(
    {"view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze"}
)
_PARTS = frozenset({"split", "split_with_sizes", "chunk", "tensor_split"})
MOVES = _SHAPES | _PARTS | SAME | {"permute", "transpose", "select", "slice", "unbind", "expand"}
"""Operations that give numbers of their first argument, and no others."""


class Tracks:
    """The ways of numbers through a program as it is now."""

    def __init__(self, program: Program, matcher: Matcher) -> None:
        self.program, self.matcher = program, matcher

    def places(self, name: str) -> Tensor | None:
        """Each number's own place; None for a value that is too large, or of unknown size."""
        known = self.program.types.get(name)
        shape = self.program.example_shape(name) if known is not None else (0,)
        count = 1
        for size in shape:
            count *= size
        return torch.arange(count).reshape(shape) if 0 < count <= MOST else None

    def back(self, name: str) -> Iterator[tuple[str, Tensor]]:
        """The value and those that it was moved from, each with the value's places in it."""
        at = self.places(name)
        while at is not None:
            yield name, at
            operation = self.matcher.made.get(name)
            if operation is None or operation.base not in MOVES:
                return
            source = next(operation.refs(), "")
            before = self.places(source) if source in self.program.types else None
            moved = None if before is None else self.moved(operation, name, before)
            at = None if moved is None else moved.reshape(-1)[at]
            name = source

    def on(self, name: str, at: Tensor) -> Iterator[tuple[str, Tensor]]:
        """The value and what becomes of it as long as only one operation reads it."""
        while True:
            yield name, at
            operation = self.reader(name)
            if operation is None or operation.base not in MOVES or len(operation.outputs) != 1:
                return
            moved = self.moved(operation, operation.outputs[0], at)
            if moved is None:
                return
            name, at = operation.outputs[0], moved

    def reader(self, name: str) -> Operation | None:
        """The one operation that reads a value; None where there are others."""
        readers = set(self.matcher.readers.get(name, ()))
        if len(readers) != 1 or name in self.matcher.ends:
            return None
        return self.matcher.named[readers.pop()]

    def moved(self, operation: Operation, made: str, given: Tensor) -> Tensor | None:
        """What an operation makes of places; None where that is not known."""
        try:
            return self._moved(operation, made, given)
        except (RuntimeError, LookupError, TypeError, ValueError, AssertionError):
            return None

    def _moved(self, operation: Operation, made: str, given: Tensor) -> Tensor | None:
        base, args = operation.base, list(operation.args.values())[1:]
        shape = self.program.example_shape(made)
        if base in SAME:
            return given
        if base in _SHAPES:
            return given.reshape(shape)
        if base == "expand":
            return given.expand(shape)
        if base == "permute":
            return given.permute(*self._numbers(args[0]))
        if base == "transpose":
            return given.transpose(*self._numbers(tuple(args)))
        if base == "select":
            return given.select(*self._numbers(tuple(args)))
        named = operation.args
        dim = self._number(named.get("dim", 0))
        if base == "slice":
            begin, step = self._number(named.get("start") or 0), self._number(named.get("step", 1))
            begin = begin + given.shape[dim] if begin < 0 else begin
            stop = begin + shape[dim] * step
            return given.index_select(dim, torch.arange(begin, stop, step))
        before = operation.outputs[: operation.outputs.index(made)]
        if base == "unbind":
            return given.select(dim, len(before))
        begin = sum(self.program.example_shape(name)[dim] for name in before)
        return given.narrow(dim, begin, shape[dim])

    def _numbers(self, given: Arg) -> tuple[int, ...]:
        assert isinstance(given, tuple)
        return tuple(self._number(one) for one in given)

    def _number(self, given: Arg) -> int:
        if isinstance(given, Ref):
            return self.program.number(self.program.sizes[given.name])
        assert isinstance(given, int)
        return given
