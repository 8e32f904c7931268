"""What the window does with projects: new ones, opening, saving, leaving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from netbuilder.errors import DocumentError, NetbuilderError

if TYPE_CHECKING:
    from netbuilder.app.session import Session
    from netbuilder.app.settings import SettingsStore


class House(Protocol):
    """What projects need of the main window."""

    @property
    def settings(self) -> SettingsStore: ...
    @property
    def session(self) -> Session | None: ...
    def require_session(self) -> Session: ...
    def show_project(self) -> None: ...


class Projects(QObject):
    """The use cases over whole projects, with the questions that belong to them."""

    def __init__(self, window: QWidget, house: House) -> None:
        """`house` is the window itself, seen as what projects need of it."""
        super().__init__(window)
        self._window = window
        self._house = house

    def new(self) -> None:
        """A new empty project."""
        self._replace(lambda session: session.new())

    def open_template(self, id: str) -> None:
        """A new project from a template."""
        self._replace(lambda session: session.new(id))

    def open(self) -> None:
        """Ask for a project and open it."""
        from netbuilder.gui.dialogs import ask_open

        recents = self._house.settings.value.recents
        path = ask_open(self._window, Path(recents[0]).parent if recents else Path.home())
        if path is not None:
            self.open_path(path)

    def open_path(self, path: Path) -> bool:
        """Open a project; a message says why it can't be."""
        opened = self._replace(lambda session: session.open(path), path)
        if opened:
            self._house.settings.remember(Path(path))
        return opened

    def _replace(self, load: Callable[[Session], None], path: Path | None = None) -> bool:
        """Put another project into the session, unless the person wants to keep this one."""
        from netbuilder.gui.dialogs import tell_error

        session = self._house.require_session()
        if not self.may_leave():
            return False
        try:
            load(session)
        except NetbuilderError as error:
            name = f"'{path.name}' can't be opened" if path else "That can't be opened"
            tell_error(self._window, name, error)
            return False
        self._house.show_project()
        return True

    def save(self) -> bool:
        """Save the project, asking for a file if it has none. Whether it is saved now."""
        session = self._house.require_session()
        return self.save_to(session.path) if session.path else self.save_as()

    def save_as(self) -> bool:
        """Ask for a file and save there."""
        from netbuilder.graph.rules import identifier
        from netbuilder.gui.dialogs import ask_save_path

        session = self._house.require_session()
        name = f"{identifier(session.document.project.title, 'project').lower()}.netb"
        path = ask_save_path(self._window, session.path or Path.home() / name)
        return path is not None and self.save_to(path)

    def save_to(self, path: Path) -> bool:
        """Save to this file; a message says why that was not possible."""
        from netbuilder.gui.dialogs import tell_error

        try:
            self._house.require_session().save(path)
        except (DocumentError, OSError) as error:
            tell_error(self._window, "The project was not saved", error)
            return False
        return True

    def may_leave(self) -> bool:
        """Asks what to do with unsaved changes; False to stay."""
        from netbuilder.gui.dialogs import ask_save

        session = self._house.session
        if session is None or not session.dirty:
            return True
        answer = ask_save(self._window, session.document.project.title)
        return answer is False or (answer is True and self.save())
