"""Losses by learning rate, as the finder met them, with the rate that is to be taken."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from netbuilder.gui.look import theme

HEADROOM = 1.2
"""The loss axis ends at so many times the first loss: what explodes leaves the picture."""


class RateCurve(QWidget):
    """Loss over the logarithm of the rate. A click chooses another rate: `chosen`."""

    chosen = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rate.curve")
        self.setMinimumHeight(200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._rates: Sequence[float] = ()
        self._losses: Sequence[float] = ()
        self._smoothed: Sequence[float] = ()
        self._marked: float | None = None
        theme.notifier.changed.connect(self.update)

    def show_sweep(
        self, rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float]
    ) -> None:
        """Draw these points; three sequences of one length."""
        self._rates, self._losses, self._smoothed = rates, losses, smoothed
        self.setAccessibleName("Loss by learning rate")
        if rates:
            self.setAccessibleDescription(
                f"{len(rates)} rates from {rates[0]:.1g} to {rates[-1]:.1g}; "
                f"the loss goes from {losses[0]:.3g} to {min(losses):.3g} at best"
            )
        self.update()

    def mark(self, rate: float | None) -> None:
        """Show which rate is to be taken."""
        self._marked = rate
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(520, 240)

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(52, 12, -14, -26)

    def _range(self) -> tuple[float, float]:
        """The lowest and the highest loss of the picture."""
        low = min(self._smoothed)
        high = max(self._smoothed[0] * HEADROOM, low * HEADROOM)
        high = max(high, low + 1e-9)
        low = max(0.0, low - 0.1 * (high - low)) if low >= 0 else low - 0.1 * (high - low)
        return low, high

    def _x(self, rate: float, area: QRectF) -> float:
        first, last = math.log10(self._rates[0]), math.log10(self._rates[-1])
        return area.left() + (math.log10(rate) - first) / max(last - first, 1e-9) * area.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("small"))
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(tokens.border, 1))
        painter.setBrush(tokens.surface)
        painter.drawRoundedRect(box, theme.RADIUS_SMALL, theme.RADIUS_SMALL)
        if len(self._rates) < 2:
            painter.setPen(tokens.muted)
            words = "The curve appears here" if not self._rates else "Too few points for a curve"
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
            return
        area = self._area()
        self._paint_axes(painter, area)
        painter.save()
        painter.setClipRect(area.adjusted(-2, -2, 2, 2))
        for values, color, width in (
            (self._losses, tokens.wire, 1.0),
            (self._smoothed, tokens.accent, 2.0),
        ):
            painter.setPen(QPen(color, width))
            painter.drawPolyline(QPolygonF(self._points(values, area)))
        painter.restore()
        self._paint_mark(painter, area)

    def _points(self, values: Sequence[float], area: QRectF) -> list[QPointF]:
        low, high = self._range()
        scale = area.height() / (high - low)
        return [
            # Far above the picture is as good as very far above it, and can be painted.
            QPointF(
                self._x(rate, area),
                max(area.bottom() - (value - low) * scale, area.top() - 1000.0),
            )
            for rate, value in zip(self._rates, values, strict=True)
        ]

    def _paint_axes(self, painter: QPainter, area: QRectF) -> None:
        tokens = theme.current()
        metrics = QFontMetricsF(painter.font())
        low, high = self._range()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for part in (0.0, 0.5, 1.0):
            y = area.bottom() - part * area.height()
            painter.setPen(QPen(tokens.grid, 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(tokens.muted)
            place = QRectF(0, y - 10, area.left() - 6, 20)
            painter.drawText(place, right, f"{low + part * (high - low):.3g}")
        first = math.ceil(math.log10(self._rates[0]) - 1e-9)
        last = math.floor(math.log10(self._rates[-1]) + 1e-9)
        for power in range(first, last + 1):
            x = self._x(10.0**power, area)
            painter.setPen(QPen(tokens.grid, 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(tokens.muted)
            place = QRectF(x - 30, area.bottom() + 4, 60, metrics.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, f"1e{power}")

    def _paint_mark(self, painter: QPainter, area: QRectF) -> None:
        if self._marked is None or not self._rates[0] <= self._marked <= self._rates[-1]:
            return
        tokens = theme.current()
        x = self._x(self._marked, area)
        painter.setPen(QPen(tokens.warning, 1.5, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        words = f"{self._marked:.2g}"
        width = QFontMetricsF(painter.font()).horizontalAdvance(words) + 8
        left = min(x + 4, area.right() - width)
        painter.setPen(tokens.text)
        painter.drawText(QRectF(left, area.top(), width, 16), Qt.AlignmentFlag.AlignLeft, words)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if len(self._rates) < 2:
            return
        area = self._area()
        part = min(1.0, max(0.0, (event.position().x() - area.left()) / area.width()))
        first, last = math.log10(self._rates[0]), math.log10(self._rates[-1])
        self.chosen.emit(float(f"{10 ** (first + part * (last - first)):.2g}"))
