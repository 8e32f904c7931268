"""Commands of training and export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def commands(window: MainWindow) -> list[Command]:
    """The Run menu."""
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
