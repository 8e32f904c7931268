"""Ctrl+F: find a node anywhere in the project; the canvas shows each place while one chooses."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QFrame, QLabel, QLineEdit, QListView

from netbuilder.app.finding import Found, find
from netbuilder.app.session import Session
from netbuilder.gui.canvas.entries import ENTRY, EntryDelegate
from netbuilder.gui.canvas.search import Entry
from netbuilder.gui.canvas.view import CanvasView
from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import column

WIDTH, ROWS = 400, 7
BESIDE = 240
"""With so much room beside the list, in pixels, a node is shown there."""
FOUND = Qt.ItemDataRole.UserRole + 1


class FindPanel(QFrame):
    """Lies in the upper right of the canvas. Enter stays at the place, Esc goes back."""

    closed = Signal()

    def __init__(
        self, canvas: CanvasView, session: Session, go_to: Callable[[str, str], None]
    ) -> None:
        """`go_to` shows a graph and a node in it, by their ids."""
        super().__init__(canvas)
        self._go_to = go_to
        self.setObjectName("findPanel")
        self.setAccessibleName("Find a node")
        self._canvas, self._session = canvas, session
        self._back: Callable[[], None] = lambda: None
        self.field = QLineEdit()
        self.field.setPlaceholderText("Find a node, frame or note in the project")
        self.field.setAccessibleName("Find a node")
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self.model = QStandardItemModel(self)
        self.list = QListView()
        self._delegate = EntryDelegate(wide=True)
        self.list.setItemDelegate(self._delegate)
        self.list.setModel(self.model)
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.clicked.connect(lambda index: self._take(index.row()))
        self.count = QLabel()
        self.count.setTextFormat(Qt.TextFormat.PlainText)
        self.count.setProperty("role", "small")
        self.setLayout(column(self.field, self.list, self.count, gap=6, margins=(8, 8, 8, 6)))
        canvas.installEventFilter(self)
        self.hide()

    def open(self) -> None:
        """Show it and take the keys; the canvas comes back to here unless a place is chosen."""
        tokens = theme.current()
        self.setStyleSheet(
            f"#findPanel {{ background: {tokens.card.name()}; border: 1px solid"
            f" {tokens.border.name()}; border-radius: {theme.RADIUS}px; }}"
            " QListView { background: transparent; }"
        )
        if not self.isVisible():
            self._remember()
        self.field.selectAll()
        self.show()
        self._fill(preview=False)
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def _remember(self) -> None:
        """Keep the way back: graph, use, view and selection."""
        session, canvas = self._session, self._canvas
        graph, trail = session.graph.id, session.trail
        look, selection = canvas.look(), set(canvas.canvas.selection)

        def back() -> None:
            if trail:
                session.show_use("/".join([trail[0].graph, *(step.node for step in trail)]))
            else:
                session.show(graph)
            canvas.look_at(look)
            canvas.select(selection)

        self._back = back

    # -- the list ------------------------------------------------------------------------

    def _fill(self, text: str = "", *, preview: bool = True) -> None:
        session, query = self._session, self.field.text()
        found, total = find(session.document, query, session.graph.id)
        self.model.clear()
        for one in found:
            item = QStandardItem(one.title)
            item.setData(Entry(one.layer, one.title, one.family, one.help), ENTRY)
            item.setData(one, FOUND)
            item.setEditable(False)
            self.model.appendRow(item)
        self._say(query, len(found), total)
        self._fit()
        if found:
            self._mark(0, preview=preview and bool(query.strip()))

    def _say(self, query: str, shown: int, total: int) -> None:
        if not total:
            words = "Nothing fits." if query.strip() else "There is nothing in this graph."
        elif shown < total:
            words = f"The best {shown} of {total}"
        else:
            words = f"{total} found" if query.strip() else f"{total} in this graph"
        self.count.setText(words + "  ·  Enter goes there, Esc back")

    def _fit(self) -> None:
        """As high as its rows need, in the upper right corner."""
        row = max(self.list.sizeHintForRow(0), 24)
        self.list.setFixedHeight(row * min(max(self.model.rowCount(), 1), ROWS) + 2)
        width = min(WIDTH, self._canvas.width() - 2 * theme.S)
        self.resize(width, self.sizeHint().height())
        self.move(self._canvas.width() - width - theme.S, theme.S)

    def _mark(self, row: int, *, preview: bool = True) -> None:
        if not 0 <= row < self.model.rowCount():
            return
        index = self.model.index(row, 0)
        self.list.setCurrentIndex(index)
        if preview:
            found: Found = index.data(FOUND)
            self._go_to(found.graph, found.id)
            self._uncover()

    def _uncover(self) -> None:
        """Move the picture so that the place is not under this list."""
        if self._canvas.width() - self.width() >= BESIDE:
            self._canvas.pan_by(-self.width() // 2, 0)
        else:
            self._canvas.pan_by(0, self.height() // 2)

    def _take(self, row: int) -> None:
        if 0 <= row < self.model.rowCount():
            self._mark(row)
            self._leave()

    def _leave(self) -> None:
        if self.isVisible():
            self.hide()
            self._canvas.setFocus()
            self.closed.emit()

    # -- keys ----------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._canvas and event.type() == QEvent.Type.Resize and self.isVisible():
            self._fit()
        if watched is self.field:
            if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                return self._key(event)
            if event.type() == QEvent.Type.FocusOut and self.isVisible():
                # Somebody works elsewhere now: what is shown stays.
                self.hide()
                self.closed.emit()
        return super().eventFilter(watched, event)

    def _key(self, event: QKeyEvent) -> bool:
        row, last = self.list.currentIndex().row(), self.model.rowCount() - 1
        match event.key():
            case Qt.Key.Key_Escape:
                self._back()
                self._leave()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._take(row)
            case Qt.Key.Key_Down | Qt.Key.Key_Tab:
                self._mark(min(row + 1, last))
            case Qt.Key.Key_Up | Qt.Key.Key_Backtab:
                self._mark(max(row - 1, 0))
            case Qt.Key.Key_PageDown:
                self._mark(min(row + ROWS - 1, last))
            case Qt.Key.Key_PageUp:
                self._mark(max(row - ROWS + 1, 0))
            case _:
                return False
        return True
