"""Bring a layer from the palette: a faint node follows the mouse until it is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from netbuilder.graph.edits import snap
from netbuilder.graph.model import Json
from netbuilder.gui.canvas import placing
from netbuilder.gui.canvas.edit import Spot, add_layer, starting_parameters
from netbuilder.gui.canvas.hits import wire_at
from netbuilder.gui.canvas.node_item import NodeItem

if TYPE_CHECKING:
    from netbuilder.gui.canvas.adding import AddingView

WIRE_REACH = 16.0


class PaletteDrag:
    """Lives from the moment the drag leaves the palette until the button is released."""

    def __init__(self, view: AddingView, layer: str, params: Mapping[str, Json]) -> None:
        self.view = view
        self.layer = layer
        self.params = params
        self.ghost: NodeItem | None = None
        self.wire: str | None = None

    def move(self, at: QPointF | None, *, free: bool = False) -> None:
        """The mouse is at a scene point, or outside of the canvas; `free` ignores wires."""
        if at is None:
            self._leave()
            return
        if self.ghost is None:
            self.ghost = self._ghost()
            self.ghost.setOpacity(0.75)
            self.ghost.setZValue(8)
            self.view.canvas.add_overlay(self.ghost)
        ghost = self.ghost
        ghost.setPos(snap(at.x() - ghost.width / 2), snap(at.y() - ghost.height / 2))
        through = bool(ghost.face.inputs and ghost.face.outputs) and not free
        self.wire = wire_at(self.view.canvas, at.x(), at.y(), WIRE_REACH) if through else None
        self.view.canvas.mark_wire(self.wire)
        self.view.refresh()

    def drop(self, at: QPointF) -> None:
        """Add the layer here."""
        spot = Spot((at.x(), at.y()), wire=self.wire or "", exact=True)
        self._leave()
        view = self.view
        node = view.edit(lambda: add_layer(view, self.layer, spot, self.params))
        if node is not None:
            view.tell_used(self.layer)
            view.select([node.id])
            view.setFocus()

    def cancel(self) -> None:
        """Nothing was dropped."""
        self._leave()

    def _leave(self) -> None:
        self.view.canvas.mark_wire(None)
        self.wire = None
        if self.ghost is not None:
            self.view.canvas.drop_overlay(self.ghost)
            self.ghost = None
        self.view.refresh()

    def _ghost(self) -> NodeItem:
        """The node that would be added, as it would look."""
        values = starting_parameters(self.view, self.layer) | dict(self.params)
        face = placing.face_to_be(self.view, self.layer, values)
        return NodeItem("", face, self.view.canvas.flow)
