"""Commands that explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def commands(window: MainWindow) -> list[Command]:
    """The Help menu."""
    return [
        Command("help.keys", "Keys and gestures", window.show_keys, ("F1",), "Help", icon="info"),
        Command("help.about", "About netbuilder", window.show_about, (), "Help"),
    ]
