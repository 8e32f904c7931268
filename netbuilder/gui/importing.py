"""The window makes a project of a model of others: chosen, or dropped on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog

from netbuilder.errors import NetbuilderError

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
    """Ask where the project goes, write it there, and open it."""
    chosen, _ = QFileDialog.getSaveFileName(
        window,
        f"Save the project of {model.name}",
        str(model.with_suffix(".netb")),
        "netbuilder projects (*.netb)",
    )
    if not chosen:
        return
    out = Path(chosen)
    out = out if out.suffix == ".netb" else out.with_name(f"{out.name}.netb")
    session = window.require_session()
    window.status.say(f"Importing {model.name}…")

    def done(answer: dict[str, Any] | NetbuilderError) -> None:
        if window.session is not session:
            return
        if isinstance(answer, NetbuilderError):
            window.status.say(f"{answer} {answer.hint}".strip(), "error")
        elif window.open_path(out):
            window.status.say(*_told(model, answer))

    session.bring_in(model.absolute(), out.absolute(), done)


def _told(model: Path, answer: dict[str, Any]) -> tuple[str, str]:
    if answer["verified"]:
        return f"{model.name} is imported and computes the same", "info"
    missing = ", ".join(entry["op"] for entry in answer["unsupported"][:5])
    why = f"there is no layer for {missing}" if missing else "see the notes of the command import"
    return f"{model.name} is imported, but not verified: {why}", "warning"
