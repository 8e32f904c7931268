"""The window makes a project of a model of others: chosen, or dropped on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from netbuilder.app.events import ReportArrived, SessionEvent
from netbuilder.errors import DocumentError, NetbuilderError

if TYPE_CHECKING:
    from netbuilder.app.session import Session
    from netbuilder.gui.asking.import_dialog import Answer
    from netbuilder.gui.main_window import MainWindow

BANNER = "import"


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
    window.banners.take(BANNER)

    def opened(out: Path) -> None:
        if window.session is session and window.open_path(out):
            window.status.say(f"{model.name} is imported")
            _lay_out_once_known(window, session)
            dialog.raise_()

    def late(answer: Answer, out: Path) -> None:
        if window.session is not session:
            return
        # Where somebody edits it, the window tells that the file is another one now.
        drawn_anew = not isinstance(answer, NetbuilderError) and answer.get("redrawn")
        if drawn_anew and session.path == out and not session.dirty and window.open_path(out):
            _lay_out_once_known(window, session)
        _tell(window, model.name, answer)

    dialog = ImportDialog(session, model, late, window)
    dialog.imported.connect(opened)
    dialog.open()


def _tell(window: MainWindow, name: str, answer: Answer) -> None:
    """How a comparison went whose dialog is closed; what did not hold stays until it is read."""
    if isinstance(answer, NetbuilderError):
        reason = f"{answer} {answer.hint}".strip()
    elif answer.get("verified"):
        error = answer.get("max_rel_error")
        most = "" if error is None else f"; largest relative error {error:.1e}"
        window.status.say(f"Compared: the project computes what {name} does{most}")
        return
    else:
        reason = " ".join(answer.get("notes") or ()) or "The project can't be run as it is."
    text = f"{name} is imported, but not verified. {reason}"
    window.banners.say(BANNER, text, (("Close", lambda: window.banners.take(BANNER)),), "warning")


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
