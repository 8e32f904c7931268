"""Every command of the window, one module a field of work.

A module has `commands(window)`; menus order what they get by section. What acts on the
canvas alone is a row of `canvas.keys` instead, which `canvas` here makes into a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.actions import (
    blocks,
    canvas,
    edit,
    help,
    instruments,
    order,
    project,
    run,
    view,
)
from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow

MENUS = ("File", "Edit", "Graph", "Arrange", "View", "Run", "Help")
BAR = (
    ("file.new", "file.open", "file.save"),
    ("edit.undo", "edit.redo"),
    ("run.train", "run.pause", "run.stop"),
    ("run.export",),
)

_PARTS = (project, edit, canvas, blocks, order, view, instruments, run, help)


def commands(window: MainWindow) -> list[Command]:
    """The commands; each asks the window for its state when it is shown or run."""
    return [command for part in _PARTS for command in part.commands(window)]
