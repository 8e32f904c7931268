"""Commands of order: the graphs of a project, what stands where."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netbuilder.gui.actions.making import with_bench
from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.graph_tabs import GraphTabs
    from netbuilder.gui.main_window import MainWindow
    from netbuilder.gui.workbench import Workbench


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
        *_graphs(window),
        *_helps(window),
    ]


def _helps(window: MainWindow) -> list[Command]:
    """What helps to keep order, to switch on and off."""

    def toggle_map() -> None:
        if window.bench is not None:
            wanted = not window.bench.canvas.minimap.wanted
            window.bench.canvas.minimap.set_wanted(wanted)
            window.settings.update(minimap=wanted)

    def toggle_snapping() -> None:
        if window.bench is not None:
            window.bench.canvas.snapping = not window.bench.canvas.snapping
            window.settings.update(snapping=window.bench.canvas.snapping)

    return [
        Command(
            "view.minimap",
            "Map of the graph",
            toggle_map,
            menu="View",
            section=3,
            enabled=window.has_project,
            checked=lambda: window.bench is not None and window.bench.canvas.minimap.wanted,
        ),
        Command(
            "arrange.snapping",
            "Snap to other nodes",
            toggle_snapping,
            menu="Arrange",
            section=5,
            enabled=window.has_project,
            checked=lambda: window.bench is not None and window.bench.canvas.snapping,
        ),
        Command(
            "arrange.flow",
            lambda: f"Let data flow {_other_flow(window)}",
            with_bench(window, _turn),
            menu="Arrange",
            section=4,
            enabled=window.has_project,
        ),
    ]


def _turn(bench: Workbench) -> None:
    from netbuilder.gui.canvas.turning import turn

    turn(bench.canvas)


def _other_flow(window: MainWindow) -> str:
    flow = window.session.document.project.flow if window.session is not None else "down"
    return "right" if flow == "down" else "down"


def _graphs(window: MainWindow) -> list[Command]:
    """The tabs: what can be done with the project's graphs."""

    def tab(
        id: str, title: str, do: Callable[[GraphTabs], object], *keys: str, section: int = 9
    ) -> Command:
        run = with_bench(window, lambda bench: do(bench.tabs))
        return Command(id, title, run, keys, "Graph", section, enabled=window.has_project)

    return [
        tab("edit.network", "Add a network", lambda tabs: tabs.add("network")),
        tab("edit.step", "Add a training step", lambda tabs: tabs.add("step")),
        tab("graph.rename", "Rename the graph", lambda tabs: tabs.rename(), "Shift+F2"),
        tab("graph.duplicate", "Duplicate the graph", lambda tabs: tabs.duplicate()),
        tab("graph.left", "Move the graph left", lambda tabs: tabs.shift(-1), "Ctrl+Shift+PgUp"),
        tab("graph.right", "Move the graph right", lambda tabs: tabs.shift(1), "Ctrl+Shift+PgDown"),
        tab("graph.remove", "Remove the graph", lambda tabs: tabs.remove()),
        tab("graph.next", "Next graph", lambda tabs: tabs.go(1), "Ctrl+PgDown", section=10),
        tab("graph.previous", "Graph before", lambda tabs: tabs.go(-1), "Ctrl+PgUp", section=10),
    ]
