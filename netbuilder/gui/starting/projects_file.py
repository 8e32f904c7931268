"""Watches over the open project's file: other windows, other programs, newer versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from netbuilder.app.project_file import ChangedOnDisk, ReadOnlyFile
from netbuilder.errors import DocumentError
from netbuilder.gui.training.watching import FileWatch

if TYPE_CHECKING:
    from netbuilder.app.session import Session
    from netbuilder.gui.starting.projects import House, Projects


class FileGuard(QObject):
    """Tells in banners what is the matter with the file, and settles conflicts at a save."""

    def __init__(self, window: QWidget, house: House, projects: Projects) -> None:
        super().__init__(projects)
        self._window = window
        self._house = house
        self._projects = projects
        self._watch = FileWatch(self)
        self._watch.suspected.connect(self.look)

    def end(self) -> None:
        """The window closes: look no more."""
        self._watch.watch(None)

    def opened(self) -> None:
        """Another file belongs to the session, or it was written just now."""
        session = self._session()
        self._watch.watch(session.path)
        self._house.banners.take("changed", "readonly")
        if session.file.read_only:
            self._tell_read_only(session)

    def _session(self) -> Session:
        return self._house.require_session()

    def _name(self) -> str:
        path = self._session().path
        return path.name if path is not None else ""

    # -- looking -------------------------------------------------------------------------

    def look(self) -> None:
        """See whether the file is as we know it, and say so if it is not."""
        session = self._house.session
        if session is None or session.path is None:
            return
        if session.file.read_only == "in use" and session.file.claim():
            self._house.banners.take("readonly")
            self._house.status.say(f"{self._name()} can be saved again.")
        match session.file.look():
            case "same":
                self._house.banners.take("changed")
            case "changed":
                self._tell_changed(session)
            case "gone":
                self._house.banners.say(
                    "changed",
                    f"{self._name()} is not there any more: it was moved, deleted, or its disk "
                    "is gone. The project is still open.",
                    (("Save it again", self._projects.save), ("Save as…", self._projects.save_as)),
                    "warning",
                )

    def _tell_changed(self, session: Session) -> None:
        reload = ("Reload", self._projects.reload)
        mine = ("Keep mine", self.keep_mine)
        compare = ("Compare", self._projects.compare_wanted.emit)
        if not session.dirty:
            text = f"{self._name()} was changed by another program."
            self._house.banners.say("changed", text, (reload, mine, compare), "warning")
            return
        self._house.banners.say(
            "changed",
            f"{self._name()} was changed by another program, and you have changes of your own.",
            (mine, reload, ("Save mine elsewhere…", self._projects.save_as), compare),
            "warning",
        )

    def _tell_read_only(self, session: Session) -> None:
        copy = ("Save a copy…", self._projects.save_as)
        if session.file.read_only == "newer":
            self._house.banners.say(
                "readonly",
                f"A newer netbuilder wrote {self._name()}. What this one does not know is kept "
                "but not shown, and the file is not changed: save a copy.",
                (copy,),
                "warning",
            )
        else:
            self._house.banners.say(
                "readonly",
                f"{self._name()} is open in another window of netbuilder. What you change here "
                "can only be saved as a copy.",
                (copy, ("Try again", self.look)),
                "warning",
            )

    # -- settling ------------------------------------------------------------------------

    def keep_mine(self) -> None:
        """What is on the disk is not wanted: the next save replaces it."""
        from netbuilder.app.session import NEVER

        session = self._session()
        try:
            session.file.accept()
        except DocumentError as error:
            self._house.status.say(str(error), "error")
            return
        session.history.mark_saved(NEVER)
        session.history.changed()
        self._house.banners.take("changed")

    def settle(self, error: ChangedOnDisk) -> bool:
        """At a save, the file turned out to be another's: ask. Whether it is saved now."""
        from netbuilder.gui.asking.dialogs import ask_changed

        match ask_changed(self._window, error):
            case "mine":
                return self._projects.save_to(self._path(), force=True)
            case "reload":
                self._projects.reload()
            case "elsewhere":
                return self._projects.save_as()
        return False

    def save_copy(self, error: ReadOnlyFile) -> bool:
        """At a save, the file turned out to be not ours to write. Whether it is saved now."""
        from netbuilder.gui.asking.dialogs import ask_save_copy

        may_force = self._session().file.read_only == "newer"
        match ask_save_copy(self._window, error, overwrite=may_force):
            case "copy":
                return self._projects.save_as()
            case "overwrite":
                return self._projects.save_to(self._path(), force=True)
        return False

    def _path(self) -> Path:
        path = self._session().path
        assert path is not None
        return path
