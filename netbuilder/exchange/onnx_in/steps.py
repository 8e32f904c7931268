"""What the nodes of a graph do, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import onnx
from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Call, Function
from netbuilder.exchange.onnx_in.values import Value

Values = dict[str, Value]
"""Values by their names in the file."""
Free = Mapping[str, Any]
"""What free sizes are, by their names in the file."""


class Runner(Protocol):
    """What runs steps: the module of a graph."""

    opset: int
    fixed: dict[str, Tensor]
    """Constants by their names in the file."""
    makers: dict[str, Call]
    """What makes each value."""

    def nested(self, graph: onnx.GraphProto) -> list[Step]:
        """The steps of a graph in a node."""

    def run(self, rows: Iterable[Step], here: Values, free: Free) -> None:
        """Add what the steps make to what is there."""

    def small(self, here: Mapping[str, Value], name: str) -> Value:
        """A value; few whole numbers that the file has are known ones."""

    def allow(self, steps: int) -> None:
        """`Unsupported` where what loops come to would become too much."""

    def spend(self, steps: int) -> None:
        """Counts what loops come to."""


class Nesting(Protocol):
    """A node with graphs in it."""

    def graphs(self) -> Iterator[Sequence[Step]]:
        """The steps of each."""

    def run(self, module: Runner, given: Sequence[Value], free: Free) -> tuple[Value, ...]:
        """What the node gives; `Unsupported` where it has no counterpart."""


@dataclass(slots=True)
class Step:
    """What one node does in `forward`. Without a `run` it has no counterpart; `why` says so."""

    call: Call
    run: Function | None
    known: frozenset[int]
    why: str = ""
    inner: Nesting | None = None
    number: int = 0
    """Its place among all steps of the module."""


def read(steps: Sequence[Step], outputs: Sequence[str]) -> list[Step]:
    """Without the steps whose results no one reads."""
    read, kept = set(outputs), []
    for step in reversed(steps):
        if not read.isdisjoint(name for name in step.call.outputs if name):
            read.update(step.call.read())
            kept.append(step)
    return kept[::-1]


def every(steps: Iterable[Step]) -> Iterator[Step]:
    """Each step before those of the graphs in it."""
    for step in steps:
        yield step
        for inner in step.inner.graphs() if step.inner else ():
            yield from every(inner)
