"""Layers that overwrite their input, where something else still needs it.

PyTorch computes a wrong result in silence if another layer reads the overwritten numbers
later, and fails only in `backward` if a gradient needs them.
"""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Complaint, Family, Layer, Role
from netbuilder.layers.catalogue import owner_of, parameters_of, read
from netbuilder.layers.checks import set_to

_GIVEN = frozenset({Role.INPUT, Role.DATA, Role.CALL, Role.BLOCK})
"""What comes from these belongs to somebody else."""


def overwritten(graph: Graph) -> Iterator[tuple[Node, Complaint]]:
    """Nodes with `inplace` on whose input is needed elsewhere."""
    for node in graph.ordered():
        if "inplace" not in owner_of(graph, node).params:
            continue
        layer = read(owner_of(graph, node), parameters_of(graph))
        if isinstance(layer, Layer) and getattr(layer, "inplace", False):
            reason = _needed(graph, node)
            if reason:
                yield (
                    node,
                    Complaint(
                        f"'{node.name}' overwrites its input, but {reason}.",
                        "Turn inplace off.",
                        "input",
                        code="inplace.needed",
                        fixes=(set_to("inplace", False),),
                    ),
                )


def _needed(graph: Graph, node: Node) -> str:
    """Who else needs the numbers that come into `node`, in words; empty if nobody."""
    here, seen = node, set()
    while here.id not in seen:
        seen.add(here.id)
        wire = graph.wire_into(here.id, "input")
        if wire is None:
            return ""
        source = graph.nodes[wire.source]
        for other in graph.wires_out_of(source.id):
            if other.source_port == wire.source_port and other.target != here.id:
                return f"'{graph.nodes[other.target].name}' reads it too"
        layer = read(owner_of(graph, source), parameters_of(graph))
        if not isinstance(layer, Layer):
            return ""
        if layer.role in _GIVEN or layer.family is Family.CONSTANT:
            return f"it belongs to '{source.name}'"
        if layer.saves_output():
            return f"the gradient of '{source.name}' needs it"
        if not layer.is_view:
            return ""
        here = source
    return ""
