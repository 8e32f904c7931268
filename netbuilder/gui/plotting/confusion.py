"""Which classes are taken for which: a heat map of counts, and figures by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from netbuilder.gui.look import theme
from netbuilder.gui.look.theme import mixed
from netbuilder.gui.look.widgets import plain_tip

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClassTable:
    """How often each class (row) was taken for each (column)."""

    classes: tuple[str, ...]
    counts: Counts

    @staticmethod
    def from_json(value: Any) -> ClassTable | None:
        """The table of an `epoch` event; None if it is none."""
        if not isinstance(value, Mapping):
            return None
        names, matrix = value.get("classes"), value.get("matrix")
        if not isinstance(names, Sequence) or not isinstance(matrix, Sequence):
            return None
        try:
            counts = np.asarray(matrix, dtype=np.int64)
        except (TypeError, ValueError, OverflowError):
            return None
        if counts.shape != (len(names), len(names)) or not len(names) or (counts < 0).any():
            return None
        return ClassTable(tuple(str(name) for name in names), counts)

    def figures(self) -> npt.NDArray[np.float64]:
        """Precision, recall, F1 and support of each class; NaN where nothing was counted."""
        right = self.counts.diagonal().astype(np.float64)
        support, said = self.counts.sum(axis=1), self.counts.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(said > 0, right / said, np.nan)
            recall = np.where(support > 0, right / support, np.nan)
            f1 = np.where(said + support > 0, 2 * right / (said + support), np.nan)
        return np.stack([precision, recall, f1, support.astype(np.float64)], axis=1)

    @property
    def accuracy(self) -> float:
        """The share of all samples that is on the diagonal; NaN of none."""
        total = int(self.counts.sum())
        return float(self.counts.trace()) / total if total else float("nan")


class ConfusionMap(QWidget):
    """The heat map. A cell is chosen by a click or the arrow keys.

    The diagonal is coloured as right, the rest as wrong, each by its share of the row.
    """

    cell_chosen = Signal(int, int)
    """The class that it is and the one that it was taken for."""

    def __init__(self) -> None:
        super().__init__()
        self._table: ClassTable | None = None
        self._cell: tuple[int, int] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Confusion matrix")
        self.setMinimumSize(180, 160)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return min(480, max(160, round(0.9 * width)))

    def sizeHint(self) -> QSize:
        return QSize(320, 290)

    def show_table(self, table: ClassTable | None) -> None:
        """Show these counts; the chosen cell stays chosen."""
        if table is None or self._table is None or table.classes != self._table.classes:
            self._cell = None
        self._table = table
        self._describe()
        self.update()

    def words(self, row: int, column: int) -> str:
        """A cell in words."""
        assert self._table is not None
        names, counts = self._table.classes, self._table.counts
        count, total = int(counts[row, column]), int(counts[row].sum())
        share = f" ({count / total:.1%} of {total:,})" if total else ""
        if row == column:
            return f"{names[row]}: {count:,} right{share}"
        return f"{names[row]} taken for {names[column]}: {count:,}{share}"

    # -- where things are ------------------------------------------------------------------

    def _frame(self) -> QRectF:
        """The cells, without the names beside and below them."""
        assert self._table is not None
        metrics = QFontMetrics(theme.font("small"))
        widest = max(metrics.horizontalAdvance(name) for name in self._table.classes)
        left = min(widest, self.width() // 4) + 8 + metrics.height()
        below = 2 * metrics.height() + 6
        side = min(self.width() - left - 4, self.height() - below - 4)
        return QRectF(left, 4, max(side, 10), max(side, 10))

    def cell_at(self, place: QPoint) -> tuple[int, int] | None:
        """Row and column under a point."""
        if self._table is None:
            return None
        frame, count = self._frame(), len(self._table.classes)
        if not frame.contains(place):
            return None
        row = int((place.y() - frame.top()) * count / frame.height())
        column = int((place.x() - frame.left()) * count / frame.width())
        return min(row, count - 1), min(column, count - 1)

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Where a cell is."""
        assert self._table is not None
        frame, count = self._frame(), len(self._table.classes)
        size = frame.width() / count
        return QRectF(frame.left() + column * size, frame.top() + row * size, size, size)

    # -- mouse and keys --------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position().toPoint())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        move = moves.get(Qt.Key(event.key()))
        if move is None or self._table is None:
            super().keyPressEvent(event)
            return
        last = len(self._table.classes) - 1
        row, column = self._cell or (0, 0)
        if self._cell is not None:
            row, column = (min(max(0, row + move[0]), last), min(max(0, column + move[1]), last))
        self._choose(row, column)

    def _choose(self, row: int, column: int) -> None:
        self._cell = (row, column)
        self._describe()
        self.update()
        self.cell_chosen.emit(row, column)

    def _describe(self) -> None:
        if self._table is None:
            self.setAccessibleDescription("")
        elif self._cell is not None:
            self.setAccessibleDescription(self.words(*self._cell))
        else:
            self.setAccessibleDescription(f"{self._table.accuracy:.1%} on the diagonal")

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self.cell_at(event.pos())
            text = self.words(*cell) if cell is not None else ""
            QToolTip.showText(event.globalPos(), plain_tip(text), self)
            return True
        return super().event(event)

    # -- painting --------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        table = self._table
        if table is None:
            return
        tokens = theme.current()
        painter = QPainter(self)
        frame, count = self._frame(), len(table.classes)
        size = frame.width() / count
        shares = table.counts / np.maximum(table.counts.sum(axis=1, keepdims=True), 1)
        figures = theme.mono("small")
        widest = QFontMetrics(figures).horizontalAdvance(str(int(table.counts.max())))
        written = size >= max(widest, QFontMetrics(figures).height()) + 2
        gap = 1.0 if size >= 6 else 0.0
        painter.setFont(figures)
        for row in range(count):
            for column in range(count):
                share = float(shares[row, column])
                hue = tokens.success if row == column else tokens.error
                # Few mistakes are what one looks for: they are shown stronger than their share.
                strength = 0.75 * (share if row == column else share**0.5)
                color = mixed(hue, tokens.card, strength)
                cell = self.cell_rect(row, column)
                painter.fillRect(cell.adjusted(0, 0, -gap, -gap), color)
                number = int(table.counts[row, column])
                if written and number:
                    dark = theme.contrast(color, tokens.text) >= 4.5
                    painter.setPen(tokens.text if dark else tokens.surface)
                    painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, str(number))
        self._paint_names(painter, frame, size)
        if self._cell is not None:
            painter.setPen(QPen(tokens.accent, 2))
            painter.drawRect(self.cell_rect(*self._cell).adjusted(0, 0, -gap, -gap))
        if self.hasFocus():
            painter.setPen(QPen(tokens.accent, 1))
            painter.drawRect(frame.adjusted(-2, -2, 1, 1))

    def _paint_names(self, painter: QPainter, frame: QRectF, size: float) -> None:
        assert self._table is not None
        tokens, names = theme.current(), self._table.classes
        painter.setFont(theme.font("small"))
        metrics = painter.fontMetrics()
        painter.setPen(tokens.muted)
        # As many names as there is room for.
        rows = max(1, -(-metrics.height() // max(1, int(size))))
        widest = max(metrics.horizontalAdvance(name) for name in names)
        columns = max(1, -(-min(widest + 6, 60) // max(1, int(size))))
        left = frame.left() - metrics.height() - 6
        for at, name in enumerate(names):
            if at % rows == 0:
                short = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(left))
                box = QRectF(metrics.height(), frame.top() + at * size, left, size)
                align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(box, align, short)
            if at % columns == 0:
                room = columns * size
                short = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(room))
                box = QRectF(
                    frame.left() + (at + 0.5) * size - room / 2,
                    frame.bottom() + 2,
                    room,
                    metrics.height(),
                )
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, short)
        below = QRectF(
            frame.left(), frame.bottom() + metrics.height() + 2, frame.width(), metrics.height() + 2
        )
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, "taken for")
        painter.save()
        painter.translate(0, frame.bottom())
        painter.rotate(-90)
        side = QRectF(0, 0, frame.height(), metrics.height())
        painter.drawText(side, Qt.AlignmentFlag.AlignCenter, "is")
        painter.restore()
