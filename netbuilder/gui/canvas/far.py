"""The graph from afar: all nodes and wires painted in a few calls instead of item by item."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem

from netbuilder.gui.canvas.brushes import brushes
from netbuilder.gui.canvas.scene import CanvasScene
from netbuilder.gui.canvas.wire_item import Look

FAR_BELOW = 0.35
"""Under this zoom no text can be read, and so many items are in sight that each call counts."""
HAIR_BELOW = 0.15
"""Under this zoom wires are short: smooth edges can't be seen and cost most of a frame."""
REFINE_S = 0.2
"""While slices bring courses up to date, the picture follows so often."""


@dataclass(slots=True)
class _Batch:
    """Lines and rectangles that are painted together."""

    cards: dict[tuple[str, bool], list[QRectF]] = field(default_factory=dict)
    problems: list[tuple[QPointF, bool]] = field(default_factory=list)
    lines: list[QLineF] = field(default_factory=list)

    def add_node(self, scene: CanvasScene, id: str, left: float, top: float) -> None:
        node = scene.nodes[id]
        face = node.face
        rect = QRectF(left, top, node.width, node.height)
        key = (face.family, bool(face.mute))
        found = self.cards.get(key)
        if found is None:
            self.cards[key] = [rect]
        else:
            found.append(rect)
        if face.errors or face.warnings:
            self.problems.append((rect.topRight(), bool(face.errors)))

    def add_wire(self, scene: CanvasScene, id: str) -> None:
        item = scene.wires[id]
        if not item.isVisible():
            return
        if id in scene.loose and id not in scene.lifted:
            start, end = scene.ends(item.wire)
            self.lines.append(QLineF(*start, *end))
        else:
            self.lines += item.lines()


class FarPainter:
    """Keeps what stands still as lists, and as a picture while the view stands still too."""

    def __init__(self) -> None:
        self._made_of: tuple[int, int] = (-1, -1)
        self._made_at = 0.0
        self._still = _Batch()
        self._looked: object = None
        self._picture: QPixmap | None = None

    def paint(self, painter: QPainter, scene: CanvasScene, zoom: float) -> None:
        """Paint frames, wires, cards and what gestures show, in scene coordinates."""
        self._follow(scene)
        option = QStyleOptionGraphicsItem()
        for frame in scene.frames.values():
            _paint_item(painter, frame, option)
        self._paint_still(painter, zoom)
        if scene.lifted:
            moving = _Batch()
            for id in scene.lifted:
                if id in scene.nodes:
                    item = scene.nodes[id]
                    moving.add_node(scene, id, item.x(), item.y())
                elif id in scene.wires:
                    moving.add_wire(scene, id)
            _paint(painter, moving, zoom)
        self._paint_marks(painter, scene)
        for overlay in scene.overlays:
            _paint_item(painter, overlay, option)

    def _follow(self, scene: CanvasScene) -> None:
        """Make the lists anew if the graph has changed."""
        now = (scene.revision, scene.refined)
        if now == self._made_of:
            return
        only_refined = now[0] == self._made_of[0] and scene.unsettled
        if only_refined and perf_counter() - self._made_at < REFINE_S:
            return
        self._made_of, self._made_at = now, perf_counter()
        self._looked = self._picture = None
        still, lifted = _Batch(), scene.lifted
        for id in scene.nodes:
            if id not in lifted:
                box = scene.places.box(id)
                still.add_node(scene, id, box.left, box.top)
        for id in scene.wires:
            if id not in lifted:
                still.add_wire(scene, id)
        self._still = still

    def _paint_still(self, painter: QPainter, zoom: float) -> None:
        """From the second time on that nothing moves but what a drag lifts, from a picture."""
        device, transform = painter.device(), painter.worldTransform()
        ratio = device.devicePixelRatio()
        look = (transform, device.width(), device.height(), ratio, brushes().tokens.name)
        if look != self._looked:
            self._looked, self._picture = look, None
            _paint(painter, self._still, zoom)
            return
        if self._picture is None:
            picture = QPixmap(round(device.width() * ratio), round(device.height() * ratio))
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            inner = QPainter(picture)
            inner.setRenderHints(painter.renderHints())
            inner.setTransform(transform)
            _paint(inner, self._still, zoom)
            inner.end()
            self._picture = picture
        painter.setWorldTransform(QTransform())
        painter.drawPixmap(0, 0, self._picture)
        painter.setWorldTransform(transform)

    @staticmethod
    def _paint_marks(painter: QPainter, scene: CanvasScene) -> None:
        """What is selected or meant, over the rest."""
        style = brushes()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        lines: list[QLineF] = []
        for id in scene.accented:
            item = scene.wires.get(id)
            if item is not None and item.isVisible() and item.look is not Look.DIMMED:
                lines += item.lines()
        if lines:
            painter.setPen(style.accent_pen)
            painter.drawLines(lines)
        chosen = [scene.nodes[id] for id in scene.selection if id in scene.nodes]
        if chosen:
            painter.setPen(style.selected_pen)
            painter.drawRects([QRectF(n.x(), n.y(), n.width, n.height) for n in chosen])


def _paint(painter: QPainter, batch: _Batch, zoom: float) -> None:
    style = brushes()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(style.hair_pen if zoom < HAIR_BELOW else style.wire_pen)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, zoom >= HAIR_BELOW)
    painter.drawLines(batch.lines)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    for (family, muted), cards in batch.cards.items():
        painter.setBrush(style.faint(family) if muted else style.far(family))
        painter.drawRects(cards)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    radius = 4.0 / zoom
    for corner, error in batch.problems:
        painter.setBrush(style.error if error else style.warning)
        painter.drawEllipse(corner, radius, radius)


def _paint_item(painter: QPainter, item: QGraphicsItem, option: QStyleOptionGraphicsItem) -> None:
    painter.save()
    painter.translate(item.pos())
    painter.setOpacity(item.opacity())
    item.paint(painter, option, None)
    painter.restore()
