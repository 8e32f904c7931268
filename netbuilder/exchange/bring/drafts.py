"""Graphs on the way to a project: nodes that say which values they take and give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netbuilder.exchange.bring.program import Scope
from netbuilder.graph.model import Json

BLOCK = "netbuilder.Block"


@dataclass(slots=True, eq=False)
class DraftNode:
    """A node. `inputs` are values by port, `outputs` ports by value.

    `states` are keys of the program's tensors by their names within the node. `unsupported` is
    the operation that this node stands for where there is no layer for it.
    """

    layer: str
    name: str = ""
    params: dict[str, Json] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    shares: DraftNode | None = None
    inner: Draft | None = None
    note: str = ""
    unsupported: str = ""
    path: str = ""
    """Of the module whose call it is."""
    repeats: list[DraftNode] = field(default_factory=list)
    """Uses of one block in a row that this node stands for, itself the first."""


@dataclass(slots=True, eq=False)
class Draft:
    """A network or one use of a block. `inputs` and `outputs` are values with their names."""

    scope: Scope
    nodes: list[DraftNode] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    block: str = ""
    """The name of the block, once that is decided."""

    def makers(self) -> Mapping[str, tuple[DraftNode, str]]:
        """The node and the port that each value comes from."""
        return {value: (node, port) for node in self.nodes for value, port in node.outputs.items()}

    def depth(self) -> int:
        """How many levels of blocks are inside."""
        return 1 + max((n.inner.depth() for n in self.nodes if n.inner is not None), default=-1)
