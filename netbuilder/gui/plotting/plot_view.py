"""The surface of a plot: axes that read well, and what mouse and keys do on it."""

from __future__ import annotations

import math
from typing import Literal

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent

AxisKind = Literal["step", "epoch", "time"]
TICK_ROOM = 20
"""Pixels that the label of a tick takes up and down."""
ZOOM = 0.7
"""What a key press leaves of the range that is shown."""


def clock(seconds: float) -> str:
    """A moment of a run on an axis: `40 s`, `12:30`, `3:05:00`."""
    whole = round(seconds)
    if whole < 120:
        return f"{seconds:g} s"
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{rest // 60}:{rest % 60:02d}"


class CourseAxis(pg.AxisItem):  # type: ignore[misc]
    """The course of a run: steps, epochs or time."""

    kind: AxisKind = "step"

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        levels: list[tuple[float, float]] = super().tickSpacing(minVal, maxVal, size)
        if self.kind == "time" or maxVal - minVal < 1:
            return levels
        # There is no half step, and an epoch's half is told by its neighbours.
        return [level for level in levels if level[0] >= 1] or [(1.0, 0.0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self.kind == "time":
            return [clock(value) for value in values]
        if spacing >= 1_000_000:
            return [f"{value / 1e6:g}M" for value in values]
        if spacing >= 1000:
            return [f"{value / 1e3:g}k" for value in values]
        return [f"{value:g}" for value in values]


class ValueAxis(pg.AxisItem):  # type: ignore[misc]
    """The values of a metric, linear or logarithmic."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self.logMode:
            return self.logTickStrings(values, scale, spacing)
        largest = max((abs(value) for value in values), default=0.0)
        if largest >= 1e5 or 0 < largest < 1e-3:
            return [f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e") for value in values]
        places = max(0, -_exponent(spacing))
        return [f"{value:.{places}f}" for value in values]

    def tickValues(
        self, minVal: float, maxVal: float, size: float
    ) -> list[tuple[float, list[float]]]:
        if not self.logMode:
            found: list[tuple[float, list[float]]] = super().tickValues(minVal, maxVal, size)
            return found
        return [(1.0, log_ticks(minVal, maxVal, max(2, int(size / TICK_ROOM))))]

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [_power(value) for value in values]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Exponents of ten of at most so many round values between 10^low and 10^high."""
    first, last = math.floor(low), math.ceil(high)
    for digits in ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5), (1, 3), (1,)):
        steps = [math.log10(digit) for digit in digits]
        ticks = [power + step for power in range(first, last + 1) for step in steps]
        shown = [tick for tick in ticks if low <= tick <= high]
        if 2 <= len(shown) <= most:
            return shown
    every = max(1, -(-(last - first) // most))
    powers = [float(power) for power in range(first, last + 1) if power % every == 0]
    shown = [power for power in powers if low <= power <= high]
    if len(shown) >= 2:
        return shown
    # Less than a decade apart: values as on a linear axis.
    start, end = 10.0**low, 10.0**high
    unit = 10.0 ** math.floor(math.log10(max(end - start, 1e-300)))
    for width in (0.1, 0.2, 0.5, 1, 2, 5):
        count = math.floor(end / (width * unit)) - math.ceil(start / (width * unit)) + 1
        if count <= most:
            numbers = range(math.ceil(start / (width * unit)), math.floor(end / (width * unit)) + 1)
            return [math.log10(number * width * unit) for number in numbers if number > 0]
    return [low, high]


def _exponent(spacing: float) -> int:
    """The power of ten of the first digit."""
    return int(f"{spacing:e}".partition("e")[2])


def _power(exponent: float) -> str:
    value = 10.0**exponent
    return f"{value:.3g}" if 1e-3 <= value < 1e4 else f"{value:.0e}".replace("e-0", "e-")


class PlotView(pg.PlotWidget):  # type: ignore[misc]
    """A plot that is zoomed by dragging a frame, moved with the middle button, fitted by F.

    The wheel scrolls the panel; with Ctrl it zooms. Keys: left and right move the cross hair,
    with Shift what is shown; + and - zoom; F and Home fit.
    """

    moved = Signal()
    """The person chose what is shown."""
    fit_wanted = Signal()
    menu_wanted = Signal(object)
    left = Signal()
    focus_moved = Signal(bool)
    pointed = Signal(int)
    """The cross hair goes to the next point (1) or to the one before (-1)."""

    def __init__(self) -> None:
        self.course, self.values = CourseAxis("bottom"), ValueAxis("left")
        super().__init__(enableMenu=False, axisItems={"bottom": self.course, "left": self.values})
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # A menu that is never shown, but would outlive the plot until garbage is collected.
        self.getPlotItem().ctrlMenu.setParent(self, Qt.WindowType.Popup)
        self.box = self.getPlotItem().getViewBox()
        self.box.setMouseMode(pg.ViewBox.RectMode)
        self.box.setDefaultPadding(0.0)
        self.box.sigRangeChangedManually.connect(lambda *_: self.moved.emit())

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit_wanted.emit()
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_wanted.emit(event.globalPos())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_moved.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_moved.emit(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        match event.key():
            case keys.Key_F | keys.Key_Home:
                self.fit_wanted.emit()
            case keys.Key_Plus | keys.Key_Equal:
                self._zoom(ZOOM)
            case keys.Key_Minus:
                self._zoom(1 / ZOOM)
            case keys.Key_Left if shift:
                self._pan(-0.2)
            case keys.Key_Right if shift:
                self._pan(0.2)
            case keys.Key_Left:
                self.pointed.emit(-1)
            case keys.Key_Right:
                self.pointed.emit(1)
            case _:
                event.ignore()
                return
        event.accept()

    def _zoom(self, share: float) -> None:
        self.box.scaleBy((share, 1.0))
        self.moved.emit()

    def _pan(self, share: float) -> None:
        low, high = self.box.viewRange()[0]
        self.box.translateBy(x=share * (high - low))
        self.moved.emit()
