"""Commands of blocks: make, enter, leave, take apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def commands(window: MainWindow) -> list[Command]:
    """In the Graph menu."""
    return []
