"""A sheet to draw on with the mouse, for a network that reads pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import set_tip

SIDE = 176
PEN = 15.0
RUBBER = 30.0


class DrawingPad(QWidget):
    """White on black, whatever the theme: what is drawn is 1, all else 0."""

    drawn = Signal()
    """A stroke ended, or the sheet was cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(SIDE, SIDE)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Sheet to draw on")
        set_tip(self, "Draw with the left button, rub out with the right one; Delete clears")
        self._image = QImage(QSize(SIDE, SIDE), QImage.Format.Format_Grayscale8)
        self._image.fill(0)
        self._last: QPointF | None = None
        self._strokes = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is drawn."""
        return self._strokes == 0

    def clear(self) -> None:
        """An empty sheet."""
        self._image.fill(0)
        self._strokes = 0
        self.update()
        self.drawn.emit()

    def pixels(self) -> list[list[float]]:
        """Rows of numbers from 0 to 1, at half the size of the sheet."""
        size = QSize(SIDE // 2, SIDE // 2)
        mode = Qt.TransformationMode.SmoothTransformation
        small = self._image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, mode)
        small = small.convertToFormat(QImage.Format.Format_Grayscale8)
        data: Any = small.constBits()
        rows: npt.NDArray[np.uint8] = np.frombuffer(data, np.uint8)
        rows = rows.reshape(small.height(), small.bytesPerLine())[:, : small.width()]
        found: list[list[float]] = (rows / 255).round(3).tolist()
        return found

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            self._last = event.position()
            self._stroke(event.position(), event.buttons())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last is not None:
            self._stroke(event.position(), event.buttons())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._last is not None and event.buttons() == Qt.MouseButton.NoButton:
            self._last = None
            self.drawn.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.clear()
        else:
            super().keyPressEvent(event)

    def _stroke(self, to: QPointF, buttons: Qt.MouseButton) -> None:
        rubs = bool(buttons & Qt.MouseButton.RightButton)
        painter = QPainter(self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(Qt.GlobalColor.black if rubs else Qt.GlobalColor.white, RUBBER if rubs else PEN)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(self._last or to, to)
        painter.end()
        self._last = to
        self._strokes += not rubs
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.drawImage(0, 0, self._image)
        if self.empty:
            painter.setPen(Qt.GlobalColor.gray)
            painter.setFont(theme.font("small"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Draw here")
        painter.setPen(QPen(tokens.accent if self.hasFocus() else tokens.border, 1))
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
