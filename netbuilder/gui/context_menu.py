"""The menu of the canvas's right button: the commands that fit what it points at."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, QPoint, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from netbuilder.gui.canvas.view import CanvasView
from netbuilder.gui.commands import Commands

Group = tuple[str, ...]

MENUS: Mapping[str, tuple[Group, ...]] = {
    "nothing": (
        ("edit.add", "edit.paste", "edit.paste_wired"),
        ("edit.all", "edit.tidy", "wire.cut"),
        ("view.frame_all",),
    ),
    "node": (
        ("edit.add", "edit.rename"),
        ("edit.cut", "edit.copy", "edit.duplicate"),
        ("wire.break", "wire.take_out"),
        ("edit.delete", "edit.delete_reconnect"),
    ),
    "port": (("edit.add",), ("wire.break",)),
    "wire": (("edit.add", "wire.dot"), ("edit.delete",)),
    "frame": (("edit.copy", "edit.duplicate"), ("view.frame",), ("edit.delete",)),
}
"""Ids of commands by what is under the mouse, in groups with a line between them."""

TITLES: Mapping[tuple[str, str], str] = {
    ("node", "edit.add"): "Add a layer after it…",
    ("port", "edit.add"): "Add a layer here…",
    ("port", "wire.break"): "Break its wires",
    ("wire", "edit.add"): "Insert a layer…",
    ("wire", "edit.delete"): "Delete the wire",
}
"""What a command is called where its own title would say too little."""


class ContextMenu(QObject):
    """Opens the menu where the canvas asks for it."""

    def __init__(self, canvas: CanvasView, commands: Commands) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._commands = commands
        self.menu = QMenu(canvas)
        self.menu.setObjectName("contextMenu")
        self.menu.aboutToHide.connect(self._hidden)
        canvas.context_requested.connect(self.open)

    def open(self, place: QPoint) -> None:
        """Show what can be done with what the canvas points at."""
        pointed = self._canvas.pointed
        if pointed is None:
            return
        self.menu.clear()
        for group in MENUS[pointed.hit.kind]:
            self._add_group(pointed.hit.kind, group)
        self.menu.popup(place)

    def _add_group(self, kind: str, group: Group) -> None:
        if self.menu.actions():
            self.menu.addSeparator()
        for id in group:
            command = self._commands.commands[id]
            title = TITLES.get((kind, id), command.words()).replace("&", "&&")
            keys = self._commands.actions[id].shortcut()
            if not keys.isEmpty():
                title += "\t" + keys.toString(QKeySequence.SequenceFormat.NativeText)
            action = self.menu.addAction(title)
            action.setObjectName(id)
            action.setEnabled(command.enabled())
            action.triggered.connect(lambda _=False, id=id: self._commands.run(id))

    def _hidden(self) -> None:
        # What was chosen runs right after the menu has closed.
        QTimer.singleShot(0, self, self._forget)

    def _forget(self) -> None:
        if not self.menu.isVisible():
            self._canvas.pointed = None
