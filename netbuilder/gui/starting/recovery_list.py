"""What can be recovered, as a list on the start page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from netbuilder.gui.look.widgets import button, clear, column, label, row, set_tip

if TYPE_CHECKING:
    from netbuilder.storage.journal import Entry


class RecoveryList(QWidget):
    """`recover_wanted(entry)`, `discard_wanted(entry)`. Hidden while there is nothing."""

    recover_wanted = Signal(object)
    discard_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(8)
        head = label("Unsaved work that can be recovered", "heading")
        text = label(
            "netbuilder ended before these were saved. They stay here until you save them "
            "or discard them.",
            "muted",
            wrap=True,
        )
        layout = column(head, text, gap=4, margins=(0, 0, 0, 24))
        layout.addSpacing(8)
        layout.addLayout(self._rows)
        self.setLayout(layout)
        self.hide()

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """These and no others, in this order."""
        clear(self._rows)
        for entry in entries:
            self._rows.addWidget(self._row(entry))
        self.setVisible(bool(entries))

    def _row(self, entry: Entry) -> QFrame:
        frame = QFrame()
        frame.setObjectName(f"recovery.{entry.id}")
        frame.setProperty("role", "box")
        title = label(entry.title, "heading")
        facts = [when(entry.time), short(entry.path) if entry.path else "never saved"]
        if entry.opening:
            facts.append("netbuilder ended while it opened this")
        place = label("  ·  ".join(part for part in facts if part), "small", wrap=True)
        if entry.path is not None:
            set_tip(place, str(entry.path))
        recover = button("Recover", partial(self.recover_wanted.emit, entry), "primary")
        discard = button("Discard…", partial(self.discard_wanted.emit, entry))
        for choice in (recover, discard):
            choice.setAccessibleName(f"{choice.text()} {entry.title}")
            choice.setAutoDefault(True)
        line = row(gap=8, margins=(14, 10, 12, 10))
        line.addLayout(column(title, place, gap=2), 1)
        line.addWidget(discard, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(recover, 0, Qt.AlignmentFlag.AlignVCenter)
        frame.setLayout(line)
        return frame


def short(path: Path) -> str:
    """A path with `~` for the person's own folder."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)


def when(seconds: float, now: float | None = None) -> str:
    """A moment for people: the time of today, else the date too; empty if it is none."""
    try:
        moment, today = time.localtime(seconds), time.localtime(now)
        if seconds <= 0:
            return ""
        if moment[:3] == today[:3]:
            return time.strftime("today at %H:%M", moment)
        return time.strftime("%d %B %Y at %H:%M", moment)
    except (OverflowError, ValueError, OSError):
        return ""
