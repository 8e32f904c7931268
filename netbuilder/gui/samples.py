"""Pictures of data, painted by hand: pictures in a grid, curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from netbuilder.gui.look import theme

Array = npt.NDArray[np.float64]


def image_of(values: Any) -> QImage | None:
    """A picture of (1 or 3, H, W) or (H, W) numbers; None if they are no picture.

    Values in 0 to 1 are taken as they are, others are stretched to that.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.shape[0] not in (1, 3) or min(array.shape) < 1:
        return None
    low, high = np.nanmin(array), np.nanmax(array)
    if low < 0 or high > 1:
        array = (array - low) / ((high - low) or 1.0)
    planes = np.nan_to_num(array * 255).clip(0, 255).astype(np.uint8)
    if planes.shape[0] == 1:
        planes = np.repeat(planes, 3, axis=0)
    pixels = np.ascontiguousarray(planes.transpose(1, 2, 0))
    height, width = pixels.shape[:2]
    image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.copy()


class ImageGrid(QWidget):
    """Pictures with a line of text under each; good ones and bad ones in colour."""

    def __init__(self, side: int = 56) -> None:
        super().__init__()
        self._side = side
        self._images: list[tuple[QImage, str, str]] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_images(self, images: Sequence[tuple[QImage, str, str]]) -> None:
        """Pictures with their text and its tone: `""`, `ok` or `error`."""
        self._images = list(images)
        self.updateGeometry()
        self.setMinimumHeight(self.heightForWidth(max(self.width(), 200)))
        self.update()

    def _columns(self, width: int) -> int:
        return max(1, (width + 8) // (self._side + 8))

    def hasHeightForWidth(self) -> bool:
        return True

    def _pitch(self) -> int:
        return self._side + self.fontMetrics().height() + 10

    def heightForWidth(self, width: int) -> int:
        columns = self._columns(width)
        return -(-len(self._images) // columns) * self._pitch()

    def sizeHint(self) -> QSize:
        return QSize(6 * (self._side + 8), self.heightForWidth(max(self.width(), 200)))

    def resizeEvent(self, event: object) -> None:
        self.setMinimumHeight(self.heightForWidth(self.width()))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setFont(theme.mono("small"))
        columns, side, pitch = self._columns(self.width()), self._side, self._pitch()
        for number, (image, text, tone) in enumerate(self._images):
            # Pixels of a small picture are meant to be seen; a large one is made smaller.
            small = max(image.width(), image.height()) <= side
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not small)
            x, y = (number % columns) * (side + 8), (number // columns) * pitch
            painter.drawImage(self._fitted(image, QRectF(x, y, side, side)), image)
            painter.setPen(QPen({"error": tokens.error}.get(tone, tokens.border), 1))
            painter.drawRect(QRectF(x + 0.5, y + 0.5, side - 1, side - 1))
            color = {"ok": tokens.success, "error": tokens.error}.get(tone, tokens.muted)
            painter.setPen(color)
            line = QRectF(x, y + side + 1, side, self.fontMetrics().height() + 2)
            cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, side + 6)
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, cut)

    @staticmethod
    def _fitted(image: QImage, cell: QRectF) -> QRectF:
        """The largest place in the cell that keeps the picture's form."""
        scale = cell.width() / max(image.width(), image.height(), 1)
        place = QRectF(0, 0, image.width() * scale, image.height() * scale)
        place.moveCenter(cell.center())
        return place


class CurveGrid(QWidget):
    """Small curves in a grid: windows of series, perhaps with the value that comes next."""

    CELL = QSize(150, 72)

    def __init__(self) -> None:
        super().__init__()
        self._curves: list[tuple[Array, float | None]] = []

    def show_curves(self, curves: Sequence[tuple[Any, float | None]]) -> None:
        """Each a sequence of numbers and, or None, what follows."""
        self._curves = [(np.asarray(values, dtype=np.float64).ravel(), n) for values, n in curves]
        self._resize()
        self.update()

    def _columns(self) -> int:
        return max(1, self.width() // (self.CELL.width() + 8))

    def _resize(self) -> None:
        rows = -(-len(self._curves) // self._columns())
        self.setMinimumHeight(rows * (self.CELL.height() + 8))

    def resizeEvent(self, event: object) -> None:
        self._resize()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        columns = self._columns()
        for number, (values, following) in enumerate(self._curves):
            x = (number % columns) * (self.CELL.width() + 8)
            y = (number // columns) * (self.CELL.height() + 8)
            cell = QRectF(x, y, self.CELL.width(), self.CELL.height())
            self._paint(painter, cell, values, following)

    @staticmethod
    def _paint(painter: QPainter, cell: QRectF, values: Array, following: float | None) -> None:
        tokens = theme.current()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.field)
        painter.drawRoundedRect(cell, 4, 4)
        whole = values if following is None else np.append(values, following)
        if not len(whole) or not np.isfinite(whole).all():
            return
        low, span = float(whole.min()), float(np.ptp(whole)) or 1.0
        inside = cell.adjusted(6, 8, -6, -8)
        step = inside.width() / max(1, len(whole) - 1)

        def at(index: int) -> QPointF:
            share = (float(whole[index]) - low) / span
            return QPointF(inside.left() + index * step, inside.bottom() - share * inside.height())

        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(tokens.accent, 1.2))
        painter.drawPolyline(QPolygonF([at(index) for index in range(len(values))]))
        if following is not None:
            painter.setBrush(QColor(tokens.family("activation")))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(at(len(whole) - 1), 3, 3)
