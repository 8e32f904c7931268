"""Undo and redo; the canvas's own edits are rows of `canvas.keys`."""

from __future__ import annotations

from functools import partial
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
            lambda: f"Undo {_next(window, back=True) or ''}".strip(),
            partial(_travel, window, back=True),
            ("Ctrl+Z",),
            "Edit",
            icon="undo",
            enabled=lambda: _next(window, back=True) is not None,
            bar=True,
        ),
        Command(
            "edit.redo",
            lambda: f"Redo {_next(window, back=False) or ''}".strip(),
            partial(_travel, window, back=False),
            ("Ctrl+Y", "Ctrl+Shift+Z"),
            "Edit",
            icon="redo",
            enabled=lambda: _next(window, back=False) is not None,
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


def _next(window: MainWindow, *, back: bool) -> str | None:
    """What would be undone, or done again."""
    if window.session is None or not window.has_project():
        return None
    history = window.session.history
    return history.undo_title if back else history.redo_title


def _travel(window: MainWindow, *, back: bool) -> None:
    """Take back the last edit, or make the last undone one again."""
    session = window.session
    if session is not None and window.bench is not None:
        window.bench.canvas.edit(session.undo if back else session.redo)
