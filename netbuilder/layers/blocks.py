"""Graphs inside graphs: a block placed as one node, and where a block begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from netbuilder.graph.model import Json
from netbuilder.layers.base import Family, Layer, Name, Role, start_with

MAX_REPEAT = 4096

Repeat = Annotated[int, Field(ge=1, le=MAX_REPEAT)]


class Block(Layer):
    """One of the project's blocks: a graph of its own, placed as a node.

    `values`: what the block's declared parameters are here; those left out have their
    defaults. `repeat`: how often it is applied in a row, each time with weights of its own;
    what comes out goes into the next, further inputs go into each.
    """

    id = "netbuilder.Block"
    title = "Block"
    family = Family.BLOCK
    role = Role.BLOCK
    where = frozenset({"network", "block"})
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


class BlockInput(Layer):
    """What a block is given. Its shape is whatever comes in where the block is used."""

    id = "netbuilder.BlockInput"
    title = "Input"
    family = Family.IO
    role = Role.INPUT
    where = frozenset({"block"})
    keywords = "placeholder start feed argument port"
    inputs = ()
