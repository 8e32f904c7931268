"""Commands that explain, and the keys of all commands."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def commands(window: MainWindow) -> list[Command]:
    """The Help menu."""
    return [
        Command(
            "help.keys",
            "Keys and gestures",
            partial(_show_keys, window),
            ("F1",),
            "Help",
            icon="info",
        ),
        Command(
            "help.shortcuts",
            "Change keyboard shortcuts…",
            partial(_change_keys, window),
            ("Ctrl+Alt+K",),
            "Help",
        ),
        Command(
            "help.plugins",
            "Layers of installed packages…",
            window.own_code.show_plugins,
            menu="Help",
        ),
        Command(
            "help.trusted",
            "Forget trusted code…",
            window.own_code.show_trusted,
            menu="Help",
        ),
        Command("help.about", "About netbuilder", partial(_show_about, window), (), "Help", 1),
    ]


def _show_keys(window: MainWindow) -> None:
    from netbuilder.gui.help import KeysDialog

    KeysDialog(window.commands, window).open()


def _change_keys(window: MainWindow) -> None:
    from netbuilder.gui.asking.shortcuts_dialog import ShortcutsDialog

    ShortcutsDialog(window.habits.shortcuts, window).open()


def _show_about(window: MainWindow) -> None:
    from netbuilder.gui.help import about

    about(window)
