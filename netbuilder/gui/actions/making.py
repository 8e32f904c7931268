"""How the modules of commands write theirs down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netbuilder.gui.focus import FocusRing
    from netbuilder.gui.main_window import MainWindow
    from netbuilder.gui.workbench import Workbench


def with_bench(window: MainWindow, do: Callable[[Workbench], object]) -> Callable[[], object]:
    """What a command does with the workbench, if there is one by then."""

    def run() -> object:
        return do(window.bench) if window.bench is not None else None

    return run


def with_focus(window: MainWindow, do: Callable[[FocusRing], object]) -> Callable[[], object]:
    """What a command does with the panels' ring, if there is a workbench by then."""

    def run() -> object:
        return do(window.focus) if window.focus is not None else None

    return run
