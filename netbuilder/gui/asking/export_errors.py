"""What each node of an exported file departs by, as a table: the first that departs is marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem

from netbuilder.gui.look import theme

TOLERANCE = 1e-4
"""Errors above this are no rounding; as `exchange.verify` says."""
_ROWS, _LEAST = 12, 4
_WIDTH = 340


class ErrorTable(QTableWidget):
    """Nodes in the order of computing, with their largest relative errors."""

    def __init__(self) -> None:
        super().__init__(0, 2)
        self._first = -1
        self.setAccessibleName("Errors by node")
        self.setHorizontalHeaderLabels(["Node", "Largest relative error"])
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setHighlightSections(False)
        middle = Qt.AlignmentFlag.AlignVCenter
        sides = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
        for place, side in enumerate(sides):
            head = self.horizontalHeaderItem(place)
            if head is not None:
                head.setTextAlignment(side | middle)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)

    def show_errors(self, errors: Sequence[Any]) -> None:
        """Show the entries of an answer's `nodes`; hide if there are none."""
        known = [each for each in errors if isinstance(each, Mapping)]
        self.setRowCount(len(known))
        first = next((row for row, each in enumerate(known) if departs(each)), -1)
        for row, each in enumerate(known):
            error = QTableWidgetItem(words(each))
            error.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            cells = (QTableWidgetItem(str(each.get("name", ""))), error)
            for column, cell in enumerate(cells):
                if row == first:
                    cell.setForeground(theme.current().error)
                    cell.setToolTip("The first node whose values are not the network's.")
                self.setItem(row, column, cell)
        self._first = first
        self.setVisible(bool(known))
        self.updateGeometry()
        self._show_first()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_first()

    def _show_first(self) -> None:
        """The first node that departs is in sight, with those before it."""
        if self._first >= 0:
            middle = QTableWidget.ScrollHint.PositionAtCenter
            self.scrollTo(self.model().index(self._first, 0), middle)

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, self._height(_ROWS))

    def minimumSizeHint(self) -> QSize:
        return QSize(_WIDTH, self._height(_LEAST))

    def _height(self, rows: int) -> int:
        each = self.verticalHeader().defaultSectionSize()
        head = self.horizontalHeader().sizeHint().height()
        return head + min(self.rowCount(), rows) * each + 2 * self.frameWidth()


def departs(entry: Mapping[str, Any]) -> bool:
    """Whether a node's error is more than rounding."""
    error = entry.get("max_rel_error")
    return error is not None and not _number(error) < TOLERANCE


def words(entry: Mapping[str, Any]) -> str:
    """The error, for people; nodes that are not in the file have none."""
    error = entry.get("max_rel_error")
    return "joined or left out" if error is None else f"{_number(error):.1e}"


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("inf")
