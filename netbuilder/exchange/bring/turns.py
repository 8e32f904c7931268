"""Loops over time in a traced program: one step, between what enters the loop and what leaves it.

A tracer can't repeat what runs as often as a free size says. It runs the step once, as the call of
a module of its own; two operations say what the loop cuts, carries and stacks. The drawing makes
a node of the call that loops over a block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.exchange.bring.calls import Call
from netbuilder.exchange.bring.drafts import Draft
from netbuilder.exchange.bring.program import BringError, Operation, Ref, Scope
from netbuilder.graph import rules
from netbuilder.graph.loops import LAST, NEXT

LIBRARY = "netbuilder_turns"
ENTER, LEAVE = f"{LIBRARY}.enter.default", f"{LIBRARY}.leave.default"
Step = Callable[[list[Tensor], list[Tensor], list[Tensor]], tuple[list[Tensor], list[Tensor]]]
"""From one step of the sequences, the states and the constants to the next states and what is
gathered."""

_library = torch.library.Library(LIBRARY, "DEF")  # type: ignore[no-untyped-call]
_library.define(  # type: ignore[no-untyped-call]
    "enter(Tensor[] sequences, Tensor[] states, Tensor[] constants, int dim, str[] names)"
    " -> Tensor[]"
)
_library.define(  # type: ignore[no-untyped-call]
    "leave(Tensor[] states, Tensor[] gathered, Tensor reference, int dim) -> Tensor[]"
)


def _enter(
    sequences: list[Tensor],
    states: list[Tensor],
    constants: list[Tensor],
    dim: int,
    names: list[str],
) -> list[Tensor]:
    first = [sequence.select(dim, 0).clone() for sequence in sequences]
    return [*first, *(each.clone() for each in (*states, *constants))]


def _leave(
    states: list[Tensor], gathered: list[Tensor], reference: Tensor, dim: int
) -> list[Tensor]:
    size = reference.shape[dim]
    wide = [each.new_empty((*each.shape[:dim], size, *each.shape[dim:])) for each in gathered]
    return [*(state.clone() for state in states), *wide]


_library.impl("enter", _enter, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
_library.impl("leave", _leave, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]


class Turns(nn.Module):
    """A loop along a dim of its sequences, for tracing, never for numbers."""

    def forward(
        self,
        step: Step,
        sequences: list[Tensor],
        states: list[Tensor],
        constants: list[Tensor],
        dim: int,
        names: Sequence[str],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The last states, and what was gathered along the dim; `names` are the constants'."""
        operations: Any = getattr(torch.ops, LIBRARY)
        given = operations.enter(sequences, states, constants, dim, list(names))
        at, end = len(sequences), len(sequences) + len(states)
        after, gathered = step(given[:at], given[at:end], given[end:])
        left = operations.leave(after, gathered, sequences[0], dim)
        return left[: len(states)], left[len(states) :]


KIND = f"{Turns.__module__}.{Turns.__qualname__}"


def around(stack: Sequence[Scope]) -> tuple[Scope, ...]:
    """The calls around an operation that say where it runs: the whole module, and loops."""
    return tuple(scope for at, scope in enumerate(stack) if not at or scope.kind == KIND)


@dataclass(slots=True)
class Loop:
    """A loop on its way to a node: its step as a draft, and what is wired to it."""

    inner: Draft
    inputs: dict[str, str]
    """Values around it by port."""
    states: dict[str, str]
    """Values of the step by the states that they become, as the drawing will call them."""
    gathered: dict[str, str]
    """Values of the step by the values that the loop gives of them."""
    last: dict[str, str]
    """States by the values that the loop gives of them in the end."""
    body: Call
    dim: int
    constants: list[str]

    def finish(self, values: dict[str, str]) -> dict[str, str]:
        """Give the step its outputs; the ports of the loop by value.

        `values` are those of the step as they are drawn, by the names that it was traced with.
        """
        ports = {made: state + LAST for made, state in self.last.items()}
        shown: dict[str, str] = {}
        for state, value in self.states.items():
            self.inner.outputs.append((values[value], state + NEXT))
            shown.setdefault(values[value], state)
        taken = {*self.inner.inputs.values(), *(name for _, name in self.inner.outputs)}
        for made, value in self.gathered.items():
            if values[value] not in shown:
                shown[values[value]] = _numbered("y", taken)
                self.inner.outputs.append((values[value], shown[values[value]]))
            ports[made] = shown[values[value]]
        return ports


def read(call: Call) -> Loop | None:
    """The loop that a call of `Turns` is; None if nothing leaves it."""
    found = [each for each in call.items if isinstance(each, Operation)]
    enter = next((each for each in found if each.target == ENTER), None)
    leave = next((each for each in found if each.target == LEAVE), None)
    if enter is None or leave is None:
        return None
    sequences, states, constants = (
        _names(enter.args[name]) for name in ("sequences", "states", "constants")
    )
    dim, given = enter.args["dim"], enter.args["names"]
    assert isinstance(dim, int)
    assert isinstance(given, tuple)
    taken: set[str] = set()
    carried = [_numbered("h", taken) for _ in states]
    taken |= {state + end for state in carried for end in (NEXT, LAST)}
    cut = [_numbered("x", taken) for _ in sequences]
    same = [_numbered(rules.identifier(str(name), "same"), taken) for name in given]
    ports = [*cut, *carried, *same]
    inner = Draft(replace(call.scope, kind="step"))
    inner.inputs = dict(zip(enter.outputs, ports, strict=True))
    after, gathered = _names(leave.args["states"]), _names(leave.args["gathered"])
    ends = leave.outputs
    return Loop(
        inner,
        dict(zip(ports, [*sequences, *states, *constants], strict=True)),
        dict(zip(carried, after, strict=True)),
        dict(zip(ends[len(after) :], gathered, strict=True)),
        dict(zip(ends, carried, strict=False)),
        Call(call.scope, [each for each in call.items if each is not enter and each is not leave]),
        dim,
        same,
    )


def _names(given: object) -> list[str]:
    assert isinstance(given, tuple)
    names = [each.name for each in given if isinstance(each, Ref)]
    if len(names) != len(given):
        raise BringError("A loop carries what is no tensor.")
    return names


def _numbered(wanted: str, taken: set[str]) -> str:
    """The name, with a number where it is taken; then it is."""
    name = rules.unique_name(wanted, taken)
    taken.add(name)
    return name
