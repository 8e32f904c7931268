"""Commands of training and export."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


_LOOKS = {
    "find_lr": "Find a learning rate…",
    "find_batch": "Find a batch size…",
    "tune": "Measure ways to compute…",
    "weigh_classes": "Weigh classes by how rare they are…",
}


def where_to_train(window: MainWindow) -> None:
    """Choose the computer that trains."""
    from netbuilder.gui.asking.worker_dialog import WorkerDialog

    WorkerDialog(window.settings, window).open()


def commands(window: MainWindow) -> list[Command]:
    """The Run menu."""
    run = window.runner
    return [
        Command(
            "run.train",
            "Train",
            run.train,
            ("Ctrl+Return", "F5"),
            "Run",
            icon="play",
            enabled=run.can_train,
            obstacle=run.obstacle,
            bar=True,
            text_in_bar=True,
            primary=True,
        ),
        Command(
            "run.pause",
            lambda: "Resume" if run.goes_on() else "Pause",
            run.pause,
            ("Ctrl+P",),
            "Run",
            icon="pause",
            enabled=run.can_pause,
            bar=True,
        ),
        Command(
            "run.stop",
            lambda: "Force stop" if run.stops_by_force() else "Stop",
            run.stop,
            ("Ctrl+.",),
            "Run",
            icon="stop",
            enabled=run.can_stop,
            bar=True,
        ),
        *(
            Command(
                f"run.{what}",
                title,
                partial(run.look, what),
                (),
                "Run",
                2,
                enabled=run.can_train,
                obstacle=run.obstacle,
            )
            for what, title in _LOOKS.items()
        ),
        Command(
            "run.export",
            "Export…",
            run.export,
            ("Ctrl+E",),
            "Run",
            1,
            "export",
            window.has_project,
            bar=True,
            text_in_bar=True,
        ),
        Command(
            "run.train_folds",
            "Train all folds",
            run.train_folds,
            (),
            "Run",
            2,
            enabled=lambda: not run.no_folds(),
            obstacle=run.no_folds,
        ),
        Command(
            "run.verify_resume",
            "Verify resume",
            run.verify_resume,
            (),
            "Run",
            2,
            enabled=run.can_train,
            obstacle=run.obstacle,
        ),
        Command(
            "run.where",
            "Where to train…",
            lambda: where_to_train(window),
            (),
            "Run",
            3,
        ),
        Command(
            "run.restart",
            "Restart the worker",
            run.restart_worker,
            (),
            "Run",
            3,
            enabled=lambda: run.worker == "dead",
            obstacle=lambda: "It runs already.",
        ),
    ]
