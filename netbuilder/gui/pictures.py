"""Saving the graph, or what is selected of it, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from netbuilder.app.figures import texts
from netbuilder.app.figures.figure import figure
from netbuilder.errors import NetbuilderError
from netbuilder.gui.asking.dialogs import tell_error
from netbuilder.gui.canvas import picture
from netbuilder.storage import atomic

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow

Kind = picture.Kind | Literal["mmd", "tex"]
KINDS: tuple[Kind, ...] = (*picture.KINDS, "mmd", "tex")
_TITLES: Mapping[Kind, str] = {
    "pdf": "PDF, for papers",
    "svg": "SVG, for drawing programs",
    "png": "PNG, for chats",
    "mmd": "Mermaid, for Markdown",
    "tex": "TikZ, for LaTeX",
}


def ask_place(parent: QWidget, folder: Path, stem: str) -> tuple[Path, Kind] | None:
    """Where to save a picture and as what; None if the person doesn't want to."""
    filters = {f"{_TITLES[kind]} (*.{kind})": kind for kind in KINDS}
    start = str(folder / f"{stem}.pdf")
    chosen, kept = QFileDialog.getSaveFileName(parent, "Save a picture", start, ";;".join(filters))
    if not chosen:
        return None
    path = Path(chosen)
    named: dict[str, Kind] = {f".{kind}": kind for kind in KINDS}
    kind = named.get(path.suffix.lower())
    if kind is None:
        kind = filters.get(kept, "pdf")
        path = path.with_name(f"{path.name}.{kind}")
    return path, kind


def save_picture(window: MainWindow, *, selection: bool = False) -> None:
    """Ask for a file and put the shown graph, or what is selected of it, there."""
    session, bench = window.session, window.bench
    if session is None or bench is None:
        return
    scene = bench.canvas.canvas
    only = sorted(scene.selection) if selection else ()
    wanted = ask_place(window, bench.export_folder(), session.graph.name or "graph")
    if wanted is None:
        return
    path, kind = wanted
    QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
    try:
        if kind == "mmd" or kind == "tex":
            about = figure(session.document, session.graph, only)
            data = texts.WRITERS[kind](about).encode()
        else:
            data = picture.render(
                session.document, session.graph, scene.report, kind, only, values=scene.values()
            )
        atomic.write(path, data)
    except (NetbuilderError, OSError) as error:
        QGuiApplication.restoreOverrideCursor()
        tell_error(window, "The picture was not saved", error)
        return
    QGuiApplication.restoreOverrideCursor()
    window.status.say(f"Saved {path.name}")
