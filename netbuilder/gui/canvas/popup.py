"""The list that opens over the canvas to add a layer by a few letters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from netbuilder.gui.canvas.entries import ENTRY, EntryDelegate
from netbuilder.gui.canvas.search import Entry, ranked
from netbuilder.gui.look import theme

WIDTH, ROWS = 400, 8
_RIGHT = Qt.TextElideMode.ElideRight


class AddPopup(QFrame):
    """A search field over a list. It lies in the canvas and is no window of its own."""

    chosen = Signal(object, bool)
    """The `Entry` to add, and whether Shift was held: beside what follows, not before it."""
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("addPopup")
        self.setAccessibleName("Add a layer")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._offered: Sequence[Entry] = ()
        self._used: Mapping[str, int] = {}
        self._favourites: Collection[str] = ()
        self._where = ""
        self.field = QLineEdit(self)
        self.field.setAccessibleName("Search layers")
        self.field.setPlaceholderText("Add a layer…")
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self.model = QStandardItemModel(self)
        self.list = QListView(self)
        self._delegate = EntryDelegate(wide=True)
        self.list.setItemDelegate(self._delegate)
        self.list.setModel(self.model)
        self.list.setMouseTracking(True)
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.clicked.connect(lambda index: self._choose(index.row()))
        self.words = QLabel(self)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setFont(theme.font("small"))
        self.words.setProperty("role", "muted")
        box = QVBoxLayout(self)
        box.setContentsMargins(theme.S, theme.S, theme.S, theme.S)
        box.setSpacing(theme.S)
        box.addWidget(self.field)
        box.addWidget(self.list)
        box.addWidget(self.words)
        self.hide()

    def open_at(
        self,
        pixel: QPoint,
        offered: Sequence[Entry],
        used: Mapping[str, int],
        words: str = "",
        favourites: Collection[str] = (),
    ) -> None:
        """Offer these entries near a point of the parent; `words` say where they will go."""
        tokens = theme.current()
        self.setStyleSheet(
            f"#addPopup {{ background: {tokens.card.name()}; border: 1px solid"
            f" {tokens.border.name()}; border-radius: {theme.RADIUS}px; }}"
            " QListView { background: transparent; }"
        )
        self._offered, self._used, self._where = offered, used, words
        self._favourites = favourites
        self.field.clear()
        self._fill()
        self._fit()
        parent = self.parentWidget()
        if parent is not None:
            x = min(max(theme.S, pixel.x() - 24), parent.width() - self.width() - theme.S)
            y = min(max(theme.S, pixel.y() - 16), parent.height() - self.height() - theme.S)
            self.move(max(0, x), max(0, y))
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def _fit(self) -> None:
        """As high as its entries need, up to a limit and within the parent."""
        rest = self.field.sizeHint().height() + 3 * theme.S
        if self.words.text():
            rest += self.words.sizeHint().height() + theme.S
        row = max(self.list.sizeHintForRow(0), 24)
        parent = self.parentWidget()
        room = (parent.height() - rest) // row if parent is not None else ROWS
        shown = min(self.model.rowCount(), max(2, min(room, ROWS)))
        self.list.setFixedHeight(row * shown + 2)
        self.resize(WIDTH, rest + (self.list.height() if shown else 0))

    def close_list(self) -> None:
        """Close without a choice."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def _fill(self) -> None:
        self.model.clear()
        for entry in ranked(self.field.text(), self._offered, self._used, self._favourites):
            item = QStandardItem(entry.title)
            item.setData(entry, ENTRY)
            item.setEditable(False)
            item.setAccessibleText(f"{entry.title}, {entry.family}")
            item.setAccessibleDescription(entry.doubt or entry.help)
            self.model.appendRow(item)
        self._mark(0)
        self._say()
        self._fit()

    def _say(self) -> None:
        """Where the choice goes, or that nothing matches."""
        words = self._where
        if not self.model.rowCount():
            words = f"Nothing called “{self.field.text().strip()}” fits here."
        self.words.setText(self.words.fontMetrics().elidedText(words, _RIGHT, WIDTH - 2 * theme.M))
        self.words.setVisible(bool(words))
        self.list.setVisible(self.model.rowCount() > 0)

    def _mark(self, row: int) -> None:
        if 0 <= row < self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(row, 0))

    def _choose(self, row: int, *, branch: bool = False) -> None:
        if 0 <= row < self.model.rowCount():
            entry = self.model.index(row, 0).data(ENTRY)
            self.hide()
            self.closed.emit()
            self.chosen.emit(entry, branch)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field:
            if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                return self._key(event)
            if event.type() == QEvent.Type.FocusOut and self.isVisible():
                self.close_list()
        return super().eventFilter(watched, event)

    def _key(self, event: QKeyEvent) -> bool:
        row = self.list.currentIndex().row()
        match event.key():
            case Qt.Key.Key_Escape:
                self.close_list()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                shift = Qt.KeyboardModifier.ShiftModifier
                self._choose(row, branch=bool(event.modifiers() & shift))
            case Qt.Key.Key_Down | Qt.Key.Key_Tab:
                self._mark(row + 1)
            case Qt.Key.Key_Up | Qt.Key.Key_Backtab:
                self._mark(row - 1)
            case Qt.Key.Key_PageDown:
                self._mark(min(row + ROWS - 1, self.model.rowCount() - 1))
            case Qt.Key.Key_PageUp:
                self._mark(max(row - ROWS + 1, 0))
            case _:
                return False
        return True
