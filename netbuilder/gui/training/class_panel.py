"""The Classes tab of a training: confusion matrix and figures by class, as they grow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import Choice, EmptyState, column, holder, label, scroller
from netbuilder.gui.plotting.confusion import ClassTable, ConfusionMap
from netbuilder.gui.samples import ImageGrid

COLUMNS = ("Class", "Precision", "Recall", "F1", "Samples")
BESIDE = 620
"""From this width on the table stands beside the matrix, not below."""


class _Cell(QTableWidgetItem):
    """Sorted by its number; what has none comes first."""

    def __init__(self, text: str, number: float) -> None:
        super().__init__(text)
        self.number = -1.0 if math.isnan(number) else number
        self.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        if isinstance(other, _Cell):
            return self.number < other.number
        return super().__lt__(other)


class ClassPanel(QWidget):
    """Shows the tables of the latest epoch that told of any."""

    def __init__(self) -> None:
        super().__init__()
        self._tables: dict[str, ClassTable] = {}
        self._pending: Mapping[str, Any] | None = None
        self._previews: Any = None
        self.choice = Choice()
        self.choice.setAccessibleName("Which predictions")
        self.summary = label("", "heading")
        self.map = ConfusionMap()
        self.examples = ImageGrid(44)
        self.examples.setAccessibleName("Examples of the chosen cell")
        self.example_title = label("", "small")
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.setAccessibleName("Figures by class")
        self.table.setFont(theme.font("small"))
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self.table.fontMetrics().height() + 8)
        header = self.table.horizontalHeader()
        # By hand: Qt's own measure leaves room for an arrow in every column.
        words = [max(name, "0.000", key=len) for name in COLUMNS]
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setMinimumSectionSize(40)
        for at, word in enumerate(words):
            wide = self.table.fontMetrics().horizontalAdvance(word) + 26
            header.resizeSection(at, wide)
            side = Qt.AlignmentFlag.AlignRight if at else Qt.AlignmentFlag.AlignLeft
            title = self.table.horizontalHeaderItem(at)
            if title is not None:
                title.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        header.setStretchLastSection(True)
        header.setFont(theme.font("small"))
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.table.setMinimumSize(332, 140)
        self.empty = EmptyState(
            "No classes yet",
            "Where a step has a class metric or preview (logits and whole numbers), the confusion "
            "matrix and figures by class grow here with each epoch.",
        )
        left = column(self.map, self.example_title, self.examples, None, gap=6)
        self._pair = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._pair.setContentsMargins(12, 4, 12, 12)
        self._pair.setSpacing(16)
        self._pair.addLayout(left, 1)
        self._pair.addWidget(self.table, 1)
        body = QVBoxLayout()
        body.setContentsMargins(0, 6, 0, 0)
        body.setSpacing(4)
        head = column(self.choice, self.summary, gap=4, margins=(12, 0, 12, 0))
        body.addLayout(head)
        body.addLayout(self._pair)
        self._content = scroller(holder(body))
        self._content.hide()
        layout = column(self.empty, gap=0)
        layout.addWidget(self._content, 1)
        self.setLayout(layout)
        self._show_examples(None)
        self.choice.currentTextChanged.connect(lambda _: self._show())
        self.map.cell_chosen.connect(lambda *cell: self._show_examples(cell))

    def resizeEvent(self, event: QResizeEvent) -> None:
        beside = self.width() >= BESIDE
        directions = QBoxLayout.Direction
        self._pair.setDirection(directions.LeftToRight if beside else directions.TopToBottom)
        # All of the matrix is to be seen at once.
        self.map.setMaximumHeight(max(self.map.minimumHeight(), self.height() - 44))

    def clear(self) -> None:
        """Show nothing."""
        self._tables.clear()
        self._pending = self._previews = None
        self.choice.clear()
        self.map.show_table(None)
        self._show_examples(None)
        self._content.hide()
        self.empty.show()

    def take(self, tables: Any) -> None:
        """Newer tables came; `refresh` shows them."""
        if isinstance(tables, Mapping) and tables:
            self._pending = tables

    def take_previews(self, previews: Any) -> None:
        """Newer previews came: where the examples are from."""
        self._previews = previews

    def refresh(self) -> None:
        """Show what came last, if it is seen."""
        if self._pending is None or not self.isVisible():
            return
        found = {str(key): ClassTable.from_json(value) for key, value in self._pending.items()}
        self._pending = None
        self._tables = {key: table for key, table in found.items() if table is not None}
        names = list(self._tables)
        if [self.choice.itemText(at) for at in range(self.choice.count())] != names:
            self.choice.blockSignals(True)
            self.choice.clear()
            self.choice.addItems(names)
            self.choice.blockSignals(False)
        self.choice.setVisible(len(names) > 1)
        self._show()

    def showEvent(self, event: object) -> None:
        """What came while it was hidden is shown now."""
        self.refresh()

    def _shown(self) -> ClassTable | None:
        return self._tables.get(self.choice.currentText())

    def _show(self) -> None:
        table = self._shown()
        self._content.setVisible(table is not None)
        self.empty.setVisible(table is None)
        if table is None:
            return
        samples = int(table.counts.sum())
        right = f"{table.accuracy:.1%} of {samples:,} right"
        self.summary.setText(right)
        self.map.show_table(table)
        self._fill(table)

    def _fill(self, table: ClassTable) -> None:
        widget, figures = self.table, table.figures()
        chosen = widget.item(widget.currentRow(), 0)
        kept = chosen.text() if chosen is not None else None
        widget.setSortingEnabled(False)
        widget.setRowCount(len(table.classes))
        for line, (name, values) in enumerate(zip(table.classes, figures.tolist(), strict=True)):
            cells = [_Cell(name, float(line))]
            cells[0].setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            cells += [_Cell("–" if math.isnan(v) else f"{v:.3f}", v) for v in values[:3]]
            cells.append(_Cell(f"{values[3]:,.0f}", values[3]))
            for at, cell in enumerate(cells):
                widget.setItem(line, at, cell)
        widget.setSortingEnabled(True)
        for line in range(widget.rowCount()):
            name_cell = widget.item(line, 0)
            if kept is not None and name_cell is not None and name_cell.text() == kept:
                widget.setCurrentCell(line, 0)

    def _show_examples(self, cell: tuple[int, int] | None) -> None:
        """The samples of the previews that lie in a cell, if there are any."""
        from netbuilder.gui.training.previews import pictures_of

        pictures = pictures_of(self._previews, *cell) if cell is not None else []
        self.examples.show_images(pictures)
        self.examples.setVisible(bool(pictures))
        self.example_title.setVisible(cell is not None and self._shown() is not None)
        if cell is not None and self._shown() is not None:
            self.example_title.setText(self.map.words(*cell))
