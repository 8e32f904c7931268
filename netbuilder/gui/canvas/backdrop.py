"""The dots behind the graph, and the words on an empty canvas."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QLabel, QWidget

from netbuilder.gui.look import theme

PITCH = 32.0
LEAST = 18.0
"""Dots that would be nearer to each other than this, in pixels, are thinned out."""

_dots: dict[tuple[int, int, float], QPolygonF] = {}


def paint_dots(painter: QPainter, rect: QRectF, zoom: float) -> None:
    """Dots of the grid in a rectangle of the scene."""
    painter.fillRect(rect, theme.current().surface)
    step = PITCH * 2 ** max(0, math.ceil(math.log2(LEAST / (PITCH * zoom))))
    columns, rows = int(rect.width() / step) + 2, int(rect.height() / step) + 2
    key = (columns, rows, step)
    if key not in _dots:
        _dots.clear()
        points = [QPointF(x * step, y * step) for x in range(columns) for y in range(rows)]
        _dots[key] = QPolygonF(points)
    pen = QPen(theme.current().grid, 2.0)
    pen.setCosmetic(True)
    painter.setPen(pen)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    left, top = math.floor(rect.left() / step) * step, math.floor(rect.top() / step) * step
    painter.translate(left, top)
    painter.drawPoints(_dots[key])
    painter.translate(-left, -top)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


class EmptyWords(QLabel):
    """What to do first, in the middle of an empty canvas."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setText("Drag a layer here from the palette,\nor press Space to search for one.")
        self.setProperty("role", "muted")
        self.hide()
