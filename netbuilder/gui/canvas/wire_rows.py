"""What the canvas can do with wires, as rows of its list."""

from __future__ import annotations

from netbuilder.gui.canvas.row import CanvasCommand

ROWS: tuple[CanvasCommand, ...] = (
    CanvasCommand(
        "wire.dot",
        "Add a reroute dot",
        lambda view: view.add_dot(),
        ("Shift+R",),
        "Graph",
        1,
        needs_selection=True,
    ),
    CanvasCommand(
        "wire.cut",
        "Cut wires by a line…",
        lambda view: view.start_cutting(),
        ("Shift+X",),
        "Graph",
        1,
    ),
    CanvasCommand(
        "wire.break",
        "Break wires",
        lambda view: view.disconnect_wires(),
        ("Alt+Del",),
        "Graph",
        1,
        needs_selection=True,
    ),
    CanvasCommand(
        "wire.take_out",
        "Take out of its wires",
        lambda view: view.take_out(),
        ("Alt+Backspace",),
        "Graph",
        1,
        needs_selection=True,
    ),
)
