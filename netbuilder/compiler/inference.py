"""What is known of a graph's wires, and what finding it out may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netbuilder.compiler.probe import Cache, Settled, Types
from netbuilder.errors import Problem
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Json
from netbuilder.layers.base import Layer, TensorType

Fields = Mapping[str, TensorType]


@dataclass(slots=True)
class Inference:
    """What is known of one graph, for a block: of one use of it.

    Nodes that could not be understood are missing. `values` are those of the block's
    parameters; `blocks` holds, for each node that calls a block, what is known inside: one
    inference for each repetition, the same object where the types are the same.
    """

    graph: Graph
    values: Mapping[str, Json] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    inputs: dict[str, Types] = field(default_factory=dict)
    outputs: dict[str, Types] = field(default_factory=dict)
    inferred: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    blocks: dict[str, tuple[Inference, ...]] = field(default_factory=dict)
    settled: dict[str, Settled] = field(default_factory=dict)
    """The nodes of which all was remembered; nobody may change what such a one holds."""
    networks: set[str] = field(default_factory=set)
    """The networks that are called in the graph and in the blocks in it."""
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class World:
    """What the inference of a graph may look at.

    `fields` are the data's fields, which steps read; `networks` the results for the networks
    (by name), which steps call; `broken` the ids of blocks that can't be built.
    """

    document: Document
    cache: Cache
    fields: Fields = field(default_factory=dict)
    networks: Mapping[str, Inference] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    restricted: frozenset[str] = frozenset()
    """Ids of graphs of which nothing is known beyond code that may not be run."""
    known: dict[Any, Inference] = field(default_factory=dict)
    """Blocks by id, values and types: uses that are alike are inferred once."""
