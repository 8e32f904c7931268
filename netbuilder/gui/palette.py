"""The palette: all layers by family, a search, and dragging onto the canvas."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from netbuilder.gui.canvas.entries import ENTRY
from netbuilder.gui.canvas.search import (
    CORE,
    FAMILY_TITLES,
    Entry,
    entries,
    key_of,
    of_project,
    ranked,
)
from netbuilder.gui.canvas.view import CanvasView
from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import plain_tip
from netbuilder.gui.palette_list import STARRED, PaletteDelegate, PaletteList

MAX_FAVOURITES = 100
FIRST = 8
"""So many of a family are shown; a row under them shows the others."""
MORE = int(STARRED) + 1
"""The family that a row shows the rest of."""
OWN = "own"
"""The heading of what the project itself offers."""


class Palette(QWidget):
    """Lists what can be added to the shown graph: favourites, the project's own, families.

    Double-click or Enter adds in the middle of the canvas, a drag where it is dropped. The
    drag is an ordinary mouse drag within the window: QDrag would block the event loop.
    """

    favourites_changed = Signal(tuple)

    def __init__(self, view: CanvasView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Palette")
        self._view = view
        self._entries: list[Entry] = []
        self._whole: set[str] = set()
        """Families of which the person wants to see all."""
        self.field = QLineEdit(self)
        self.field.setPlaceholderText("Search layers")
        self.field.setAccessibleName("Search layers")
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self.model = QStandardItemModel(self)
        self.list = PaletteList(self)
        self.list.setModel(self.model)
        self._delegate = PaletteDelegate()
        self.list.setItemDelegate(self._delegate)
        self.list.activated.connect(self._activate)
        self.list.star_pressed.connect(self._star)
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

    @property
    def favourites(self) -> tuple[str, ...]:
        """Keys of starred entries, in the order in which they were starred."""
        return self._view.favourites

    def show_favourites(self, favourites: tuple[str, ...]) -> None:
        """What the person starred before."""
        self._view.favourites = favourites
        self._fill()

    def _star(self, index: QModelIndex) -> None:
        key = key_of(index.data(ENTRY))
        kept = tuple(other for other in self.favourites if other != key)
        if kept == self.favourites:
            kept = (*kept, key)[-MAX_FAVOURITES:]
        self._view.favourites = kept
        at = self.list.verticalScrollBar().value()
        self._fill()
        self.list.verticalScrollBar().setValue(at)
        self.favourites_changed.emit(kept)

    def _fill(self) -> None:
        query = self.field.text().strip()
        self.model.clear()
        if query:
            for entry in ranked(query, self._entries, self._view.used, self.favourites):
                self._append(entry)
        else:
            for title, entries_ in self._sections():
                self._append_heading(title)
                shown = entries_ if title in self._whole else _first(entries_)
                for entry in shown:
                    self._append(entry)
                if len(shown) < len(entries_):
                    self._append_more(title, len(entries_) - len(shown))
        self.list.scrollToTop()
        if query:
            self._select_first()

    def _sections(self) -> list[tuple[str, list[Entry]]]:
        """Headings and what is under them; families of which nothing may stand here come last."""
        keys = {key_of(entry): entry for entry in self._entries}
        starred = [keys[key] for key in self.favourites if key in keys]
        families: dict[str, list[Entry]] = {}
        for entry in self._entries:
            own = of_project(entry)
            families.setdefault(OWN if own and not entry.refusal else entry.family, []).append(
                entry
            )
        # Catalogued last, wanted first: what a block is given.
        families.get("io", []).sort(key=lambda entry: not entry.layer.endswith("Input"))
        ranks: Mapping[str, int] = {family: rank for rank, family in enumerate(FAMILY_TITLES)}

        def rank(family: str) -> tuple[bool, int]:
            useless = all(entry.refusal for entry in families[family])
            return useless, -1 if family == OWN else ranks.get(family, 99)

        titles = {**FAMILY_TITLES, OWN: "Of this project"}
        found = [
            (titles.get(family, family.capitalize()), families[family])
            for family in sorted(families, key=rank)
        ]
        usable = [entry for entry in starred if not entry.refusal]
        return [("Favourites", usable), *found] if usable else found

    def _append_heading(self, title: str) -> None:
        item = QStandardItem(title)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        self.model.appendRow(item)

    def _append_more(self, title: str, count: int) -> None:
        item = QStandardItem(f"{count} more")
        item.setData(title, MORE)
        item.setAccessibleText(f"{count} more of {title}")
        self.model.appendRow(item)

    def _show_whole(self, title: str) -> None:
        """All of a family, in the place of its row for more."""
        self._whole.add(title)
        row, at = self.list.currentIndex().row(), self.list.verticalScrollBar().value()
        self._fill()
        self.list.verticalScrollBar().setValue(at)
        self.list.setCurrentIndex(self.model.index(row, 0))

    def _append(self, entry: Entry) -> None:
        item = QStandardItem(entry.title)
        item.setData(entry, ENTRY)
        starred = key_of(entry) in self.favourites
        item.setData(starred, STARRED)
        star = ", favourite" if starred else ""
        item.setAccessibleText(f"{entry.title}, {entry.family}{star}")
        item.setAccessibleDescription(entry.help)
        if entry.refusal:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setToolTip(plain_tip(entry.refusal or entry.help))
        self.model.appendRow(item)

    def _select_first(self) -> None:
        for row in range(self.model.rowCount()):
            index = self.model.index(row, 0)
            if index.flags() & Qt.ItemFlag.ItemIsEnabled:
                self.list.setCurrentIndex(index)
                return

    def _activate(self, index: QModelIndex) -> None:
        entry = index.data(ENTRY)
        if isinstance(index.data(MORE), str):
            self._show_whole(index.data(MORE))
        elif isinstance(entry, Entry) and not entry.refusal:
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


def _first(found: list[Entry]) -> list[Entry]:
    """Those of a family that most networks need, in their order; all of a small one."""
    if len(found) <= FIRST + 1:
        return found
    core = [entry for entry in found if entry.layer in CORE]
    return (core or found)[:FIRST]
