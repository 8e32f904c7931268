"""How differences stand out: a colour, a sign and a pattern, so that none has to be told alone."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsPathItem,
    QStyleOptionGraphicsItem,
    QWidget,
)

from netbuilder.gui.canvas.brushes import brushes
from netbuilder.gui.canvas.node_item import NodeItem
from netbuilder.gui.canvas.wire_item import WireItem, painter_path
from netbuilder.gui.look import theme

SIGNS = {"added": "+", "removed": "−", "changed": "~"}
WORDS = {"added": "Added", "removed": "Removed", "changed": "Changed"}
_PATTERNS = {
    "added": Qt.BrushStyle.BDiagPattern,
    "removed": Qt.BrushStyle.HorPattern,
    "changed": Qt.BrushStyle.Dense5Pattern,
}
_STROKES = {
    "added": Qt.PenStyle.SolidLine,
    "removed": Qt.PenStyle.DashLine,
    "changed": Qt.PenStyle.DotLine,
}
RING = 9.0
"""How wide the band around a node is, in scene units; never less than 4 pixels."""
BADGE = 20.0
BESIDE = 0.3
"""From farther than this the sign stands beside its node, which it would hide."""
MOST = 360.0
"""What marks grow to at most while one looks from afar, in scene units."""


def color(change: str) -> QColor:
    """Its colour in the theme in use."""
    tokens = theme.current()
    return {"added": tokens.success, "removed": tokens.error}.get(change, tokens.warning)


class NodeMark(QGraphicsItem):
    """A band around a node and a sign at its corner; it grows as one goes away."""

    def __init__(self, node: NodeItem, change: str) -> None:
        super().__init__()
        self.change = change
        self._card = QRectF(0, 0, node.width, node.height)
        self.setPos(node.pos())
        self.setZValue(2)

    def boundingRect(self) -> QRectF:
        return self._card.adjusted(-2 * MOST, -MOST, MOST, MOST)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        zoom = painter.worldTransform().m11() or 1.0
        width = min(max(RING, 4 / zoom), MOST / 4)
        paint_ring(painter, self._card, self.change, width)
        side = min(max(BADGE, 15 / zoom), MOST)
        corner = QPointF(-side * 0.6, -side * 0.6)
        if zoom < BESIDE:
            corner = QPointF(-width - side * 1.1, (self._card.height() - side) / 2)
        paint_sign(painter, QRectF(corner, QSizeF(side, side)), self.change)


class WireMark(QGraphicsPathItem):
    """A wire once more, in the colour and the stroke of its change."""

    def __init__(self, wire: WireItem, change: str) -> None:
        super().__init__()
        self.change = change
        if wire.course is not None:
            self.setPath(painter_path(wire.course))
        pen = QPen(color(change), 2.5, _STROKES[change])
        pen.setCosmetic(True)
        self.setPen(pen)
        self.setZValue(-0.4)


def paint_ring(painter: QPainter, card: QRectF, change: str, width: float) -> None:
    """A patterned band around a card."""
    outer = card.adjusted(-width, -width, width, width)
    band = QPainterPath()
    band.setFillRule(Qt.FillRule.OddEvenFill)
    band.addRoundedRect(outer, theme.RADIUS + width / 2, theme.RADIUS + width / 2)
    band.addRoundedRect(card, theme.RADIUS, theme.RADIUS)
    tone = color(change)
    wash = QColor(tone)
    wash.setAlphaF(0.22)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(wash)
    painter.drawPath(band)
    painter.setBrush(QBrush(tone, _PATTERNS[change]))
    painter.drawPath(band)
    pen = QPen(tone, 2.0, _STROKES[change])
    pen.setCosmetic(True)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(outer, theme.RADIUS + width / 2, theme.RADIUS + width / 2)


def paint_sign(painter: QPainter, place: QRectF, change: str) -> None:
    """The sign on a disc."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(change))
    painter.drawEllipse(place)
    font = brushes().badge.font
    painter.save()
    painter.translate(place.center())
    # The size of a font does not follow that of the disc.
    scale = place.height() / 20.0
    painter.scale(scale, scale)
    font.setPointSizeF(theme.font().pointSizeF() * 1.1)
    painter.setFont(font)
    painter.setPen(theme.current().on_accent)
    painter.drawText(QRectF(-10, -10.5, 20, 20), Qt.AlignmentFlag.AlignCenter, SIGNS[change])
    painter.restore()


class Legend(QWidget):
    """What one kind of mark means: the mark and its word."""

    def __init__(self, change: str) -> None:
        super().__init__()
        self._change = change
        self.setAccessibleName(f"{SIGNS[change]} {WORDS[change]}")

    def sizeHint(self) -> QSize:
        words = self.fontMetrics().horizontalAdvance(WORDS[self._change])
        return QSize(30 + words, max(24, self.fontMetrics().height()))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        swatch = QRectF(1, middle - 9, 22, 18)
        tone = color(self._change)
        painter.setPen(QPen(tone, 1.5, _STROKES[self._change]))
        painter.setBrush(QBrush(tone, _PATTERNS[self._change]))
        painter.drawRoundedRect(swatch, 4, 4)
        paint_sign(painter, QRectF(5, middle - 7, 14, 14), self._change)
        painter.setPen(theme.current().text)
        words = QRectF(29, 0, self.width(), self.height())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, WORDS[self._change])
