"""Undo and redo; the canvas's own edits are rows of `canvas.keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.actions.making import with_focus
from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def commands(window: MainWindow) -> list[Command]:
    """The top of the Edit menu."""
    return [
        Command(
            "edit.undo",
            lambda: f"Undo {window.undo_title() or ''}".strip(),
            window.undo,
            ("Ctrl+Z",),
            "Edit",
            icon="undo",
            enabled=lambda: window.undo_title() is not None,
            bar=True,
        ),
        Command(
            "edit.redo",
            lambda: f"Redo {window.redo_title() or ''}".strip(),
            window.redo,
            ("Ctrl+Y", "Ctrl+Shift+Z"),
            "Edit",
            icon="redo",
            enabled=lambda: window.redo_title() is not None,
            bar=True,
        ),
        Command(
            "edit.open",
            "Open or edit the node",
            with_focus(window, lambda ring: ring.open_selected()),
            ("Return", "Enter"),
            "Graph",
            0,
            enabled=window.has_selection,
            on_canvas=True,
        ),
    ]
