"""A list over the window that is searched by typing: commands, ports, whatever can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
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

from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import column, label

WIDTH, ROWS = 560, 12
_DATA = Qt.ItemDataRole.UserRole
_BESIDE = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Offer:
    """A row: what it says, what stands at its right, and why it can't be chosen, if so."""

    text: str
    data: object
    beside: str = ""
    refusal: str = ""


def score(query: str, text: str) -> float | None:
    """How well the letters of `query` fit into `text` in their order; None if they don't.

    Letters that begin words and letters in a row count more, most of all the beginning of a
    word as it stands there; shorter texts win ties.
    """
    query, text = query.lower().strip(), text.lower()
    whole = text.find(query) if query else -1
    total, at, previous = 0.0, 0, -2
    if whole >= 0:
        begins = whole == 0 or not text[whole - 1].isalnum() or f" {query}" in text
        total = len(query) * (2.0 if begins else 1.0)
    query = query.replace(" ", "")
    for letter in query:
        found = text.find(letter, at)
        if found < 0:
            return None
        begins = found == 0 or not text[found - 1].isalnum()
        total += 3 if begins else 2 if found == previous + 1 else 0
        previous, at = found, found + 1
    return total - len(text) / 100


class _Row(QStyledItemDelegate):
    """A text at the left, a muted one at the right."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        beside = str(index.data(_BESIDE) or "")
        tokens, whole = theme.current(), QRect(option.rect)
        metrics, most = option.fontMetrics, whole.width() * 2 // 3
        beside = metrics.elidedText(beside, Qt.TextElideMode.ElideRight, most)
        room = metrics.horizontalAdvance(beside) + 16 if beside else 0
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(whole, tokens.selection)
        possible = bool(option.state & QStyle.StateFlag.State_Enabled)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(tokens.muted)
        painter.drawText(whole.adjusted(8, 0, -8, 0), middle | Qt.AlignmentFlag.AlignRight, beside)
        painter.setPen(tokens.text if possible else tokens.muted)
        place = whole.adjusted(8, 0, -8 - room, 0)
        words = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, middle | Qt.AlignmentFlag.AlignLeft, words)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(WIDTH - 32, option.fontMetrics.height() + 8)


class Picker(QFrame):
    """A popup in the upper middle of the window; Enter chooses, Escape closes.

    `chosen(data)`: the `Offer.data` of what was chosen; the popup is closed by then.
    """

    chosen = Signal(object)

    def __init__(self, window: QWidget, prompt: str, name: str) -> None:
        """`prompt` stands in the empty field, `name` is what a screen reader says."""
        super().__init__(window, Qt.WindowType.Popup)
        self._window = window
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("commandList")
        self._find: Callable[[str], Sequence[Offer]] = lambda query: ()
        self.search = QLineEdit()
        self.search.setPlaceholderText(prompt)
        self.search.setAccessibleName(name)
        self.words = label("", "muted")
        self.words.hide()
        self.model = QStandardItemModel(self)
        self.rows = QListView()
        self.rows.setObjectName("commandRows")
        self.rows.setAccessibleName(name)
        self.rows.setModel(self.model)
        self.rows.setItemDelegate(_Row(self.rows))
        self.rows.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.rows.setUniformItemSizes(True)
        self.setLayout(column(self.search, self.words, self.rows, margins=(8, 8, 8, 8)))
        self.search.textChanged.connect(self._fill)
        self.search.installEventFilter(self)
        self.rows.clicked.connect(lambda index: self._choose(index))

    def offer(self, find: Callable[[str], Sequence[Offer]]) -> None:
        """Show what `find` gives for what is typed, the best first; from now on."""
        self._find = find
        self.search.clear()
        self._fill()

    def say(self, text: str) -> None:
        """A line under the field: what the choice is about."""
        self.words.setText(text)
        self.words.setVisible(bool(text))

    def open(self) -> None:
        """Show it over the window and take the keys."""
        height = 64 + ROWS * (self.fontMetrics().height() + 8)
        corner = self._window.mapToGlobal(QPoint((self._window.width() - WIDTH) // 2, 72))
        self.setGeometry(corner.x(), corner.y(), WIDTH, height)
        self.show()
        self.search.setFocus()

    def texts(self) -> list[str]:
        """What the rows say."""
        return [self.model.item(row).text() for row in range(self.model.rowCount())]

    def _fill(self) -> None:
        self.model.clear()
        first = None
        for offer in self._find(self.search.text().strip()):
            words = offer.text
            item = QStandardItem(f"{words} – {offer.refusal}" if offer.refusal else words)
            item.setData(offer.data, _DATA)
            item.setData(offer.beside, _BESIDE)
            spoken = ", ".join(filter(None, (words, offer.refusal, offer.beside)))
            item.setData(spoken, Qt.ItemDataRole.AccessibleTextRole)
            item.setFont(theme.font())
            item.setEnabled(not offer.refusal)
            self.model.appendRow(item)
            if not offer.refusal and first is None:
                first = item.index()
        if first is not None:
            self.rows.setCurrentIndex(first)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent):
            return event.type() == QEvent.Type.KeyPress and self._key(event)
        return False

    def _key(self, event: QKeyEvent) -> bool:
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._choose(self.rows.currentIndex())
            case Qt.Key.Key_Down | Qt.Key.Key_Tab:
                self._step(1)
            case Qt.Key.Key_Up | Qt.Key.Key_Backtab:
                self._step(-1)
            case Qt.Key.Key_PageDown:
                self._step(ROWS - 1)
            case Qt.Key.Key_PageUp:
                self._step(1 - ROWS)
            case _:
                return False
        return True

    def _step(self, by: int) -> None:
        """Mark another row among those that can be chosen; past the end it goes round."""
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

    def _choose(self, index: QModelIndex) -> None:
        if index.isValid() and index.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.choose(index.data(_DATA))

    def choose(self, data: object) -> None:
        """Close and tell."""
        self.close()
        self.chosen.emit(data)
