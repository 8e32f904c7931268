"""Which layer decides how many numbers come out of a network. Torch-free."""

from __future__ import annotations

from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Family
from netbuilder.layers.catalogue import find

KEEPS = frozenset({Family.NORMALISATION, Family.ACTIVATION, Family.DROPOUT, Family.POOLING})
"""Families that leave the channels as they are."""


def last_sized(graph: Graph, end: Node) -> tuple[Node, str] | None:
    """The node that decides how many features reach `end`, and its parameter for them."""
    at = end.id
    for _ in range(64):
        wires = graph.wires_into(at)
        if len(wires) != 1:
            return None
        node = graph.nodes[wires[0].source]
        for name in ("out_features", "out_channels"):
            if name in node.params:
                return node, name
        kind = find(node.layer)
        if kind is None or kind.family not in KEEPS:
            return None
        at = node.id
    return None
