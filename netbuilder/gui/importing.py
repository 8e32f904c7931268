"""The window makes a project of a model of others: chosen, or dropped on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def choose(window: MainWindow) -> None:
    """Ask for an ONNX file or an exported program."""
    chosen, _ = QFileDialog.getOpenFileName(
        window, "Import", str(Path.home()), "Models (*.onnx *.pt2)"
    )
    if chosen:
        bring(window, Path(chosen))


def bring(window: MainWindow, model: Path) -> None:
    """Show where the project goes, write it there, and open it."""
    from netbuilder.gui.import_dialog import ImportDialog

    session = window.require_session()
    dialog = ImportDialog(session, model, window)

    def opened(out: Path) -> None:
        if window.session is session and window.open_path(out):
            window.status.say(f"{model.name} is imported")
            dialog.raise_()

    dialog.imported.connect(opened)
    dialog.open()
