"""The window takes weights of a file for the open project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog

from netbuilder.graph import edits

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def choose(window: MainWindow) -> None:
    """Ask for a file of weights, then show what would be taken of it."""
    from netbuilder.gui.asking.weights_dialog import SUFFIXES

    session = window.session
    if session is None or not _saved(window):
        return
    kinds = " ".join(f"*{suffix}" for suffix in SUFFIXES)
    start = str(session.path.parent) if session.path else ""
    chosen, _ = QFileDialog.getOpenFileName(
        window, "Take weights from", start, f"Weights ({kinds});;All files (*)"
    )
    if chosen:
        show(window, Path(chosen))


def show(window: MainWindow, path: Path) -> None:
    """Show what would be taken of a file."""
    from netbuilder.gui.asking.weights_dialog import WeightsDialog

    session = window.session
    if session is None or not _saved(window) or session.path is None:
        return
    networks = [graph.name for graph in session.document.of_kind("network")]
    folder = session.path.parent.absolute()
    dialog = WeightsDialog(session, path.absolute(), folder, networks, window)

    def taken(network: str, entry: dict[str, Any]) -> None:
        if window.session is not session:
            return
        weights = {**session.document.project.weights, network: entry}
        edits.set_project(session.history, f"Take weights from {path.name}", weights=weights)
        window.status.say(f"'{network}' begins with the weights of {path.name}")

    dialog.taken.connect(taken)
    dialog.open()


def _saved(window: MainWindow) -> bool:
    """Weights lie beside their project: it must have a place."""
    session = window.session
    if session is not None and session.path is None:
        window.status.say("Save the project first: weights lie beside it.", "warning")
        return False
    return True
