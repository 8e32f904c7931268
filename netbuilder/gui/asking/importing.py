"""The window makes a project of a model of others: chosen, or dropped on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from netbuilder.app.events import ReportArrived, SessionEvent
from netbuilder.errors import DocumentError

if TYPE_CHECKING:
    from netbuilder.app.session import Session
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
    from netbuilder.gui.asking.import_dialog import ImportDialog

    session = window.require_session()
    dialog = ImportDialog(session, model, window)

    def opened(out: Path) -> None:
        if window.session is session and window.open_path(out):
            window.status.say(f"{model.name} is imported")
            _lay_out_once_known(window, session)
            dialog.raise_()

    dialog.imported.connect(opened)
    dialog.open()


def _lay_out_once_known(window: MainWindow, session: Session) -> None:
    """How wide nodes are follows from what is found out about them: wires are straight then.

    An import can't measure texts. Nothing is moved if somebody has edited meanwhile.
    """
    opened = session.path

    def hear(event: SessionEvent) -> None:
        if not isinstance(event, ReportArrived):
            return
        forget()
        untouched = session.path == opened and not session.dirty and not session.history.undo_title
        if window.session is not session or window.bench is None or not untouched:
            return
        from netbuilder.gui.canvas import turning

        turning.lay_out(window.bench.canvas)
        try:
            session.save()
        except DocumentError as error:
            window.status.say(f"{error} {error.hint}".strip(), "warning")

    forget = session.subscribe(hear)
