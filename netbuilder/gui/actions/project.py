"""Commands of whole projects: new, open, save, leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def commands(window: MainWindow) -> list[Command]:
    """The File menu."""
    has = window.has_project
    return [
        Command("file.new", "New", window.projects.new, ("Ctrl+N",), "File", icon="new", bar=True),
        Command(
            "file.open", "Open…", window.projects.open, ("Ctrl+O",), "File", icon="open", bar=True
        ),
        Command("file.start", "Start page", window.show_start, (), "File", icon="home"),
        Command(
            "file.save", "Save", window.projects.save, ("Ctrl+S",), "File", 1, "save", has, bar=True
        ),
        Command(
            "file.save_as",
            "Save as…",
            window.projects.save_as,
            ("Ctrl+Shift+S",),
            "File",
            1,
            "",
            has,
        ),
        Command("file.quit", "Quit", window.close, ("Ctrl+Q",), "File", 2),
    ]
