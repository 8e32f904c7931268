"""The status bar: the last notice, problems, zoom, the worker and the device it works on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QStatusBar, QToolButton

from netbuilder.errors import Problem, counts
from netbuilder.gui.look.widgets import label, set_role, set_tip

NOTICE_MS = 8000
_STATES = {
    "off": "worker off",
    "starting": "worker starting",
    "loading": "loading PyTorch",
    "ready": "ready",
    "restarting": "worker restarting",
    "dead": "worker stopped",
}


class StatusBar(QStatusBar):
    """`problems_wanted`, `restart_wanted`: the person clicked the count, or the button that
    is there while the worker is gone."""

    problems_wanted = Signal()
    restart_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.notice = label("")
        self.problems = QToolButton()
        self.problems.setAutoRaise(True)
        self.problems.clicked.connect(self.problems_wanted)
        self.zoom = label("")
        self.worker = label("worker off")
        self.restart = QToolButton()
        self.restart.setText("Restart")
        set_tip(self.restart, "Start the worker again: it works out shapes and trains")
        self.restart.clicked.connect(self.restart_wanted)
        self.device = label("")
        self.addWidget(self.notice, 1)
        for part in (self.problems, self.zoom, self.device, self.worker, self.restart):
            self.addPermanentWidget(part)
        self.restart.hide()
        self._fade = QTimer(self)
        self._fade.setSingleShot(True)
        self._fade.timeout.connect(lambda: self.say(""))
        self._next = self._said = ""

    def say(self, text: str, severity: str = "info") -> None:
        """A sentence that goes after some seconds; errors stay."""
        self.notice.setText(text or self._next)
        set_tip(self.notice, self.notice.text())
        set_role(self.notice, {"error": "error", "warning": "warning"}.get(severity, ""))
        self._said = text
        self._fade.stop()
        if text and severity != "error":
            self._fade.start(NOTICE_MS)

    def show_next(self, step: str) -> None:
        """What is to be done next; it stands where the notices do while there is none."""
        self._next = f"Next: {step}" if step else ""
        if not self._said:
            self.say("")

    def show_problems(self, problems: Sequence[Problem] | None) -> None:
        """How many there are; None while it is not known."""
        self.problems.setVisible(problems is not None)
        if problems is None:
            self.problems.setText("")
            return
        self.problems.setText("  ".join(counts(problems)) or "no problems")

    def show_worker(self, state: str, text: str = "") -> None:
        """What the worker does; `text` says more."""
        self.worker.setText(text if state == "ready" and text else _STATES.get(state, state))
        set_tip(self.worker, text)
        set_role(self.worker, "error" if state == "dead" else "")
        self.restart.setVisible(state == "dead")

    def show_zoom(self, factor: float) -> None:
        """The zoom of the canvas, 1 for life size."""
        self.zoom.setText(f"{factor:.0%}")

    def show_device(self, text: str) -> None:
        """What a training would compute on, with its memory."""
        self.device.setText(text)

    def show_run_device(self, id: str) -> None:
        """What a training computes on, by its id: it may have been told to take another one."""
        if id == "cpu" and not self.device.text().startswith("CPU"):
            self.device.setText("CPU")
