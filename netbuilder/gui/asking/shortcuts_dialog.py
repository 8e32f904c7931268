"""See and change the keys of the commands."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from netbuilder.gui.command_list import title
from netbuilder.gui.commands import Command, shown
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import button, column, label, row, set_role
from netbuilder.gui.picker import score
from netbuilder.gui.shortcuts import Shortcuts, chord_of, refusal

ASK = "Choose a command, press Enter, then the keys that it is to have."
ID = Qt.ItemDataRole.UserRole


class KeyCatcher(QLineEdit):
    """Shows what is pressed instead of doing it. `pressed(chord)`; `left` on Escape."""

    pressed = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setPlaceholderText("Press the new keys")
        self.setAccessibleName("New keys")

    def event(self, event: QEvent) -> bool:
        """All keys are caught here, those that move the focus or run a command too."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            event.accept()
            if event.key() == Qt.Key.Key_Escape:
                self.left.emit()
            elif chord := chord_of(event.keyCombination()):
                self.pressed.emit(chord)
            return True
        return super().event(event)


class ShortcutsDialog(QDialog):
    """All commands with their keys; Enter on one takes new keys for it."""

    def __init__(self, shortcuts: Shortcuts, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setObjectName("shortcutsDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.resize(640, 640)
        self._shortcuts = shortcuts
        self._asked: tuple[str, str] | None = None
        """A command, and a chord that it would take from another one."""
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a command or a key")
        self.search.setAccessibleName("Find a command or a key")
        self.search.setClearButtonEnabled(True)
        self.table = QTreeWidget()
        self.table.setAccessibleName("Commands and their keys")
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        self.table.setStyleSheet("QTreeView::item { padding: 3px 4px; }")
        self.table.setHeaderLabels(["Command", "Keys"])
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        self.catcher = KeyCatcher()
        self.catcher.hide()
        self.words = label(ASK, "muted", wrap=True)
        self.take = button("Take it", self._take)
        self.leave = button("Leave it", self._leave)
        self.change = button("Change…", self._record)
        self.none = button("No keys", self._clear)
        self.reset = button("Usual keys", self._reset)
        self.reset_all = button("Usual keys for all", self._reset_all)
        self._lay_out()
        self.search.textChanged.connect(lambda _: self._fill())
        self.search.installEventFilter(self)
        self.table.itemActivated.connect(lambda *_: self._record())
        self.table.currentItemChanged.connect(lambda *_: self._choose())
        self.catcher.pressed.connect(self._pressed)
        self.catcher.left.connect(self._leave)
        self._fill()
        self._leave()
        self.search.setFocus()

    def _lay_out(self) -> None:
        for part in (self.take, self.leave, self.change, self.none, self.reset, self.reset_all):
            part.setAutoDefault(False)
        close = button("Close", self.close, "primary")
        close.setAutoDefault(False)
        layout = column(label("Keyboard shortcuts", "title"), gap=8, margins=(24, 24, 24, 16))
        layout.addWidget(self.search)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.catcher)
        asked = row(self.take, self.leave)
        asked.insertWidget(0, self.words, 1)
        layout.addLayout(asked)
        layout.addLayout(row(self.change, self.none, self.reset, self.reset_all, None, close))
        self.setLayout(layout)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down and Enter in the search lead on into the table."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                self.table.setFocus()
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._record()
                return True
        return super().eventFilter(watched, event)

    # -- the table -------------------------------------------------------------------------

    def _fill(self) -> None:
        """The commands that fit the search, the best first."""
        chosen, query = self.chosen(), self.search.text().strip()
        found: list[tuple[float, Command]] = []
        for command in self._shortcuts.commands:
            value = score(query, f"{title(command)} {self._keys(command.id)}")
            if value is not None:
                found.append((-value if query else 0.0, command))
        self.table.blockSignals(True)
        self.table.clear()
        for _, command in sorted(found, key=lambda pair: pair[0]):
            item = QTreeWidgetItem([title(command), self._keys(command.id)])
            item.setData(0, ID, command.id)
            self._mark(item, command.id)
            self.table.addTopLevelItem(item)
            if chosen == command.id:
                self.table.setCurrentItem(item)
        first = self.table.topLevelItem(0)
        if self.table.currentItem() is None and first is not None:
            self.table.setCurrentItem(first)
        self.table.blockSignals(False)
        self._choose()

    def _mark(self, item: QTreeWidgetItem, id: str) -> None:
        font = item.font(1)
        font.setBold(self._shortcuts.changed(id))
        item.setFont(1, font)
        item.setText(1, self._keys(id))

    def _keys(self, id: str) -> str:
        return "  or  ".join(map(shown, self._shortcuts.commands.keys(id)))

    def chosen(self) -> str:
        """The id of the command in the marked row; empty if there is none."""
        item = self.table.currentItem()
        return str(item.data(0, ID)) if item is not None else ""

    def _choose(self) -> None:
        id = self.chosen()
        for part in (self.change, self.none, self.reset):
            part.setEnabled(bool(id))
        self.reset.setEnabled(bool(id) and self._shortcuts.changed(id))

    def _show_keys(self) -> None:
        for at in range(self.table.topLevelItemCount()):
            item = self.table.topLevelItem(at)
            if item is not None:
                self._mark(item, str(item.data(0, ID)))
        self._choose()

    # -- changing --------------------------------------------------------------------------

    def _say(self, text: str, role: str = "muted") -> None:
        self.words.setText(text)
        set_role(self.words, role)

    def _record(self) -> None:
        id = self.chosen()
        if not id:
            return
        self._asked = None
        self.catcher.clear()
        self.catcher.show()
        self.catcher.setFocus()
        self._say(f"Press the new keys for '{title(self._command(id))}'. Escape leaves it.")

    def _command(self, id: str) -> Command:
        return self._shortcuts.commands.commands[id]

    def _pressed(self, chord: str) -> None:
        id = self.chosen()
        reason = refusal(chord, self._command(id))
        self.catcher.setText(shown(chord))
        if reason:
            self._say(reason, "error")
            return
        owner = self._shortcuts.owner(chord)
        if owner is None or owner.id == id:
            self._give(id, chord)
            return
        self._asked = id, chord
        self._say(f"{shown(chord)} is the key of '{title(owner)}'.", "warning")
        self.take.show()
        self.leave.show()
        self.take.setFocus()

    def _give(self, id: str, chord: str) -> None:
        self._shortcuts.give(id, chord)
        self._done(f"{shown(chord)} is '{title(self._command(id))}' now.")

    def _take(self) -> None:
        if self._asked is not None:
            self._give(*self._asked)

    def _leave(self) -> None:
        self._done(ASK)

    def _clear(self) -> None:
        self._shortcuts.clear(self.chosen())
        self._done(f"'{title(self._command(self.chosen()))}' has no keys now.")

    def _reset(self) -> None:
        self._shortcuts.reset(self.chosen())
        self._done(f"'{title(self._command(self.chosen()))}' has its usual keys again.")

    def _reset_all(self) -> None:
        self._shortcuts.reset_all()
        self._done("All commands have their usual keys again.")

    def _done(self, words: str) -> None:
        self._asked = None
        for part in (self.catcher, self.take, self.leave):
            part.hide()
        self._show_keys()
        self._say(words)
        self.table.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves a question first, then the dialog."""
        if event.key() == Qt.Key.Key_Escape and self._asked is not None:
            self._leave()
            return
        super().keyPressEvent(event)
