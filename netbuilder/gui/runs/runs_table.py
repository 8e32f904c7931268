"""The view of the table of runs, and its keys."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from netbuilder.gui.runs.run_model import NAME, NOTE, PIN, RunModel

ROW = 24
MOST_WIDE = 220
"""How tall a row is, and how wide a column gets by itself."""


class RunsTable(QTableView):
    """Space ticks the chosen runs, Delete deletes them; a click on the star pins."""

    tick_wanted = Signal()
    delete_wanted = Signal()

    def __init__(self, model: RunModel) -> None:
        super().__init__()
        self.runs = model
        self.setModel(model)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSortingEnabled(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        self.setAccessibleName("Runs")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.tick_wanted.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.delete_wanted.emit()
        elif event.key() == Qt.Key.Key_F2:
            if self.currentIndex().isValid():
                self.write_note(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    @property
    def editing(self) -> bool:
        """Whether a note is being written."""
        return self.state() == QAbstractItemView.State.EditingState

    def fit(self) -> None:
        """Columns as wide as their title and the first rows need."""
        model, metrics = self.runs, self.fontMetrics()
        rows = range(min(40, model.rowCount()))
        for number, each in enumerate(model.columns):
            texts = [each.title, *(str(model.index(at, number).data() or "") for at in rows)]
            wide = max(metrics.horizontalAdvance(text) for text in texts) + 26
            extra = {NAME: 26, PIN: 10}.get(each.key, 0)
            if each.key == NOTE:
                wide = max(wide, 120)
            self.setColumnWidth(number, min(wide + extra, MOST_WIDE))
        self.horizontalHeader().setStretchLastSection(True)

    def write_note(self, row: int) -> None:
        """Open the editor of a run's note."""
        cell = self.runs.index(row, self.runs.column_of(NOTE))
        self.scrollTo(cell)
        self.edit(cell)
