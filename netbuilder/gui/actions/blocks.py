"""Commands of blocks that are no rows of the canvas: a new one, the end of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.errors import ChangeError
from netbuilder.gui.actions.making import with_bench
from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow
    from netbuilder.gui.workbench import Workbench


def commands(window: MainWindow) -> list[Command]:
    """In the Graph menu."""

    def in_block() -> bool:
        bench = window.bench
        return bench is not None and window.has_project() and bench.session.graph.kind == "block"

    return [
        Command(
            "block.new",
            "Add a block",
            with_bench(window, lambda bench: bench.tabs.add("block")),
            menu="Graph",
            section=9,
            enabled=window.has_project,
        ),
        Command(
            "block.remove",
            "Remove the block with its uses",
            with_bench(window, _remove),
            menu="Graph",
            section=9,
            enabled=in_block,
        ),
    ]


def _remove(bench: Workbench) -> None:
    from netbuilder.graph import blocks

    session = bench.session
    if session.graph.kind == "block":
        try:
            blocks.remove(session.history, session.graph, with_uses=True)
        except ChangeError as error:
            bench.message.emit(str(error), "warning")
