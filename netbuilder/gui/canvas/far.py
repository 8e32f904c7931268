"""The graph from afar: all nodes and wires painted in a few calls instead of item by item."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem

from netbuilder.gui.canvas.brushes import brushes
from netbuilder.gui.canvas.node_item import NodeItem
from netbuilder.gui.canvas.scene import CanvasScene
from netbuilder.gui.canvas.wire_item import Look, WireItem

FAR_BELOW = 0.35
"""Under this zoom no text can be read, and so many items are in sight that each call counts."""


@dataclass(slots=True)
class _Batch:
    """Lines and rectangles that are painted together."""

    cards: dict[str, list[QRectF]] = field(default_factory=dict)
    selected: list[QRectF] = field(default_factory=list)
    problems: list[tuple[QRectF, bool]] = field(default_factory=list)
    plain: list[QLineF] = field(default_factory=list)
    accent: list[QLineF] = field(default_factory=list)

    def add_node(self, node: NodeItem) -> None:
        rect = QRectF(node.x(), node.y(), node.width, node.height)
        self.cards.setdefault(node.face.family, []).append(rect)
        if node.selected:
            self.selected.append(rect)
        if node.face.errors or node.face.warnings:
            self.problems.append((rect, bool(node.face.errors)))

    def add_wire(self, wire: WireItem) -> None:
        if wire.isVisible():
            lines = self.plain if wire.look in (Look.PLAIN, Look.DIMMED) else self.accent
            lines += wire.lines()


class FarPainter:
    """Keeps what stands still as lists, and looks anew only at what a drag has lifted."""

    def __init__(self) -> None:
        self._revision = -1
        self._still = _Batch()

    def paint(self, painter: QPainter, scene: CanvasScene, zoom: float) -> None:
        """Paint frames, wires, cards and what gestures show, in scene coordinates."""
        lifted = scene.lifted
        if scene.revision != self._revision:
            self._revision = scene.revision
            self._still = _Batch()
            for id, node in scene.nodes.items():
                if id not in lifted:
                    self._still.add_node(node)
            for id, wire in scene.wires.items():
                if id not in lifted:
                    self._still.add_wire(wire)
        option = QStyleOptionGraphicsItem()
        for frame in scene.frames.values():
            _paint_item(painter, frame, option)
        self._paint(painter, self._still, zoom)
        if lifted:
            moving = _Batch()
            for id in lifted:
                if id in scene.nodes:
                    moving.add_node(scene.nodes[id])
                elif id in scene.wires:
                    moving.add_wire(scene.wires[id])
            self._paint(painter, moving, zoom)
        for item in scene.overlays:
            _paint_item(painter, item, option)

    def _paint(self, painter: QPainter, batch: _Batch, zoom: float) -> None:
        style = brushes()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(style.wire_pen)
        painter.drawLines(batch.plain)
        painter.setPen(style.accent_pen)
        painter.drawLines(batch.accent)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        for family, cards in batch.cards.items():
            painter.setBrush(style.far(family))
            painter.drawRects(cards)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(style.selected_pen)
        painter.drawRects(batch.selected)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = 4.0 / zoom
        painter.setPen(Qt.PenStyle.NoPen)
        for rect, error in batch.problems:
            painter.setBrush(style.error if error else style.warning)
            painter.drawEllipse(rect.topRight(), radius, radius)


def _paint_item(painter: QPainter, item: QGraphicsItem, option: QStyleOptionGraphicsItem) -> None:
    painter.save()
    painter.translate(item.pos())
    painter.setOpacity(item.opacity())
    item.paint(painter, option, None)
    painter.restore()
