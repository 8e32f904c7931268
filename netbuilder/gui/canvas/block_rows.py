"""What the canvas can do with blocks, as rows of its list."""

from __future__ import annotations

from netbuilder.gui.canvas.row import CanvasCommand, later

ROWS: tuple[CanvasCommand, ...] = (
    CanvasCommand(
        "block.group",
        "Make a block of the selection",
        later("blocking", "group"),
        ("Ctrl+G",),
        "Graph",
        2,
        needs_selection=True,
    ),
    CanvasCommand(
        "block.ungroup",
        "Take the block apart",
        later("blocking", "ungroup"),
        ("Ctrl+Shift+G",),
        "Graph",
        2,
        needs_selection=True,
    ),
    CanvasCommand(
        "block.unique",
        "Make the block independent",
        later("blocking", "make_unique"),
        (),
        "Graph",
        2,
        needs_selection=True,
    ),
    CanvasCommand(
        "block.fold", "Fold repeated runs into blocks", later("blocking", "fold"), (), "Graph", 2
    ),
    CanvasCommand(
        "weights.share",
        "Share the weights of the first",
        later("blocking", "share"),
        (),
        "Graph",
        3,
        needs_selection=True,
    ),
    CanvasCommand(
        "weights.own",
        "Weights of its own",
        later("blocking", "unshare"),
        (),
        "Graph",
        3,
        needs_selection=True,
    ),
    CanvasCommand(
        "block.enter",
        "Open the block or network",
        later("blocking", "enter"),
        ("Ctrl+Down",),
        "Graph",
        2,
        needs_selection=True,
        edits=False,
    ),
    CanvasCommand(
        "block.leave",
        "Leave the block",
        later("blocking", "leave"),
        ("Ctrl+Up",),
        "Graph",
        2,
        edits=False,
    ),
)
