"""The graph from afar: all nodes and wires painted in a few calls instead of item by item."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem

from netbuilder.gui.canvas.brushes import brushes
from netbuilder.gui.canvas.scene import CanvasScene
from netbuilder.gui.canvas.wire_item import Look

FAR_BELOW = 0.35
"""Under this zoom no text can be read, and so many items are in sight that each call counts."""


class FarPainter:
    """Keeps the lines and rectangles of a scene until it changes."""

    def __init__(self) -> None:
        self._seen = (-1, "")
        self._cards: dict[str, list[QRectF]] = {}
        self._selected: list[QRectF] = []
        self._marked: list[tuple[QRectF, bool]] = []
        self._plain: list[QLineF] = []
        self._accent: list[QLineF] = []

    def paint(self, painter: QPainter, scene: CanvasScene, zoom: float) -> None:
        """Paint frames, wires, cards and what gestures show, in scene coordinates."""
        style = brushes()
        seen = (scene.revision, style.tokens.name)
        if seen != self._seen:
            self._gather(scene)
            self._seen = seen
        option = QStyleOptionGraphicsItem()
        for frame in scene.frames.values():
            painter.save()
            painter.translate(frame.pos())
            frame.paint(painter, option)
            painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(style.wire_pen)
        painter.drawLines(self._plain)
        painter.setPen(style.accent_pen)
        painter.drawLines(self._accent)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        for family, cards in self._cards.items():
            painter.setBrush(style.far(family))
            painter.drawRects(cards)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(style.selected_pen)
        painter.drawRects(self._selected)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_problems(painter, zoom)
        for item in scene.overlays:
            painter.save()
            painter.translate(item.pos())
            painter.setOpacity(item.opacity())
            item.paint(painter, option, None)
            painter.restore()

    def _gather(self, scene: CanvasScene) -> None:
        self._cards, self._selected, self._marked = {}, [], []
        for node in scene.nodes.values():
            rect = QRectF(node.x(), node.y(), node.width, node.height)
            self._cards.setdefault(node.face.family, []).append(rect)
            if node.selected:
                self._selected.append(rect)
            if node.face.errors or node.face.warnings:
                self._marked.append((rect, bool(node.face.errors)))
        self._plain, self._accent = [], []
        for wire in scene.wires.values():
            if wire.isVisible():
                lines = self._plain if wire.look in (Look.PLAIN, Look.DIMMED) else self._accent
                lines += wire.lines()

    def _paint_problems(self, painter: QPainter, zoom: float) -> None:
        style = brushes()
        radius = 4.0 / zoom
        painter.setPen(Qt.PenStyle.NoPen)
        for rect, error in self._marked:
            painter.setBrush(style.error if error else style.warning)
            painter.drawEllipse(rect.topRight(), radius, radius)
