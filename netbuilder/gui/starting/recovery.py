"""Keeps unsaved work a moment after each edit, and brings back what was left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from netbuilder.errors import DocumentError

if TYPE_CHECKING:
    from netbuilder.app.recovery import Keeper
    from netbuilder.app.session import Session
    from netbuilder.storage.journal import Entry, Slot

DELAY_MS = 700
"""From the first edit that is not kept to keeping it; writing takes the rest of a second."""


class Recovery(QObject):
    """The journal of one window. `warned` hears when work can't be kept."""

    warned = Signal(str)

    def __init__(self, session: Callable[[], Session | None], parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._kept: Keeper | None = None
        self._state = 0
        """The state of the history that was kept last."""
        self.recovered = False
        """The open project was recovered, and was not saved since."""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.keep_now)

    @property
    def keeper(self) -> Keeper:
        """What writes, made when it is first needed."""
        if self._kept is None:
            from netbuilder.app.places import home
            from netbuilder.app.recovery import Keeper
            from netbuilder.storage.journal import Journal

            self._kept = Keeper(Journal(home("state") / "recovery"), self.warned.emit)
        return self._kept

    # -- keeping -------------------------------------------------------------------------

    def edited(self) -> None:
        """The history moved: what is not saved is kept within a second."""
        session = self._session()
        if session is None:
            return
        if not session.dirty:
            self._timer.stop()
            self._drop()
        elif session.history.state != self._state and not self._timer.isActive():
            self._timer.start()

    def keep_now(self) -> None:
        """Hand the present document over to be kept."""
        self._timer.stop()
        session = self._session()
        if session is not None and session.dirty:
            self._state = session.history.state
            self.keeper.keep(session.document.copy(), session.path, session.file.base)

    def saved(self) -> None:
        """The work is safe in its file."""
        self.recovered = False
        self._drop()

    def replaced(self) -> None:
        """Another project is open: the person has decided about the last one."""
        self._timer.stop()
        if self.recovered and self._kept is not None:
            self._kept.leave()
        else:
            self._drop()
        self.recovered, self._state = False, 0

    def _drop(self) -> None:
        self._state = 0
        if self._kept is not None:
            self._kept.drop()

    def end(self, *, keep: bool, timeout_s: float = 10.0) -> None:
        """The window closes. With `keep`, unsaved work stays to be recovered."""
        if keep:
            self.keep_now()
        elif not self.recovered:
            self._drop()
        self._timer.stop()
        if self._kept is not None:
            self._kept.close(timeout_s)

    # -- bringing back -------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """What can be recovered, the newest first."""
        return self.keeper.journal.entries()

    def entry_of(self, path: Path) -> Entry | None:
        """The newest unsaved work on this file, if there is some."""
        return next(iter(self.keeper.journal.entries(Path(path).absolute())), None)

    def recover(self, entry: Entry) -> Slot:
        """Put the work into the session; `DocumentError` says why that is not possible.

        The work stays in the journal until it is saved. The caller says by `mark_opening`
        of the result when the project is on the screen.
        """
        from netbuilder.storage import format

        session, slot = self._session(), self.keeper.journal.claim(entry.id)
        assert session is not None
        if slot is None:
            raise DocumentError("Another window of netbuilder is recovering this.")
        try:
            held, text = slot.read()
            slot.mark_opening(True)
            document = format.loads(text)
        except DocumentError:
            slot.release()
            raise
        session.recover(document, held.path, held.base)
        self.keeper.go_on(slot)
        self.recovered, self._state = True, session.history.state
        self._timer.stop()
        return slot

    def discard(self, entry: Entry) -> None:
        """Throw kept work away."""
        slot = self.keeper.journal.claim(entry.id)
        if slot is not None:
            slot.discard()
