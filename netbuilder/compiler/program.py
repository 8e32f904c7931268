"""What lies between the drawing and the source: calls in the order in which they run.

Each node that is needed becomes a `Call` with the text that makes its module, the text that
runs it and the variables its outputs go to; a graph becomes a `Program`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from netbuilder.compiler import text
from netbuilder.compiler.text import Snippet
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Json, Node
from netbuilder.layers.base import Layer, Ports, TensorType


@dataclass(frozen=True, slots=True)
class Made:
    """How one use of a block is made: the class and its arguments beyond the declared ones.

    `networks` are the names of the networks that it is given, with their arguments.
    """

    class_name: str
    further: Mapping[str, Json]
    networks: Mapping[str, str] = field(default_factory=dict)


NOTHING = Snippet("")

Classes = Mapping[int, Made]
"""By the `id` of the inference of each use of a block."""


@dataclass(frozen=True, slots=True)
class Site:
    """A node where its call is written.

    `owner` is the node whose parameters and weights count, `attribute` what holds its module.
    `arguments` are variables by input port, `outputs` the ports that something uses.
    """

    node: Node
    owner: Node
    layer: Layer
    attribute: str
    ports: Ports
    arguments: Mapping[str, str]
    outputs: tuple[str, ...]


@dataclass(slots=True)
class Line:
    """A statement of `forward` around a call: `head`, an expression, `tail`.

    With a `target` it is an assignment to it, of the node's output `port` if it is one.
    `depth` is 1 inside a loop, else 0.
    """

    head: str = ""
    value: Snippet = NOTHING
    tail: str = ""
    target: str = ""
    port: str = ""
    depth: int = 0
    tree: ast.expr | None = None
    """The expression as a tree, in a block: there it is not yet the final one."""


@dataclass(slots=True)
class Call:
    """One node as code: `targets = forward`, with `self.attribute = constructor` before.

    `constructor` is None where there is nothing to make: a function, or shared weights.
    What is run several times has lines `before` it, a loop's head among them, and `after`
    it; `depth` is then 1.
    """

    node: Node
    layer: Layer
    attribute: str
    constructor: Snippet | None
    forward: Snippet
    targets: str
    outputs: tuple[str, ...]
    """The output ports that it gives and that something uses, in port order."""
    before: list[Line] = field(default_factory=list)
    after: list[Line] = field(default_factory=list)
    depth: int = 0
    trees: tuple[ast.expr | None, ast.expr] | None = None
    """Constructor and forward as trees, as long as they are not final: see `finish`."""

    @staticmethod
    def at(site: Site, constructor: Snippet | None, forward: Snippet, targets: str) -> Call:
        """A call whose code is final."""
        node, layer, outputs = site.node, site.layer, site.outputs
        return Call(node, layer, site.attribute, constructor, forward, targets, outputs)

    @staticmethod
    def of_trees(site: Site, constructor: ast.expr | None, forward: ast.expr, targets: str) -> Call:
        """A call whose code is not final before `finish`."""
        call = Call.at(site, None, NOTHING, targets)
        call.trees = (constructor, forward)
        return call

    @property
    def lines(self) -> list[Line]:
        """All statements around the call."""
        return [*self.before, *self.after]

    def finish(self) -> None:
        """Writes the trees as text, once nothing in them changes any more."""
        assert self.trees is not None
        made, run = self.trees
        self.constructor = None if made is None else text.snippet(made)
        self.forward = text.snippet(run)
        for line in self.lines:
            if line.tree is not None:
                line.value = text.snippet(line.tree)


@dataclass(slots=True)
class Argument:
    """An argument of a block's class; `value` is its default if it has one, else an example."""

    name: str
    value: Json
    default: bool


@dataclass(slots=True)
class Given:
    """A network that a class gets as an argument.

    `default` makes it where it is left out; without one it must be given. A class that does
    not call it itself has it only to hand it on: then it is not `held`.
    """

    name: str
    default: Snippet | None = None
    held: bool = True


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
    always: int = -1
    """So many calls run each time, the others of a step for its previews; -1: all of them."""
    results: list[tuple[Node, dict[str, str]]] = field(default_factory=list)
    networks: dict[str, str] = field(default_factory=dict)
    """Names of the networks that are called here, and the attributes that hold them."""
    given: list[Given] = field(default_factory=list)
    """The networks that the class is given: for a network all that it calls at any depth."""
    metrics: list[tuple[Node, Layer]] = field(default_factory=list)
    types: Mapping[str, Mapping[str, TensorType]] = field(default_factory=dict)
    arguments: list[Argument] = field(default_factory=list)
    """Arguments of a block's class."""
    stored: list[str] = field(default_factory=list)
    """Those of them that `forward` needs."""
