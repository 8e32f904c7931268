"""Commands of order: the graphs of a project, what stands where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.actions.making import with_bench
from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def commands(window: MainWindow) -> list[Command]:
    """The Arrange menu, and the graphs in the Graph menu."""
    return [
        Command(
            "edit.find",
            "Find a node…",
            with_bench(window, lambda bench: bench.finder.open()),
            ("Ctrl+F",),
            "Edit",
            2,
            enabled=window.has_project,
        ),
        Command(
            "edit.network",
            "Add a network",
            with_bench(window, lambda bench: bench.tabs.add("network")),
            menu="Graph",
            section=9,
            enabled=window.has_project,
        ),
        Command(
            "edit.step",
            "Add a training step",
            with_bench(window, lambda bench: bench.tabs.add("step")),
            menu="Graph",
            section=9,
            enabled=window.has_project,
        ),
    ]
