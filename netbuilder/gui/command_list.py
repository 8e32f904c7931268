"""Ctrl+K: every command by name, found by typing some of its letters."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QKeyEvent, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from netbuilder.gui import theme
from netbuilder.gui.commands import Command, Commands
from netbuilder.gui.widgets import column

WIDTH, ROWS = 560, 12
MOST_RECENT = 6
_ID = Qt.ItemDataRole.UserRole
_KEYS = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex


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


class _Row(QStyledItemDelegate):
    """A command at the left, its keys at the right."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        keys = str(index.data(_KEYS) or "")
        room = option.fontMetrics.horizontalAdvance(keys) + 16 if keys else 0
        tokens, whole = theme.current(), QRect(option.rect)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(whole, tokens.selection)
        possible = bool(option.state & QStyle.StateFlag.State_Enabled)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(tokens.muted)
        painter.drawText(whole.adjusted(8, 0, -8, 0), middle | Qt.AlignmentFlag.AlignRight, keys)
        painter.setPen(tokens.text if possible else tokens.muted)
        place = whole.adjusted(8, 0, -8 - room, 0)
        words = option.fontMetrics.elidedText(
            str(index.data()), Qt.TextElideMode.ElideRight, place.width()
        )
        painter.drawText(place, middle | Qt.AlignmentFlag.AlignLeft, words)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(WIDTH - 32, option.fontMetrics.height() + 8)


class CommandList(QFrame):
    """A popup in the upper middle of the window; Enter runs, Escape closes."""

    def __init__(self, commands: Commands, window: QWidget, recent: tuple[str, ...] = ()) -> None:
        """`recent` are ids of commands to begin with."""
        super().__init__(window, Qt.WindowType.Popup)
        self._window = window
        self.setObjectName("commandList")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._commands = commands
        self._recent = [id for id in recent if id in commands.commands][:MOST_RECENT]
        self.search = QLineEdit()
        self.search.setPlaceholderText("Type a command")
        self.search.setAccessibleName("Search commands")
        self.model = QStandardItemModel(self)
        self.rows = QListView()
        self.rows.setObjectName("commandRows")
        self.rows.setAccessibleName("Commands")
        self.rows.setModel(self.model)
        self.rows.setItemDelegate(_Row(self.rows))
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

    def _found(self, query: str) -> list[Command]:
        """Those that can be done first; without a query the recent ones before the rest."""
        ranks: list[tuple[bool, float, Command]] = []
        for command in self._commands:
            value = score(query, title(command))
            if value is not None:
                if not query.strip():
                    recent = command.id in self._recent
                    value = MOST_RECENT - self._recent.index(command.id) if recent else 0
                ranks.append((not command.enabled(), -value, command))
        return [command for *_, command in sorted(ranks, key=lambda rank: rank[:2])]

    def _filter(self, query: str) -> None:
        self.model.clear()
        first = None
        for command in self._found(query):
            possible = command.enabled()
            words = title(command)
            if not possible:
                words += f" – {command.obstacle() or 'not possible now'}"
            keys = self._commands.shown_keys(command.id)
            item = QStandardItem(words)
            item.setData(command.id, _ID)
            item.setData(keys, _KEYS)
            item.setData(f"{words}, {keys}" if keys else words, Qt.ItemDataRole.AccessibleTextRole)
            item.setFont(theme.font())
            item.setEnabled(possible)
            self.model.appendRow(item)
            if possible and first is None:
                first = item.index()
        if first is not None:
            self.rows.setCurrentIndex(first)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent):
            if event.type() != QEvent.Type.KeyPress:
                return False
            match event.key():
                case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                    self._run(self.rows.currentIndex())
                case Qt.Key.Key_Down:
                    self._step(1)
                case Qt.Key.Key_Up:
                    self._step(-1)
                case Qt.Key.Key_PageDown:
                    self._step(ROWS - 1)
                case Qt.Key.Key_PageUp:
                    self._step(1 - ROWS)
                case _:
                    return False
            return True
        return False

    def _step(self, by: int) -> None:
        """Mark another row among those that can be done; past the end it goes round."""
        possible = [
            at
            for at in range(self.model.rowCount())
            if self.model.index(at, 0).flags() & Qt.ItemFlag.ItemIsEnabled
        ]
        if not possible:
            return
        row = self.rows.currentIndex().row()
        at = possible.index(row) if row in possible else -1
        last = len(possible) - 1
        wanted = (at + by) % len(possible) if abs(by) == 1 else min(max(at + by, 0), last)
        self.rows.setCurrentIndex(self.model.index(possible[wanted], 0))

    def _run(self, index: QModelIndex) -> None:
        if index.isValid() and index.flags() & Qt.ItemFlag.ItemIsEnabled:
            id = index.data(_ID)
            self.close()
            self._commands.choose(id)


def title(command: Command) -> str:
    """How a command stands in the list: with its menu before it."""
    return f"{command.menu}: {command.words()}" if command.menu else command.words()
