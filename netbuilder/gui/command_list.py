"""Ctrl+K: every command by name, found by typing some of its letters."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QFrame, QLineEdit, QListView, QWidget

from netbuilder.gui import theme
from netbuilder.gui.commands import Command, Commands
from netbuilder.gui.widgets import column

WIDTH, ROWS = 560, 12


def score(query: str, text: str) -> float | None:
    """How well the letters of `query` fit into `text` in their order; None if they don't.

    Letters that begin words and letters in a row count more; shorter texts win ties.
    """
    query, text = query.lower().replace(" ", ""), text.lower()
    total, at, previous = 0.0, 0, -2
    for letter in query:
        found = text.find(letter, at)
        if found < 0:
            return None
        begins = found == 0 or not text[found - 1].isalnum()
        total += 3 if begins else 2 if found == previous + 1 else 0
        previous, at = found, found + 1
    return total - len(text) / 100


class CommandList(QFrame):
    """A popup in the upper middle of the window; Enter runs, Escape closes."""

    def __init__(self, commands: Commands, window: QWidget) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        self._window = window
        self.setObjectName("commandList")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._commands = commands
        self.search = QLineEdit()
        self.search.setPlaceholderText("Type a command")
        self.search.setAccessibleName("Search commands")
        self.model = QStandardItemModel(self)
        self.rows = QListView()
        self.rows.setObjectName("commandRows")
        self.rows.setModel(self.model)
        self.rows.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.rows.setUniformItemSizes(True)
        self.setLayout(column(self.search, self.rows, margins=(8, 8, 8, 8)))
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.rows.clicked.connect(lambda index: self._run(index))
        self._filter("")

    def open(self) -> None:
        """Show it over the window and take the keys."""
        height = 64 + ROWS * (self.fontMetrics().height() + 8)
        corner = self._window.mapToGlobal(QPoint((self._window.width() - WIDTH) // 2, 72))
        self.setGeometry(corner.x(), corner.y(), WIDTH, height)
        self.show()
        self.search.setFocus()

    def _filter(self, query: str) -> None:
        found: list[tuple[float, Command]] = []
        for command in self._commands:
            text = f"{command.menu}: {command.words()}" if command.menu else command.words()
            value = score(query, text)
            if value is not None and command.enabled():
                found.append((value, command))
        if query.strip():
            found.sort(key=lambda pair: -pair[0])
        self.model.clear()
        for _, command in found:
            keys = command.shortcuts[0] if command.shortcuts else ""
            shown = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
            item = QStandardItem(command.words() + (f"     {shown}" if shown else ""))
            item.setData(command.id, Qt.ItemDataRole.UserRole)
            item.setFont(theme.font())
            self.model.appendRow(item)
        if found:
            self.rows.setCurrentIndex(self.model.index(0, 0))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent):
            if event.type() != QEvent.Type.KeyPress:
                return False
            key, row = event.key(), self.rows.currentIndex().row()
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self.rows.currentIndex())
                return True
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up) and self.model.rowCount():
                row += 1 if key == Qt.Key.Key_Down else -1
                self.rows.setCurrentIndex(self.model.index(row % self.model.rowCount(), 0))
                return True
        return False

    def _run(self, index: QModelIndex) -> None:
        if index.isValid():
            id = index.data(Qt.ItemDataRole.UserRole)
            self.close()
            self._commands.run(id)
