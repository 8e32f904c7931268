"""Why the chosen run ended before its time, in a line under the bar."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from netbuilder.app import run_ends
from netbuilder.app.run_rows import RunRow
from netbuilder.gui.look.widgets import set_role


class Verdict(QLabel):
    """Empty and hidden for a run that fared well."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("run.verdict")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setWordWrap(True)
        self.setContentsMargins(12, 0, 12, 4)
        set_role(self, "error")
        self.hide()

    def show_run(self, run: RunRow | None) -> None:
        """Tell of this run; None tells nothing."""
        bad = run is not None and run.status in run_ends.BAD
        text = " ".join(run_ends.why(run.path)).strip() if run is not None and bad else ""
        self.setText(text)
        self.setVisible(bool(text))
