"""The palette: all layers by family, a search, and dragging onto the canvas."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QListView, QVBoxLayout, QWidget

from netbuilder.gui import theme
from netbuilder.gui.canvas.entries import ENTRY, EntryDelegate
from netbuilder.gui.canvas.gestures.base import DRAG_DISTANCE
from netbuilder.gui.canvas.search import FAMILY_TITLES, Entry, entries, ranked
from netbuilder.gui.canvas.view import CanvasView


class Palette(QWidget):
    """Lists what can be added to the shown graph.

    Double-click or Enter adds in the middle of the canvas, a drag where it is dropped. The
    drag is an ordinary mouse drag within the window: QDrag would block the event loop.
    """

    def __init__(self, view: CanvasView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Palette")
        self._view = view
        self._entries: list[Entry] = []
        self.field = QLineEdit(self)
        self.field.setPlaceholderText("Search layers")
        self.field.setAccessibleName("Search layers")
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self.model = QStandardItemModel(self)
        self.list = PaletteList(self)
        self.list.setModel(self.model)
        self._delegate = EntryDelegate(wide=False)
        self.list.setItemDelegate(self._delegate)
        self.list.activated.connect(self._activate)
        self.list.drag_began.connect(self._drag_began)
        self.list.drag_moved.connect(self._drag_moved)
        self.list.drag_ended.connect(self._drag_ended)
        self.list.drag_cancelled.connect(view.cancel_palette_drag)
        box = QVBoxLayout(self)
        box.setContentsMargins(theme.S, theme.S, theme.S, 0)
        box.setSpacing(theme.S)
        box.addWidget(self.field)
        box.addWidget(self.list)
        theme.notifier.changed.connect(self._repaint)
        view.graph_edited.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Offer what fits the graph that the canvas shows now."""
        graph = self._view.canvas.graph
        found = entries(self._view.canvas.document, graph)
        if found != self._entries:
            self._entries = found
            self._fill()

    def _fill(self) -> None:
        query = self.field.text().strip()
        self.model.clear()
        offered = ranked(query, self._entries, {}) if query else self._by_family()
        family = ""
        for entry in offered:
            if not query and entry.family != family:
                family = entry.family
                self._append_heading(FAMILY_TITLES.get(family, family.capitalize()))
            self._append(entry)
        self.list.scrollToTop()
        if query:
            self._select_first()

    def _by_family(self) -> list[Entry]:
        """In the order of the catalogue; what may not stand here comes last."""
        ranks: Mapping[str, int] = {family: rank for rank, family in enumerate(FAMILY_TITLES)}
        useless = {entry.family for entry in self._entries} - {
            entry.family for entry in self._entries if not entry.refusal
        }
        return sorted(
            self._entries, key=lambda entry: (entry.family in useless, ranks.get(entry.family, 99))
        )

    def _append_heading(self, title: str) -> None:
        item = QStandardItem(title)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        self.model.appendRow(item)

    def _append(self, entry: Entry) -> None:
        item = QStandardItem(entry.title)
        item.setData(entry, ENTRY)
        item.setAccessibleText(f"{entry.title}, {entry.family}")
        item.setAccessibleDescription(entry.help)
        if entry.refusal:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setToolTip(entry.refusal or entry.help)
        self.model.appendRow(item)

    def _select_first(self) -> None:
        for row in range(self.model.rowCount()):
            index = self.model.index(row, 0)
            if index.flags() & Qt.ItemFlag.ItemIsEnabled:
                self.list.setCurrentIndex(index)
                return

    def _activate(self, index: QModelIndex) -> None:
        entry = index.data(ENTRY)
        if isinstance(entry, Entry) and not entry.refusal:
            self._view.add(entry.layer, entry.params)

    def _drag_began(self, index: QModelIndex) -> None:
        entry = index.data(ENTRY)
        if isinstance(entry, Entry):
            self._view.begin_palette_drag(entry.layer, entry.params)

    def _drag_moved(self, global_pos: QPoint, free: bool) -> None:
        droppable = self._view.move_palette_drag(global_pos, free=free)
        shape = Qt.CursorShape.DragCopyCursor if droppable else Qt.CursorShape.ClosedHandCursor
        self.list.viewport().setCursor(shape)

    def _drag_ended(self, global_pos: QPoint, free: bool) -> None:
        self._view.drop_palette_drag(global_pos, free=free)

    def _repaint(self) -> None:
        self.list.viewport().update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            watched is self.field
            and event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
        ):
            key = event.key()
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._activate(self.list.currentIndex())
                return True
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                self.list.setFocus(Qt.FocusReason.TabFocusReason)
                self.list.keyPressEvent(event)
                return True
            if key == Qt.Key.Key_Escape and self.field.text():
                self.field.clear()
                return True
        return super().eventFilter(watched, event)


class PaletteList(QListView):
    """A list whose entries can be dragged with the mouse."""

    drag_began = Signal(QModelIndex)
    drag_moved = Signal(QPoint, bool)
    drag_ended = Signal(QPoint, bool)
    drag_cancelled = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Layers")
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setStyleSheet("QListView { background: transparent; }")
        self._pressed: tuple[QPoint, QModelIndex] | None = None
        self._dragging = False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and (
            index.flags() & Qt.ItemFlag.ItemIsEnabled
        ):
            self._pressed = (event.position().toPoint(), index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            super().mouseMoveEvent(event)
            return
        start, index = self._pressed
        if not self._dragging:
            way = event.position().toPoint() - start
            if way.manhattanLength() < 2 * DRAG_DISTANCE:
                return
            self._dragging = True
            self.grabKeyboard()
            self.drag_began.emit(index)
        self.drag_moved.emit(event.globalPosition().toPoint(), _alt(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        dragging = self._dragging
        self._stop()
        super().mouseReleaseEvent(event)
        if dragging:
            self.drag_ended.emit(event.globalPosition().toPoint(), _alt(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._dragging:
            if event.key() == Qt.Key.Key_Escape:
                self._stop()
                self.drag_cancelled.emit()
            return
        super().keyPressEvent(event)

    def _stop(self) -> None:
        if self._dragging:
            self.releaseKeyboard()
        self._pressed, self._dragging = None, False
        self.viewport().unsetCursor()


def _alt(event: QMouseEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
