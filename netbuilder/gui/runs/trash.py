"""Deleting runs: the question, the line that offers to put them back, and the trash."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from netbuilder.app import run_care
from netbuilder.app.run_care import Deleted
from netbuilder.app.run_rows import RunRow
from netbuilder.errors import RunError
from netbuilder.gui.look.widgets import label, link, row


class Trash(QWidget):
    """The line; shown while something can be put back. `changed`: runs came or went."""

    changed = Signal()
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._deleted: list[Deleted] = []
        self._said = label("", "muted")
        self.undo = link("Undo", self._restore)
        self.setLayout(row(self._said, self.undo, None, margins=(12, 2, 8, 4)))
        self.hide()

    @property
    def offers(self) -> bool:
        """Whether something was deleted that can be put back here."""
        return bool(self._deleted)

    def forget(self) -> None:
        """Offer nothing more."""
        self._deleted = []
        self.hide()

    def delete(self, runs: Sequence[RunRow]) -> None:
        """Ask, and put runs into the trash."""
        from netbuilder.gui.asking.dialogs import Message

        if not runs:
            return
        name = runs[0].name if len(runs) == 1 else f"{len(runs)} runs"
        text = (
            "What was learnt goes with it, into the folder .trash beside the runs. "
            "It can be put back until the trash is emptied."
        )
        if Message(self.parentWidget(), f"Delete {name}?", text, ("Delete", "Keep")).ask() != 0:
            return
        refusals = []
        deleted: list[Deleted] = []
        for run in runs:
            try:
                deleted.append(run_care.delete(run.path))
            except RunError as error:
                refusals.append(f"{error} {error.hint}".strip())
        if deleted:
            self._deleted = deleted
            gone = deleted[0].run.name if len(deleted) == 1 else f"{len(deleted)} runs"
            self._said.setText(f"Deleted {gone}.")
            self.show()
        if refusals:
            self.refused.emit(" ".join(refusals))
        self.changed.emit()

    def _restore(self) -> None:
        deleted = self._deleted
        self.forget()
        for each in deleted:
            try:
                run_care.restore(each)
            except RunError as error:
                self.refused.emit(f"{error} {error.hint}".strip())
        self.changed.emit()

    def empty(self, folder: Path) -> None:
        """Ask, and remove all that was deleted in a folder."""
        from netbuilder.gui.asking.dialogs import Message

        count = len(run_care.in_trash(folder))
        text = "This can't be undone."
        title = f"Remove {count} deleted run{'s' * (count > 1)} for good?"
        if Message(self.parentWidget(), title, text, ("Remove", "Keep")).ask() == 0:
            run_care.empty_trash(folder)
            self.forget()
            self.changed.emit()
