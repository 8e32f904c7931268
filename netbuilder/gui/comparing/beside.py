"""Where the same part of a network lies on both canvases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF

from netbuilder.gui.comparing.side_view import SideView


def middle(view: SideView, ids: Sequence[str]) -> QPointF | None:
    """The middle of these nodes."""
    box = view.canvas.box_of(ids)
    if box is None:
        return None
    return QPointF((box.left + box.right) / 2, (box.top + box.bottom) / 2)


def beside(here: SideView, there: SideView, place: QPointF, partners: Mapping[str, str]) -> QPointF:
    """Where a place of one side would be on the other: as it lies to the nearest partner."""
    near = [
        (abs(item.x() - place.x()) + abs(item.y() - place.y()), id)
        for id, item in here.canvas.nodes.items()
        if partners.get(id) in there.canvas.nodes
    ]
    if not near:
        return place
    id = min(near)[1]
    return place + there.canvas.nodes[partners[id]].pos() - here.canvas.nodes[id].pos()
