"""Bring a layer from the palette: a faint node follows the mouse until it is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from netbuilder.graph import rules
from netbuilder.graph.edits import snap
from netbuilder.graph.model import Json
from netbuilder.gui.canvas.edit import add_layer
from netbuilder.gui.canvas.face import Face, PortFace
from netbuilder.gui.canvas.hits import wire_at
from netbuilder.gui.canvas.node_item import NodeItem
from netbuilder.layers import catalogue

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView

WIRE_REACH = 16.0


class PaletteDrag:
    """Lives from the moment the drag leaves the palette until the button is released."""

    def __init__(self, view: CanvasView, layer: str, params: Mapping[str, Json]) -> None:
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
            self.ghost = NodeItem("", self._face(), self.view.canvas.flow)
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
        wire = self.wire
        self._leave()
        view = self.view
        node = view.edit(
            lambda: add_layer(view, self.layer, (at.x(), at.y()), params=self.params, wire=wire)
        )
        if node is not None:
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

    def _face(self) -> Face:
        kind = catalogue.find(self.layer)
        if kind is None:
            return Face(name=self.layer)
        return Face(
            name=rules.default_name(self.layer),
            family=kind.family.value,
            inputs=tuple(PortFace(port.name) for port in kind.inputs),
            outputs=tuple(PortFace(port.name) for port in kind.outputs),
        )
