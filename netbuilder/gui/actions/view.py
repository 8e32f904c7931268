"""Commands of what is seen: panels, docks, zoom, colours."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal

from PySide6.QtWidgets import QApplication

from netbuilder.gui.actions.making import with_bench, with_focus
from netbuilder.gui.commands import Command
from netbuilder.gui.look import theme

if TYPE_CHECKING:
    from netbuilder.gui.focus import FocusRing
    from netbuilder.gui.main_window import MainWindow


def commands(window: MainWindow) -> list[Command]:
    """The View menu."""
    has = window.has_project

    def panel(name: str, title: str, key: str) -> Command:
        run = with_bench(window, lambda bench: bench.show_panel(name))
        return Command(f"view.{name}", title, run, (key,), "View", 2, enabled=has)

    def dock(name: str, title: str) -> Command:
        return Command(
            f"view.dock.{name}",
            title,
            lambda: window.toggle_dock(name),
            menu="View",
            section=3,
            enabled=has,
            checked=lambda: window.dock_shown(name),
        )

    return [
        Command(
            "view.commands",
            "Find a command…",
            partial(_show_commands, window),
            ("Ctrl+K",),
            "View",
            0,
            "search",
        ),
        Command(
            "view.life_size",
            "Zoom to 100 %",
            with_bench(window, lambda bench: bench.canvas.set_zoom(1.0)),
            ("Ctrl+0",),
            "View",
            1,
            enabled=has,
        ),
        panel("problems", "Problems", "Ctrl+1"),
        panel("code", "Code", "Ctrl+2"),
        panel("data", "Data", "Ctrl+3"),
        panel("training", "Training", "Ctrl+4"),
        panel("runs", "Runs", "Ctrl+5"),
        panel("use", "Use", "Ctrl+7"),
        Command(
            "view.outline",
            "Outline",
            partial(_show_outline, window),
            ("Ctrl+6",),
            "View",
            2,
            enabled=has,
        ),
        *_focus(window),
        dock("palette", "Show the palette"),
        dock("outline", "Show the outline"),
        dock("inspector", "Show the inspector"),
        dock("panels", "Show the panels below"),
        Command(
            "view.reset",
            "Put panels back in place",
            with_bench(window, lambda bench: bench.docks.reset()),
            menu="View",
            section=3,
            enabled=has,
        ),
        Command(
            "view.theme",
            lambda: "Light colours" if theme.current().name == "dark" else "Dark colours",
            partial(_toggle_theme, window),
            menu="View",
            section=4,
            icon="theme",
        ),
    ]


def _focus(window: MainWindow) -> list[Command]:
    """Where the keys go."""
    has = window.has_project

    def to(id: str, title: str, keys: str, do: Callable[[FocusRing], object]) -> Command:
        run = with_focus(window, do)
        return Command(f"view.{id}", title, run, (keys,), "View", 5, enabled=has)

    return [
        to("next_panel", "Go to the next panel", "F6", lambda ring: ring.step(1)),
        to("last_panel", "Go to the panel before", "Shift+F6", lambda ring: ring.step(-1)),
        to("form", "Go to the parameters", "F4", lambda ring: ring.edit_parameters()),
    ]


def _show_outline(window: MainWindow) -> None:
    """The outline, with the keys in it."""
    if window.bench is not None and window.focus is not None:
        window.bench.docks["outline"].show()
        window.focus.enter(window.bench.outline)


def _show_commands(window: MainWindow) -> None:
    """The list of all commands."""
    from netbuilder.gui.command_list import CommandList

    window.commands.refresh()
    CommandList(window.commands, window, window.settings.value.recent_commands).open()


def _toggle_theme(window: MainWindow) -> None:
    """From dark to light or back, and remember it."""
    mode: Literal["light", "dark"] = "light" if theme.current().name == "dark" else "dark"
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply_theme(app, mode)
    window.settings.update(theme=mode)
    window.commands.refresh()
