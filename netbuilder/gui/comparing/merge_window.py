"""The window of a merge: what both sides changed, theirs beside the open project."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from netbuilder.app.merging import Merging
from netbuilder.graph.difference import Row
from netbuilder.gui.comparing.window import ComparisonWindow, name_of
from netbuilder.gui.look.widgets import button, set_tip


class MergeWindow(ComparisonWindow):
    """`resolved()`: the person is done, the project is to be saved and git to be told."""

    resolved = Signal()

    def __init__(
        self, merging: Merging, names: tuple[str, str], parent: QWidget | None = None
    ) -> None:
        self.merging = merging
        super().__init__(merging, names, parent)
        self.setWindowTitle(f"Merge of {names[1]}")

    def _empty(self) -> tuple[str, str]:
        return "Nothing is left", "All is as theirs, or was changed here alone. Save it to finish."

    def _deeds(self) -> list[QPushButton]:
        self.take = button("Take theirs", self._take_one)
        set_tip(self.take, "Let it be as in theirs. One step to undo. Alt+T")
        self.keep = button("Keep ours", self._keep_one)
        set_tip(self.keep, "Let it stay as it is here, and go to the next. Alt+K")
        self.take_all = button("All theirs", self._take_all)
        set_tip(self.take_all, "Let all that is left be as in theirs. One step to undo.")
        self.keep_all = button("All ours", self._keep_all)
        set_tip(self.keep_all, "Let all that is left stay as it is here.")
        return [self.take, self.keep, self.take_all, self.keep_all]

    def _last(self) -> list[QPushButton]:
        self.resolve = button("Save and mark resolved", self.resolved.emit, "primary")
        set_tip(self.resolve, "Save the project and tell git that this file is merged: git add.")
        return [self.resolve, button("Close", self.close)]

    def _shortcuts(self) -> None:
        super()._shortcuts()
        self._key("Alt+T", self.take.click)
        self._key("Alt+K", self.keep.click)

    def _show_rows(self) -> None:
        self.list.show_rows(self.rows, self.merging.words, self.merging.is_kept)

    def _ready(self) -> None:
        super()._ready()
        chosen, left = self._chosen(), self.merging.left
        kept = bool(chosen) and self.merging.is_kept(chosen[0])
        self.keep.setText("Ask again" if kept else "Keep ours")
        self.keep.setEnabled(bool(chosen))
        for each in (self.take_all, self.keep_all):
            each.setEnabled(bool(left))
        self.resolve.setEnabled(not left)

    # -- deeds ---------------------------------------------------------------------------

    def _title(self, chosen: Row) -> str:
        return f"Take theirs of {name_of(chosen)}"

    def _take_all(self) -> None:
        self.merging.take(self.merging.left, "Take all of theirs")

    def _keep_one(self) -> None:
        for row in self._chosen():
            kept = not self.merging.is_kept(row)
            self.merging.keep([row], kept=kept)
            if kept and self.merging.left:
                self._go_to_left()

    def _go_to_left(self) -> None:
        """Be at the next row that waits."""
        number, at = len(self.rows), self.list.at
        for step in range(1, number + 1):
            if not self.merging.is_kept(self.rows[(at + step) % number]):
                self.list.go_to(at + step)
                return

    def _keep_all(self) -> None:
        self.merging.keep(self.merging.left)
