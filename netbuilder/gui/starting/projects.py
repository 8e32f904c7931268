"""What the window does with projects: new ones, opening, saving, leaving, recovering."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from netbuilder.errors import DocumentError, NetbuilderError
from netbuilder.gui.banner import BannerArea
from netbuilder.gui.starting.recovery import Recovery

if TYPE_CHECKING:
    from netbuilder.app.events import SessionEvent
    from netbuilder.app.session import Session
    from netbuilder.app.settings import SettingsStore
    from netbuilder.gui.starting.projects_file import FileGuard
    from netbuilder.gui.starting.start_page import StartPage
    from netbuilder.gui.status import StatusBar
    from netbuilder.storage.journal import Entry


class House(Protocol):
    """What projects need of the main window."""

    banners: BannerArea
    start: StartPage
    status: StatusBar

    @property
    def settings(self) -> SettingsStore: ...
    @property
    def session(self) -> Session | None: ...
    def require_session(self) -> Session: ...
    def show_project(self) -> None: ...
    def show_start(self) -> None: ...
    def has_project(self) -> bool: ...


class Projects(QObject):
    """The use cases over whole projects, with the questions that belong to them."""

    compare_wanted = Signal()
    """The open project is to be seen beside what is in its file."""

    def __init__(self, window: QWidget, house: House) -> None:
        """`house` is the window itself, seen as what projects need of it."""
        super().__init__(window)
        self._window = window
        self._house = house
        self._guard: FileGuard | None = None
        self.recovery = Recovery(lambda: house.session, self)
        self.recovery.warned.connect(lambda text: house.status.say(text, "warning"))
        self.opening: Callable[[str], None] = lambda path: None
        """Told what is being opened, and an empty text once it is on the screen."""
        house.start.recovery.recover_wanted.connect(self.recover)
        house.start.recovery.discard_wanted.connect(self.discard)

    # -- following -----------------------------------------------------------------------

    def prepare(self) -> None:
        """After the first paint: show what can be recovered."""
        self._house.start.recovery.show_entries(self.recovery.entries())

    @property
    def guard(self) -> FileGuard:
        """Who watches over the open project's file."""
        if self._guard is None:
            from netbuilder.gui.starting.projects_file import FileGuard

            self._guard = FileGuard(self._window, self._house, self)
        return self._guard

    def hear(self, event: SessionEvent) -> None:
        """What the session tells."""
        from netbuilder.app import events

        match event:
            case events.ProjectOpened():
                self.recovery.replaced()
                self._house.banners.take("recovered", "recover")
                self.guard.opened()
            case events.ProjectSaved():
                self.recovery.saved()
                self._house.banners.take("recovered", "recover")
                self.guard.opened()
            case events.HistoryMoved():
                self.recovery.edited()

    def end(self, *, keep: bool, timeout_s: float = 10.0) -> None:
        """The window closes; with `keep`, unsaved work stays to be recovered."""
        if self._guard is not None:
            self._guard.end()
        self.recovery.end(keep=keep, timeout_s=timeout_s)

    # -- opening ---------------------------------------------------------------------------

    def new(self) -> None:
        """A new empty project."""
        self._replace(lambda session: session.new())

    def new_kind(self, kind: str) -> None:
        """A new project of a kind of training; see `app.kinds`."""
        self._replace(lambda session: session.new(kind=kind))

    def open_template(self, id: str) -> None:
        """A new project from a template."""
        self._replace(lambda session: session.new(id))

    def new_with_data(self, template: str, proposal: Mapping[str, Any]) -> bool:
        """A new project on proposed data, from a template or without any; whether it is open."""
        if template:
            return self._replace(lambda session: session.new(template, proposal=proposal))

        def begin(session: Session) -> None:
            session.new()
            session.data.take(proposal)

        return self._replace(begin)

    def open(self) -> None:
        """Ask for a project and open it."""
        from netbuilder.gui.asking.dialogs import ask_open

        recents = self._house.settings.value.recents
        path = ask_open(self._window, Path(recents[0]).parent if recents else Path.home())
        if path is not None:
            self.open_path(path)

    def open_path(self, path: Path) -> bool:
        """Open a project; a message says why it can't be."""
        from netbuilder.gui.background import in_background

        path = Path(path)
        opened = self._replace(lambda session: session.open(path, run=in_background), path)
        if opened:
            self._house.settings.remember(path)
            self._offer_recovery(path)
        return opened

    def open_run(self, run: Path) -> bool:
        """The exact project of a run, as a new one; a message says why it can't be shown."""
        from netbuilder.gui.background import in_background

        return self._replace(
            lambda session: session.open_run(run, run=in_background), run / "project.netb"
        )

    def reload(self) -> None:
        """Open the project's file anew; what is not in it is lost."""
        session = self._house.require_session()
        if session.path is not None:
            path = session.path
            self._load(lambda session: session.open(path), path)

    def has_file(self) -> bool:
        """Whether the project has been saved somewhere."""
        session = self._house.session
        return session is not None and session.path is not None and self._house.has_project()

    def can_revert(self) -> bool:
        """Whether there is a saved version that differs."""
        session = self._house.session
        return session is not None and session.path is not None and session.dirty

    def revert(self) -> None:
        """Give up what was edited since the last save, after a question."""
        from netbuilder.gui.asking.dialogs import ask_revert

        if self.can_revert() and ask_revert(self._window):
            self.reload()

    def _replace(self, load: Callable[[Session], None], path: Path | None = None) -> bool:
        """Put another project into the session, unless the person wants to keep this one."""
        return self.may_leave() and self._load(load, path)

    def _load(self, load: Callable[[Session], None], path: Path | None = None) -> bool:
        self.opening(str(path) if path else "")
        session = self._house.require_session()
        try:
            load(session)
        except NetbuilderError as error:
            self.opening("")
            self._not_opened(error, path)
            return False
        if self._house.session is not session:
            return False  # the program was asked to end meanwhile
        self._house.show_project()
        # Once the events under way are through, the project is on the screen.
        QTimer.singleShot(0, self, lambda: self.opening(""))
        return True

    def _not_opened(self, error: NetbuilderError, path: Path | None) -> None:
        from netbuilder.gui.asking.dialogs import ask_recover_instead, tell_error

        title = f"'{path.name}' can't be opened" if path else "That can't be opened"
        entry = self.recovery.entry_of(path) if path else None
        if path is not None and not path.exists() and entry is None:
            self._not_there(path, title, error)
        elif entry is None:
            tell_error(self._window, title, error)
        elif ask_recover_instead(self._window, title, error):
            self.recover(entry)

    def _not_there(self, path: Path, title: str, error: NetbuilderError) -> None:
        """A file that is gone needs no place among the recent ones, if the person agrees."""
        from netbuilder.gui.asking.dialogs import ask_forget, tell_error

        settings = self._house.settings
        if str(path) not in settings.value.recents:
            tell_error(self._window, title, error)
        elif ask_forget(self._window, title, error):
            settings.forget(str(path))
            self._house.start.show_recents(settings.value.recents)

    # -- saving and leaving ------------------------------------------------------------------

    def save(self) -> bool:
        """Save the project, asking for a file if it has none. Whether it is saved now."""
        session = self._house.require_session()
        return self.save_to(session.path) if session.path else self.save_as()

    def save_as(self) -> bool:
        """Ask for a file and save there."""
        from netbuilder.graph.rules import identifier
        from netbuilder.gui.asking.dialogs import ask_save_path

        session = self._house.require_session()
        path = session.path
        if path is None:
            name = identifier(session.document.project.title, "project").lower()
            path = Path.home() / f"{name}.netb"
        elif session.file.read_only:
            path = path.with_stem(f"{path.stem}-copy")
        chosen = ask_save_path(self._window, path)
        return chosen is not None and self.save_to(chosen)

    def save_to(self, path: Path, *, force: bool = False) -> bool:
        """Save to this file; a message says why that was not possible, and what else is."""
        from netbuilder.app.project_file import ChangedOnDisk, ReadOnlyFile
        from netbuilder.gui.asking.dialogs import ask_save_elsewhere
        from netbuilder.gui.background import in_background

        try:
            self._house.require_session().save(path, force=force, run=in_background)
        except ChangedOnDisk as error:
            return self.guard.settle(error)
        except ReadOnlyFile as error:
            return self.guard.save_copy(error)
        except (DocumentError, OSError) as error:
            elsewhere = ask_save_elsewhere(self._window, "The project was not saved", error)
            return elsewhere and self.save_as()
        return True

    def may_leave(self) -> bool:
        """Asks what to do with unsaved changes; False to stay."""
        from netbuilder.gui.asking.dialogs import ask_save

        session = self._house.session
        if session is None or not session.dirty:
            return True
        kept = self.recovery.recovered
        answer = ask_save(self._window, session.document.project.title, kept=kept)
        return answer is False or (answer is True and self.save())

    # -- recovering --------------------------------------------------------------------------

    def _offer_recovery(self, path: Path) -> None:
        """A file is open that there is unsaved work on."""
        from netbuilder.gui.starting.recovery_list import when

        entry = self.recovery.entry_of(path)
        if entry is None:
            return
        moment = when(entry.time)
        self._house.banners.say(
            "recover",
            f"There is unsaved work on {path.name}{f' from {moment}' if moment else ''}.",
            (
                ("Recover", lambda: self.recover(entry)),
                ("Discard…", lambda: self.discard(entry)),
                ("Later", lambda: self._house.banners.take("recover")),
            ),
        )

    def recover(self, entry: Entry) -> bool:
        """Go on with unsaved work; whether it is open now."""
        from netbuilder.gui.asking.dialogs import tell_error

        if not self.may_leave():
            return False
        self._house.require_session()
        try:
            slot = self.recovery.recover(entry)
        except DocumentError as error:
            tell_error(self._window, f"'{entry.title}' can't be recovered", error)
            self.prepare()
            return False
        self._house.show_project()
        QTimer.singleShot(0, self, lambda: slot.mark_opening(False))
        self.prepare()
        self._house.banners.say(
            "recovered",
            f"Recovered: {entry.title}. It is not in a file yet; save it to keep it.",
            (("Save", self.save), ("Save as…", self.save_as)),
        )
        self.guard.look()
        return True

    def discard(self, entry: Entry) -> None:
        """Throw unsaved work away, after a question."""
        from netbuilder.gui.asking.dialogs import ask_discard

        if ask_discard(self._window, entry.title):
            self.recovery.discard(entry)
            self._house.banners.take("recover")
            self.prepare()
