"""The learning rate over a run, as a curve that is there before the run is."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from netbuilder.gui.look import theme
from netbuilder.training.optimisation.schedule_settings import PlateauSettings, ScheduleSettings
from netbuilder.training.optimisation.schedules import learning_rate

HEIGHT = 112
POINTS = 400


def figure(value: float) -> str:
    """A rate in few letters: 0.001, 2.5e-05."""
    return f"{value:.3g}"


class ScheduleCurve(QWidget):
    """A step's learning rate from the first epoch to the last. The mouse reads it off."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("schedule.curve")
        self.setMouseTracking(True)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.rates: list[float] = []
        """At equal distances from the start to the end; empty if there is nothing to show."""
        self._settings: ScheduleSettings | None = None
        self._base = 0.0
        self._epochs = 0.0
        self._before = 0.0
        self._at: float | None = None
        theme.notifier.changed.connect(self.update)

    def show_schedule(
        self, settings: ScheduleSettings | None, base: float, epochs: float, before: float = 0.0
    ) -> None:
        """Draw this schedule of an optimizer's rate; None for settings that can't be read.

        It lasts for `epochs`, after those `before` the step begins.
        """
        shown = (self._settings, self._base, self._epochs, self._before)
        if (settings, base, epochs, before) == shown:
            return
        self._settings, self._base, self._epochs, self._before = settings, base, epochs, before
        if settings is None or epochs <= 0:
            self.rates = []
            words = "The settings can't be read"
        else:
            # A little before its end: there a cycle would begin anew.
            ends = (epochs * at / (POINTS - 1) for at in range(POINTS))
            self.rates = [
                learning_rate(settings, base, min(end, epochs - 1e-9), epochs) for end in ends
            ]
            after = f" after the first {before:g}" if before else ""
            words = (
                f"Learning rate over {epochs:g} epochs{after}: starts at {figure(self.rates[0])}, "
                f"highest {figure(max(self.rates))}, ends at {figure(self.rates[-1])}"
            )
            if isinstance(settings, PlateauSettings):
                words += f", and falls times {settings.factor:g} on a plateau"
        self.setAccessibleName("Learning rate over the run")
        self.setAccessibleDescription(words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, HEIGHT)

    # -- painting --------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("small"))
        metrics = QFontMetricsF(painter.font())
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(tokens.border, 1))
        painter.setBrush(tokens.surface)
        painter.drawRoundedRect(box, theme.RADIUS_SMALL, theme.RADIUS_SMALL)
        if not self.rates:
            painter.setPen(tokens.muted)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "No schedule to show")
            return
        top = max(self.rates) or 1.0
        if 0.97 * self._base < top < self._base:
            # A peak between two points of the curve: its height is known.
            top = self._base
        left = max(metrics.horizontalAdvance(figure(value)) for value in (top, top / 2)) + 14
        area = box.adjusted(left, metrics.height() + 8, -12, -metrics.height() - 8)
        self._paint_axes(painter, area, top, metrics)
        self._paint_curve(painter, area, top, tokens.accent)
        self._paint_reading(painter, area, top)

    def _paint_axes(
        self, painter: QPainter, area: QRectF, top: float, metrics: QFontMetricsF
    ) -> None:
        tokens = theme.current()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value in (0.0, top / 2, top):
            y = area.bottom() - value / top * area.height()
            painter.setPen(QPen(tokens.grid, 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(tokens.muted)
            if value != top / 2 or area.height() > 4 * metrics.height():
                place = QRectF(0, y - 10, area.left() - 6, 20)
                painter.drawText(place, right, figure(value))
        for epoch in ticks(self._epochs, max(1, int(area.width() / 48))):
            x = area.left() + epoch / self._epochs * area.width()
            painter.setPen(tokens.muted)
            place = QRectF(x - 40, area.bottom() + 3, 80, metrics.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, f"{self._before + epoch:g}")

    def _paint_curve(self, painter: QPainter, area: QRectF, top: float, color: QColor) -> None:
        step = area.width() / (len(self.rates) - 1)
        points = [
            QPointF(area.left() + at * step, area.bottom() - rate / top * area.height())
            for at, rate in enumerate(self.rates)
        ]
        painter.setPen(QPen(color, 1.6))
        painter.drawPolyline(QPolygonF(points))

    def _paint_reading(self, painter: QPainter, area: QRectF, top: float) -> None:
        """The rate under the mouse; without one, what the axes are."""
        tokens = theme.current()
        words = "Learning rate by epoch"
        if isinstance(self._settings, PlateauSettings):
            words += f", then × {self._settings.factor:g} on a plateau"
        if self._at is not None and self._settings is not None:
            part = min(1.0, max(0.0, (self._at - area.left()) / area.width()))
            epoch = min(part * self._epochs, self._epochs - 1e-9)
            rate = learning_rate(self._settings, self._base, epoch, self._epochs)
            words = f"Epoch {self._before + epoch:.3g}: {figure(rate)}"
            spot = QPointF(
                area.left() + part * area.width(), area.bottom() - rate / top * area.height()
            )
            painter.setPen(QPen(tokens.muted, 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(spot.x(), area.top()), QPointF(spot.x(), area.bottom()))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.accent)
            painter.drawEllipse(spot, 3, 3)
        painter.setPen(tokens.muted)
        place = QRectF(area.left(), 3, area.width(), area.top() - 3)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft, words)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._at = event.position().x()
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._at = None
        self.update()


def ticks(length: float, most: int) -> list[float]:
    """Round numbers from 0 to the length, at most one more than `most`."""
    rough = length / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    if length >= 1:
        step = max(step, 1.0)
    return [step * at for at in range(int(length / step + 1e-9) + 1)]
