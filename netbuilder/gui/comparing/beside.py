"""Where the same part of a network lies on both canvases."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF

from netbuilder.graph.document import Graph


def beside(
    here: Graph | None, there: Graph | None, place: QPointF, partners: Mapping[str, str]
) -> QPointF:
    """Where a place of one side would be on the other: as it lies to the nearest partner."""
    if here is None or there is None:
        return place
    near = [
        (abs(node.x - place.x()) + abs(node.y - place.y()), node.id)
        for node in here.nodes.values()
        if partners.get(node.id) in there.nodes
    ]
    if not near:
        return place
    one = here.nodes[min(near)[1]]
    other = there.nodes[partners[one.id]]
    return place + QPointF(other.x - one.x, other.y - one.y)
