"""The surface of a plot: axes that read well, and what mouse and keys do on it."""

from __future__ import annotations

from typing import Literal

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent

AxisKind = Literal["step", "epoch", "time"]
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

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [_power(value) for value in values]


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
