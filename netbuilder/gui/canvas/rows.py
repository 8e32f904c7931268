"""What the canvas itself can do, with its keys: the one list of it.

The window makes commands of these rows; a canvas without a window takes its keys from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.canvas import arrange_rows, block_rows, wire_rows
from netbuilder.gui.canvas.row import CanvasCommand
from netbuilder.gui.look.theme import GRID

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView
    from netbuilder.gui.canvas.walk import Way

FAST = 4 * GRID


def _nudge(name: str, x: int, y: int) -> tuple[CanvasCommand, CanvasCommand]:
    way = name.lower()
    return (
        CanvasCommand(
            f"canvas.nudge_{way}",
            f"Move {way}",
            lambda view: view.nudge(x * GRID, y * GRID),
            (name,),
            needs_selection=True,
        ),
        CanvasCommand(
            f"canvas.push_{way}",
            f"Move far {way}",
            lambda view: view.nudge(x * FAST, y * FAST),
            (f"Shift+{name}",),
            needs_selection=True,
        ),
    )


def _walk(name: str, down: Way, right: Way, title: str) -> CanvasCommand:
    return CanvasCommand(
        f"canvas.walk_{name.lower()}",
        title,
        lambda view: view.walk(down, right),
        (f"Alt+{name}",),
        edits=False,
    )


def _connect(view: CanvasView) -> None:
    # The rows are there before the first paint: widgets that few need come later.
    from netbuilder.gui.canvas.connect import connect

    connect(view)


_EDIT = (
    CanvasCommand("edit.cut", "Cut", lambda view: view.cut(), ("Ctrl+X",), "Edit", 1, True),
    CanvasCommand(
        "edit.copy", "Copy", lambda view: view.copy(), ("Ctrl+C",), "Edit", 1, True, edits=False
    ),
    CanvasCommand("edit.paste", "Paste", lambda view: view.paste(), ("Ctrl+V",), "Edit", 1),
    CanvasCommand(
        "edit.paste_wired",
        "Paste keeping incoming wires",
        lambda view: view.paste(keep_inputs=True),
        ("Ctrl+Shift+V",),
        "Edit",
        1,
    ),
    CanvasCommand(
        "edit.duplicate", "Duplicate", lambda view: view.duplicate(), ("Ctrl+D",), "Edit", 1, True
    ),
    CanvasCommand(
        "edit.delete", "Delete", lambda view: view.delete(), ("Del", "Backspace"), "Edit", 1, True
    ),
    CanvasCommand(
        "edit.delete_reconnect",
        "Delete and reconnect",
        lambda view: view.delete(reconnect=True),
        ("Ctrl+Del",),
        "Edit",
        1,
        True,
    ),
    CanvasCommand(
        "edit.all",
        "Select all",
        lambda view: view.select_all(),
        ("Ctrl+A",),
        "Edit",
        2,
        edits=False,
    ),
    CanvasCommand("edit.rename", "Rename", lambda view: view.rename(), ("F2",), "Edit", 2, True),
)
_GRAPH = (
    CanvasCommand(
        "edit.add", "Add a layer…", lambda view: view.start_add(), ("Tab", "Shift+A"), "Graph"
    ),
    CanvasCommand("edit.connect", "Connect…", _connect, ("W",), "Graph", 0, True),
)
_VIEW = (
    CanvasCommand(
        "view.frame_all",
        "Show all",
        lambda view: view.frame_all(),
        ("Home",),
        "View",
        1,
        edits=False,
    ),
    CanvasCommand(
        "view.frame",
        "Show selection",
        lambda view: view.frame_selection(),
        ("F",),
        "View",
        1,
        edits=False,
    ),
    _walk("Up", "back", "before", "Go to the node above"),
    _walk("Down", "on", "after", "Go to the node below"),
    _walk("Left", "before", "back", "Go to the node at the left"),
    _walk("Right", "after", "on", "Go to the node at the right"),
)
_MOVE = (
    *_nudge("Left", -1, 0),
    *_nudge("Right", 1, 0),
    *_nudge("Up", 0, -1),
    *_nudge("Down", 0, 1),
)

ROWS: tuple[CanvasCommand, ...] = (
    *_EDIT,
    *_GRAPH,
    *wire_rows.ROWS,
    *block_rows.ROWS,
    *arrange_rows.ROWS,
    *_VIEW,
    *_MOVE,
)

UNDO = (
    CanvasCommand("canvas.undo", "Undo", lambda view: view.edit(view.past.undo), ("Ctrl+Z",)),
    CanvasCommand(
        "canvas.redo", "Redo", lambda view: view.edit(view.past.redo), ("Ctrl+Y", "Ctrl+Shift+Z")
    ),
)
"""For a canvas without a window: a window has its own undo."""
