"""An instrument on a wire: histogram, mean, deviation and dead units of what passes."""

from __future__ import annotations

import math
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from netbuilder.app.looks import TensorLook
from netbuilder.graph.layout import Flow
from netbuilder.graph.routing import Course
from netbuilder.gui.canvas.brushes import brushes
from netbuilder.gui.look import theme

BARS = QRectF(6, 5, 48, 26)
WIDTH, HEIGHT = 150.0, 36.0
AWAY = 10.0


class Gauge(QGraphicsItem):
    """Stands beside the middle of its wire, and goes and moves with it."""

    def __init__(self, wire: QGraphicsItem, flow: Flow) -> None:
        super().__init__(wire)
        self._flow = flow
        self.look: TensorLook | None = None

    def show_look(self, look: TensorLook | None) -> None:
        """Show other figures, or that there are none yet."""
        if look != self.look:
            self.look = look
            self.update()

    def place(self, course: Course) -> None:
        """Stand beside the middle of this course: at its left, or above a wire to the right."""
        x, y = _middle(course)
        if self._flow == "down":
            self.setPos(x - AWAY - WIDTH, y - HEIGHT / 2)
        else:
            self.setPos(x - WIDTH / 2, y - AWAY - HEIGHT)

    def boundingRect(self) -> QRectF:
        return QRectF(-1, -1, WIDTH + 2, HEIGHT + 2)

    def lines(self) -> tuple[str, str]:
        """The figures in words."""
        look = self.look
        if look is None:
            return "no figures yet", ""
        if look.bad:
            return f"{look.bad:,} not finite", _pair(look)
        dead = "" if look.dead is None else f"{look.dead:.0%} dead"
        return _pair(look), dead

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        style, look = brushes(), self.look
        bad = look is not None and bool(look.bad)
        painter.setPen(style.error_pen if bad else style.border_pen)
        painter.setBrush(style.card)
        painter.drawRoundedRect(QRectF(0.5, 0.5, WIDTH - 1, HEIGHT - 1), 4, 4)
        if look is not None and look.counts:
            _paint_bars(painter, look.counts, theme.current().accent)
        painter.setFont(style.small.font)
        left = BARS.right() + 8
        for row, text in enumerate(self.lines()):
            painter.setPen(style.text_pen if row == 0 else style.muted_pen)
            baseline = 4 + row * (style.small.height - 1) + style.small.metrics.ascent()
            room = WIDTH - left - 4
            painter.drawText(QPointF(left, baseline), style.small.elided(text, room))


def _middle(course: Course) -> tuple[float, float]:
    """The point half way along."""
    lengths = [math.dist(a, b) for a, b in pairwise(course.points)]
    left = sum(lengths) / 2
    for ((ax, ay), (bx, by)), length in zip(pairwise(course.points), lengths, strict=True):
        if length and left <= length:
            share = left / length
            return ax + share * (bx - ax), ay + share * (by - ay)
        left -= length
    return course.points[-1]


def _paint_bars(painter: QPainter, counts: tuple[int, ...], color: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    most = max(counts) or 1
    width = BARS.width() / len(counts)
    bars = []
    for number, count in enumerate(counts):
        # What is there at all can be seen.
        height = max(1.0, BARS.height() * count / most) if count else 0.0
        left = BARS.left() + number * width
        bars.append(QRectF(left, BARS.bottom() - height, max(width - 0.5, 0.5), height))
    painter.drawRects([bar for bar in bars if bar.height()])


def _pair(look: TensorLook) -> str:
    if look.mean is None or look.std is None:
        return "no numbers"
    return f"{look.mean:.2g} ± {look.std:.2g}"
