"""Every command of the window, in the order of its menus."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netbuilder.gui import theme
from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow
    from netbuilder.gui.workbench import Workbench

MENUS = ("File", "Edit", "View", "Run", "Help")
BAR = (
    ("file.new", "file.open", "file.save"),
    ("edit.undo", "edit.redo"),
    ("run.train", "run.pause", "run.stop"),
    ("run.export",),
)


def commands(window: MainWindow) -> list[Command]:
    """The commands; each asks the window for its state when it is shown or run."""
    return [*_file(window), *_edit(window), *_view(window), *_run(window), *_help(window)]


def _file(window: MainWindow) -> list[Command]:
    has = window.has_project
    return [
        Command("file.new", "New", window.new, ("Ctrl+N",), "File", icon="new", bar=True),
        Command("file.open", "Open…", window.open, ("Ctrl+O",), "File", icon="open", bar=True),
        Command("file.start", "Start page", window.show_start, (), "File", icon="home"),
        Command("file.save", "Save", window.save, ("Ctrl+S",), "File", 1, "save", has, bar=True),
        Command("file.save_as", "Save as…", window.save_as, ("Ctrl+Shift+S",), "File", 1, "", has),
        Command("file.quit", "Quit", window.close, ("Ctrl+Q",), "File", 2),
    ]


def _bench(window: MainWindow, do: Callable[[Workbench], object]) -> Callable[[], object]:
    def run() -> object:
        return do(window.bench) if window.bench is not None else None

    return run


def _edit(window: MainWindow) -> list[Command]:
    has, some = window.has_project, window.has_selection

    def canvas(
        id: str,
        title: str,
        shortcut: str,
        section: int,
        do: Callable[[Workbench], object],
        enabled: Callable[[], bool] = some,
    ) -> Command:
        keys = (shortcut,) if shortcut else ()
        run = _bench(window, do)
        return Command(
            f"edit.{id}", title, run, keys, "Edit", section, enabled=enabled, on_canvas=True
        )

    return [
        Command(
            "edit.undo",
            lambda: f"Undo {window.undo_title() or ''}".strip(),
            window.undo,
            ("Ctrl+Z",),
            "Edit",
            icon="undo",
            enabled=lambda: window.undo_title() is not None,
            bar=True,
        ),
        Command(
            "edit.redo",
            lambda: f"Redo {window.redo_title() or ''}".strip(),
            window.redo,
            ("Ctrl+Y", "Ctrl+Shift+Z"),
            "Edit",
            icon="redo",
            enabled=lambda: window.redo_title() is not None,
            bar=True,
        ),
        canvas("cut", "Cut", "Ctrl+X", 1, lambda bench: bench.canvas.cut()),
        canvas("copy", "Copy", "Ctrl+C", 1, lambda bench: bench.canvas.copy()),
        canvas("paste", "Paste", "Ctrl+V", 1, lambda bench: bench.canvas.paste(), has),
        canvas(
            "paste_wired",
            "Paste keeping incoming wires",
            "Ctrl+Shift+V",
            1,
            lambda bench: bench.canvas.paste(keep_inputs=True),
            has,
        ),
        canvas("duplicate", "Duplicate", "Ctrl+D", 1, lambda bench: bench.canvas.duplicate()),
        canvas("delete", "Delete", "Del", 1, lambda bench: bench.canvas.delete()),
        canvas(
            "delete_reconnect",
            "Delete and reconnect",
            "Ctrl+Del",
            1,
            lambda bench: bench.canvas.delete(reconnect=True),
        ),
        canvas("all", "Select all", "Ctrl+A", 2, lambda bench: bench.canvas.select_all(), has),
        canvas("rename", "Rename", "F2", 2, lambda bench: bench.canvas.rename()),
        canvas("add", "Add a layer…", "Tab", 3, lambda bench: bench.canvas.start_add(), has),
        canvas("tidy", "Tidy", "L", 3, lambda bench: bench.canvas.tidy(), has),
        Command(
            "edit.network",
            "Add a network",
            _bench(window, lambda bench: bench.tabs.add("network")),
            menu="Edit",
            section=4,
            enabled=has,
        ),
        Command(
            "edit.step",
            "Add a training step",
            _bench(window, lambda bench: bench.tabs.add("step")),
            menu="Edit",
            section=4,
            enabled=has,
        ),
    ]


def _view(window: MainWindow) -> list[Command]:
    has = window.has_project

    def panel(name: str, title: str, key: str) -> Command:
        run = _bench(window, lambda bench: bench.show_panel(name))
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

    def frame(id: str, title: str, key: str, do: Callable[[Workbench], object]) -> Command:
        run = _bench(window, do)
        return Command(f"view.{id}", title, run, (key,), "View", 1, enabled=has, on_canvas=True)

    return [
        Command(
            "view.commands",
            "Find a command…",
            window.show_commands,
            ("Ctrl+K",),
            "View",
            0,
            "search",
        ),
        frame("frame_all", "Show all", "Home", lambda bench: bench.canvas.frame_all()),
        frame("frame", "Show selection", "F", lambda bench: bench.canvas.frame_selection()),
        Command(
            "view.life_size",
            "Zoom to 100 %",
            _bench(window, lambda bench: bench.canvas.set_zoom(1.0)),
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
        dock("palette", "Show the palette"),
        dock("inspector", "Show the inspector"),
        dock("panels", "Show the panels below"),
        Command(
            "view.reset",
            "Put panels back in place",
            _bench(window, lambda bench: bench.reset_layout()),
            menu="View",
            section=3,
            enabled=has,
        ),
        Command(
            "view.theme",
            lambda: "Light colours" if theme.current().name == "dark" else "Dark colours",
            window.toggle_theme,
            menu="View",
            section=4,
            icon="theme",
        ),
    ]


def _run(window: MainWindow) -> list[Command]:
    return [
        Command(
            "run.train",
            "Train",
            window.train,
            ("Ctrl+Return", "F5"),
            "Run",
            icon="play",
            enabled=window.can_train,
            bar=True,
            text_in_bar=True,
            primary=True,
        ),
        Command(
            "run.pause",
            lambda: "Resume" if window.run_status() == "paused" else "Pause",
            window.pause,
            ("Ctrl+P",),
            "Run",
            icon="pause",
            enabled=lambda: window.run_status() in ("running", "paused"),
            bar=True,
        ),
        Command(
            "run.stop",
            "Stop",
            window.session_stop,
            ("Ctrl+.",),
            "Run",
            icon="stop",
            enabled=lambda: window.run_status() in ("starting", "running", "paused"),
            bar=True,
        ),
        Command(
            "run.export",
            "Export…",
            window.export,
            ("Ctrl+E",),
            "Run",
            1,
            "export",
            window.has_project,
            bar=True,
            text_in_bar=True,
        ),
    ]


def _help(window: MainWindow) -> list[Command]:
    return [
        Command("help.keys", "Keys and gestures", window.show_keys, ("F1",), "Help", icon="info"),
        Command("help.about", "About netbuilder", window.show_about, (), "Help"),
    ]
