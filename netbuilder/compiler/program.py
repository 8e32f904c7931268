"""What lies between the drawing and the source: calls in the order in which they run.

Each node that is needed becomes a `Call` with the text that makes its module, the text that
runs it and the variables its outputs go to; a graph becomes a `Program`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from netbuilder.compiler.text import Snippet
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Json, Node
from netbuilder.layers.base import Layer, TensorType


@dataclass(frozen=True, slots=True)
class Made:
    """How one use of a block is made: the class and its arguments beyond the declared ones."""

    class_name: str
    further: Mapping[str, Json]


Classes = Mapping[int, Made]
"""By the `id` of the inference of each use of a block."""


@dataclass(slots=True)
class Call:
    """One node as code: `targets = forward`, with `self.attribute = constructor` before.

    `constructor` is None where there is nothing to make: a function, or shared weights. A
    call with a `loop` runs all modules of its attribute in turn, beginning with that value.
    """

    node: Node
    layer: Layer
    attribute: str
    constructor: Snippet | None
    forward: Snippet
    targets: str
    outputs: tuple[str, ...]
    """The output ports that something uses, in port order."""
    loop: str = ""
    trees: tuple[ast.expr | None, ast.expr] | None = None
    """The same two as trees, in a block: there they are not yet the final ones."""


@dataclass(slots=True)
class Argument:
    """An argument of a block's class; `value` is its default if it has one, else an example."""

    name: str
    value: Json
    default: bool


@dataclass(slots=True)
class Program:
    """A lowered graph: arguments of `forward`, calls, and what it returns.

    `inputs` are nodes with their variables, `results` nodes with variables by port, `types`
    output types by node and port where they are always the same.
    """

    graph: Graph
    class_name: str = ""
    inputs: list[tuple[Node, str]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    results: list[tuple[Node, dict[str, str]]] = field(default_factory=list)
    networks: dict[str, str] = field(default_factory=dict)
    """Names of the networks that a step calls, and the attributes that hold them."""
    metrics: list[tuple[Node, Layer]] = field(default_factory=list)
    types: Mapping[str, Mapping[str, TensorType]] = field(default_factory=dict)
    arguments: list[Argument] = field(default_factory=list)
    """Arguments of a block's class."""
    stored: list[str] = field(default_factory=list)
    """Those of them that `forward` needs."""
