"""What is compared: the open project with its file, with a run's, with another; or two files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from netbuilder.app.comparison import Comparison
from netbuilder.errors import DocumentError
from netbuilder.graph.document import Document
from netbuilder.gui.asking.dialogs import tell_error
from netbuilder.gui.comparing.following import follow
from netbuilder.gui.comparing.window import ComparisonWindow
from netbuilder.storage import files

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow

NOW = "Now"


def with_run(window: MainWindow, run: Path) -> None:
    """The open project and the one that a run was trained with."""
    before = _load(window, run / "project.netb", f"The project of {run.name} can't be read")
    if before is not None:
        show(window, before, run.name)


def two_runs(window: MainWindow, earlier: Path, later: Path) -> None:
    """The projects that two runs were trained with."""
    found = [
        _load(window, run / "project.netb", f"The project of {run.name} can't be read")
        for run in (earlier, later)
    ]
    if found[0] is not None and found[1] is not None:
        show(window, found[0], earlier.name, found[1], later.name)


def with_saved(window: MainWindow) -> None:
    """The open project and what is in its file."""
    path = window.session.path if window.session is not None else None
    if path is None:
        return
    before = _load(window, path, f"{path.name} can't be read")
    if before is not None:
        show(window, before, f"{path.name} as saved")


def with_chosen(window: MainWindow) -> None:
    """Ask for a file that the open project is compared with; of two, those are compared."""
    session = window.session
    start = str(session.path.parent) if session is not None and session.path else str(Path.home())
    chosen, _ = QFileDialog.getOpenFileNames(
        window, "Compare with a project, or two with each other", start, "Projects (*.netb)"
    )
    paths = [Path(each) for each in chosen[:2]]
    found = [_load(window, path, f"{path.name} can't be read") for path in paths]
    documents = [document for document in found if document is not None]
    if not documents or len(documents) < len(paths):
        return
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        names = [f"{path.parent.name}/{path.name}" for path in paths]
    if len(documents) == 2:
        show(window, documents[0], names[0], documents[1], names[1])
    elif window.has_project():
        show(window, documents[0], names[0])
    else:
        window.status.say("Choose two files, or open a project first.", "warning")


def show(
    window: MainWindow,
    before: Document,
    name: str,
    after: Document | None = None,
    after_name: str = NOW,
) -> None:
    """Open the window of a comparison; without `after` with the open project."""
    session, bench = window.session, window.bench
    if session is None or (after is None and bench is None):
        return
    comparison = Comparison(session, before, after)
    dialog = ComparisonWindow(comparison, (name, after_name), window)
    if after is None:
        follow(window, dialog)
    dialog.show()


def _load(window: MainWindow, path: Path, title: str) -> Document | None:
    try:
        return files.load(path)
    except DocumentError as error:
        tell_error(window, title, error)
        return None
