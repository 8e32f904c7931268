"""The menu of the canvas's right button: the commands that fit what it points at."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, QPoint, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from netbuilder.gui.canvas.view import CanvasView
from netbuilder.gui.commands import Command, Commands
from netbuilder.layers import catalogue
from netbuilder.layers.base import Role

Group = tuple[str, ...]

MENUS: Mapping[str, tuple[Group, ...]] = {
    "nothing": (
        ("edit.add", "arrange.note"),
        ("edit.paste", "edit.paste_wired"),
        ("edit.all", "edit.tidy", "wire.cut"),
        ("view.frame_all", "block.leave"),
    ),
    "node": (
        ("block.enter",),
        ("edit.add", "edit.connect", "edit.rename", "arrange.note"),
        ("edit.cut", "edit.copy", "edit.duplicate"),
        ("edit.mute", "edit.bypass", "edit.collapse"),
        ("block.group", "block.ungroup", "block.unique", "arrange.frame"),
        ("wire.break", "wire.take_out", "wire.instrument"),
        ("edit.delete", "edit.delete_reconnect"),
    ),
    "port": (("edit.add", "edit.connect"), ("wire.break",)),
    "wire": (("edit.add", "wire.dot"), ("wire.instrument",), ("edit.delete",)),
    "frame": (
        ("edit.rename", "arrange.colour", "arrange.fit", "arrange.note"),
        ("edit.copy", "edit.duplicate"),
        ("edit.tidy", "view.frame"),
        ("edit.delete",),
    ),
}
"""Ids of commands by what is under the mouse, in groups with a line between them."""

CALLS: Mapping[str, tuple[Role, ...]] = {
    "block.enter": (Role.BLOCK, Role.CALL),
    "block.ungroup": (Role.BLOCK,),
    "block.unique": (Role.BLOCK,),
}
"""What is shown for nodes of these roles alone."""

TITLES: Mapping[tuple[str, str], str] = {
    ("node", "edit.add"): "Add a layer after it…",
    ("port", "edit.add"): "Add a layer here…",
    ("port", "wire.break"): "Break its wires",
    ("wire", "edit.add"): "Insert a layer…",
    ("wire", "edit.delete"): "Delete the wire",
    ("frame", "edit.delete"): "Delete the frame",
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
        shown = [self._commands.commands[id] for id in group if self._fits(id)]
        if shown and self.menu.actions():
            self.menu.addSeparator()
        for command in shown:
            self._add(command, TITLES.get((kind, command.id), command.words()))

    def _fits(self, id: str) -> bool:
        """Whether a command has anything to do with what is pointed at."""
        graph, pointed = self._canvas.canvas.graph, self._canvas.pointed
        if id == "block.leave":
            return graph is not None and graph.kind == "block"
        if id not in CALLS or graph is None or pointed is None:
            return id not in CALLS
        kind = catalogue.find(graph.nodes[pointed.hit.id].layer)
        return kind is not None and kind.role in CALLS[id]

    def _add(self, command: Command, title: str) -> None:
        keys = self._commands.actions[command.id].shortcut()
        text = title.replace("&", "&&")
        if not keys.isEmpty():
            text += "\t" + keys.toString(QKeySequence.SequenceFormat.NativeText)
        action = self.menu.addAction(text)
        action.setObjectName(command.id)
        action.setEnabled(command.enabled())
        action.triggered.connect(lambda: self._commands.run(command.id))

    def _hidden(self) -> None:
        # What was chosen runs right after the menu has closed.
        QTimer.singleShot(0, self, self._forget)

    def _forget(self) -> None:
        if not self.menu.isVisible():
            self._canvas.pointed = None
