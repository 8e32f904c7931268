"""The rows of `canvas.keys` as commands of the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netbuilder.gui.actions.making import with_bench
from netbuilder.gui.canvas.row import CanvasCommand
from netbuilder.gui.canvas.rows import ROWS
from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def commands(window: MainWindow) -> list[Command]:
    """What acts on the canvas alone."""
    return [_command(window, row) for row in ROWS]


def _command(window: MainWindow, row: CanvasCommand) -> Command:
    return Command(
        row.id,
        row.title,
        with_bench(window, lambda bench: row.run(bench.canvas)),
        row.keys,
        row.menu,
        row.section,
        enabled=_possible(window, row),
        on_canvas=True,
    )


def _possible(window: MainWindow, row: CanvasCommand) -> Callable[[], bool]:
    def possible() -> bool:
        bench = window.bench
        return bench is not None and window.has_project() and row.possible(bench.canvas)

    return possible
