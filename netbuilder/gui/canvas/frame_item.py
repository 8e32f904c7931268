"""A titled rectangle behind some nodes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from netbuilder.graph.model import Frame
from netbuilder.gui import theme
from netbuilder.gui.canvas.brushes import brushes, faded
from netbuilder.gui.canvas.places import Box
from netbuilder.gui.canvas.wire_item import pen

TITLE = 28.0
"""Height of the part of a frame that holds its title and by which it is dragged."""


class FrameItem(QGraphicsItem):
    """Paints a frame; it holds no items."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame
        self.selected = False
        self.setZValue(-2)
        self.setPos(frame.x, frame.y)

    def set_frame(self, frame: Frame) -> None:
        self.prepareGeometryChange()
        self.frame = frame
        self.setPos(frame.x, frame.y)
        self.update()

    def set_selected(self, selected: bool) -> None:
        if selected != self.selected:
            self.selected = selected
            self.update()

    @property
    def box(self) -> Box:
        x, y = self.x(), self.y()
        return Box(x, y, x + self.frame.width, y + self.frame.height)

    def boundingRect(self) -> QRectF:
        return QRectF(-2, -2, self.frame.width + 4, self.frame.height + 4)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        tokens, style = theme.current(), brushes()
        color = QColor(self.frame.color) if self.frame.color else tokens.muted
        if not color.isValid():
            color = tokens.muted
        painter.setBrush(faded(color, 0.08))
        painter.setPen(style.selected_pen if self.selected else pen(faded(color, 0.45)))
        rect = QRectF(0.5, 0.5, self.frame.width - 1, self.frame.height - 1)
        painter.drawRoundedRect(rect, theme.RADIUS, theme.RADIUS)
        painter.setPen(style.muted_pen)
        painter.setFont(style.name.font)
        title = style.name.elided(self.frame.title, self.frame.width - 2 * theme.M)
        baseline = (TITLE + style.name.metrics.ascent()) / 2
        painter.drawText(QPointF(theme.M, baseline), title)
