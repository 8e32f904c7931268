"""Graphs inside graphs: a block placed as one node, and where a block begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from netbuilder.graph.loops import LAST, NEXT
from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Name,
    Port,
    Ports,
    Role,
    Types,
    start_with,
)
from netbuilder.layers.checks import BATCH, set_to

MAX_REPEAT = 4096

Repeat = Annotated[int, Field(ge=1, le=MAX_REPEAT)]


class Block(Layer):
    """One of the project's blocks: a graph of its own, placed as a node.

    `values`: what the block's declared parameters are here; those left out have their
    defaults. `repeat`: how often it is applied in a row, each time with weights of its own;
    what comes out goes into the next, further inputs go into each. The values of a row may
    count with `index`, which is 0 in the first: `=2**index`.
    """

    id = "netbuilder.Block"
    title = "Block"
    family = Family.BLOCK
    role = Role.BLOCK
    where = frozenset({"network", "block", "step"})
    keywords = "group subgraph module repeat reuse"
    inputs = ()
    outputs = ()
    starting = start_with(block="block")

    block: Name
    values: Mapping[Name, Json] = Field(default_factory=dict)
    repeat: Repeat = 1

    def __hash__(self) -> int:
        # A mapping has no hash; equality still compares the values.
        return hash((self.block, self.repeat))

    def subtitle(self) -> str:
        shown = [f"{name} {value}" for name, value in self.values.items()]
        return ", ".join([self.block, *shown])


@dataclass(frozen=True, slots=True)
class Turns:
    """What the ports of a block are to a loop over time.

    `states` are the inputs that an output feeds, with that output; `stacked` and `last` the
    loop's output ports, with the block's outputs that they show.
    """

    sequences: tuple[str, ...]
    states: Mapping[str, str]
    constants: tuple[str, ...]
    stacked: Mapping[str, str]
    last: Mapping[str, str]

    @staticmethod
    def of(inside: Ports, constants: object = ()) -> Turns:
        """The input `h` and the output `h_next` are a state; `constants` are names of inputs."""
        outputs = [port.name for port in inside.outputs]
        states = {p.name: p.name + NEXT for p in inside.inputs if p.name + NEXT in outputs}
        back = {output: state for state, output in states.items()}
        same = tuple(
            port.name
            for port in inside.inputs
            if isinstance(constants, tuple) and port.name in constants and port.name not in states
        )
        stacked = {back.get(name, name): name for name in outputs}
        last: dict[str, str] = {}
        for state, output in states.items():
            name = state + LAST
            while name in stacked or name in last:
                name += "_"
            last[name] = output
        each = (port.name for port in inside.inputs if port.name not in {*states, *same})
        return Turns(tuple(each), states, same, stacked, last)


class Loop(Layer):
    """Runs a block once for each step of a sequence: recurrence with a cell drawn by hand.

    The block's inputs are cut along `dim`, one step at a time, and its outputs stacked along
    it. An input `h` with an output `h_next` is a state: what comes out goes into the next
    step, `h` is all of them, `h_last` the last one; the first one may be wired, else it is
    zeros. `values`: what the block's parameters are here. `reverse`: begins with the last
    step. `constants`: names of inputs that are the same at each step. `steps`: how often,
    where no input is a sequence.
    """

    id = "netbuilder.Loop"
    title = "Loop"
    family = Family.BLOCK
    role = Role.BLOCK
    where = frozenset({"network", "block"})
    keywords = "recurrence recurrent rnn cell scan time unroll sequence for state"
    inputs = ()
    outputs = ()
    starting = start_with(block="block")

    block: Name
    values: Mapping[Name, Json] = Field(default_factory=dict)
    dim: Index = 1
    reverse: bool = False
    constants: tuple[Name, ...] = ()
    steps: Repeat | None = None

    def __hash__(self) -> int:
        # A mapping has no hash; equality still compares the values.
        return hash((self.block, self.dim, self.reverse, self.constants, self.steps))

    @classmethod
    def around(cls, inside: Ports, params: Mapping[str, Json]) -> Ports:
        turns = Turns.of(inside, params.get("constants", ()))
        inputs = tuple(replace(port, optional=port.name in turns.states) for port in inside.inputs)
        return Ports(inputs, tuple(Port(name) for name in (*turns.stacked, *turns.last)))

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        for port, tensor in inputs.items():
            if port in self.constants or tensor.rank < 2 or tensor.shape[0] != BATCH:
                continue
            if self.dim in (0, -tensor.rank):
                yield Complaint(
                    f"The loop runs along dim {self.dim}, which is the batch: each step would be "
                    "another sample.",
                    "Set dim to that of the sequence.",
                    port,
                    code="loop.batch",
                    severity="warning",
                    fixes=(set_to("dim", 1),),
                )
                return

    def subtitle(self) -> str:
        shown = [f"{name} {value}" for name, value in self.values.items()]
        return ", ".join([self.block, *shown, *(["reverse"] if self.reverse else [])])


class BlockInput(Layer):
    """What a block is given. Its shape is whatever comes in where the block is used."""

    id = "netbuilder.BlockInput"
    title = "Input"
    family = Family.IO
    role = Role.INPUT
    where = frozenset({"block"})
    keywords = "placeholder start feed argument port"
    inputs = ()
