"""Where values of the data arrive in a training step, past layers that only move them."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node, Wire
from netbuilder.layers.base import stem
from netbuilder.layers.catalogue import find

CHOOSE = "torch.index_select"
"""Takes the rows of a batch's samples out of what a network says of a whole graph."""


def ends_of(step: Graph, node: Node, *, ids: bool) -> Iterator[tuple[Wire, bool]]:
    """The wires at which a field's values arrive, and whether something is on the way to there.

    `ids` stay what they are in layers that only move them: what is cut off a text is still letters.
    """
    todo = [(wire, False) for wire in step.wires_out_of(node.id)]
    met = {node.id}
    while todo:
        wire, on_the_way = todo.pop(0)
        between = step.nodes[wire.target]
        if not ids or not _hands_on(between, wire.target_port):
            yield wire, on_the_way
        elif between.id not in met:
            met.add(between.id)
            todo += [(further, True) for further in step.wires_out_of(between.id)]


def begins_of(step: Graph, node: Node) -> Iterator[Wire]:
    """The wires at which what is compared there begins, before layers that only move it."""
    todo = list(step.wires_into(node.id))
    met = {node.id}
    while todo:
        wire = todo.pop(0)
        before = step.nodes[wire.source]
        moved = [into for into in step.wires_into(before.id) if _hands_on(before, into.target_port)]
        if not moved:
            yield wire
        elif before.id not in met:
            met.add(before.id)
            todo += moved


def _hands_on(node: Node, port: str) -> bool:
    """Whether what comes out of a layer are values that came in there, in their order or another.

    Choosing by a sample's number is left to who looks for it.
    """
    kind = find(node.layer)
    return node.layer != CHOOSE and kind is not None and stem(port) in kind.keeps_values
