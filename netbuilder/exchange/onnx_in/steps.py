"""What the nodes of a graph do, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netbuilder.exchange.onnx_in.ops import Call, Function

if TYPE_CHECKING:
    from netbuilder.exchange.onnx_in.control import Control


@dataclass(slots=True)
class Step:
    """What one node does in `forward`. Without a `run` it has no counterpart; `why` says so."""

    call: Call
    run: Function | None
    known: frozenset[int]
    why: str = ""
    inner: Control | None = None
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
        for body in step.inner.bodies if step.inner else ():
            yield from every(body.steps)
