"""A file that git could not merge: said when it is opened, settled in a window of its own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from netbuilder.app import git_stages
from netbuilder.app.git_stages import Unmerged
from netbuilder.app.merging import Merging
from netbuilder.errors import DocumentError
from netbuilder.graph.disputed import disputed
from netbuilder.gui.asking.dialogs import tell_error
from netbuilder.gui.background import in_background
from netbuilder.gui.comparing.following import follow
from netbuilder.gui.comparing.merge_window import MergeWindow

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow

BANNER = "merge"


def look(window: MainWindow) -> None:
    """Once the project is on the screen, say whether git waits for somebody to settle it."""
    session = window.session
    path = session.path if session is not None else None
    if path is not None and git_stages.kept_by_git(path):
        QTimer.singleShot(0, window, lambda: _look(window, path))


def _look(window: MainWindow, path: Path) -> None:
    session = window.session
    if session is None or session.path != path:
        return
    now = session.document.copy()

    def ask() -> int | None:
        found = git_stages.unmerged(path)
        return None if found is None else len(disputed(found.base, found.theirs, now))

    left: int | None = None
    with suppress(DocumentError):
        # Who asks for the merge is told what is wrong with it.
        left = in_background(ask)
    if left is None or window.session is not session or session.path != path:
        return
    things = {0: "Nothing", 1: "1 thing"}.get(left, f"{left} things")
    were = "was" if left < 2 else "were"
    window.banners.say(
        BANNER,
        f"git is merging {path.name}. {things} {were} changed by both sides"
        + (f" and {'is' if left == 1 else 'are'} as ours now." if left else "."),
        (("Resolve", lambda: open(window)), ("Later", lambda: window.banners.take(BANNER))),
        "warning" if left else "info",
    )


def open(window: MainWindow) -> None:
    """Show what both sides changed of the open project's file."""
    session = window.session
    path = session.path if session is not None else None
    if session is None or path is None:
        return
    try:
        found = in_background(lambda: git_stages.unmerged(path))
    except DocumentError as error:
        tell_error(window, f"{path.name} can't be merged here", error)
        return
    if found is None:
        window.banners.take(BANNER)
        window.status.say(f"git has nothing to settle in {path.name}.", "warning")
        return
    show(window, found, path)


def show(window: MainWindow, found: Unmerged, path: Path) -> None:
    """The window of a merge; it closes when git was told."""
    session = window.require_session()
    theirs = f"Theirs: {found.subject}" if found.subject else "Theirs"
    dialog = MergeWindow(Merging(session, found), (theirs, f"{path.name}, ours"), window)
    dialog.resolved.connect(lambda: _resolve(window, dialog, path))
    follow(window, dialog)
    dialog.show()


def _resolve(window: MainWindow, dialog: MergeWindow, path: Path) -> None:
    session = window.session
    if session is None or session.path != path or not window.projects.save_to(path):
        return
    try:
        in_background(lambda: git_stages.settled(path))
    except DocumentError as error:
        tell_error(dialog, f"{path.name} is saved, but not marked as resolved", error)
        return
    window.banners.take(BANNER)
    dialog.close()
    window.status.say(f"{path.name} is saved and marked as resolved in git.")
