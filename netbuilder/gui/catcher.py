"""What happens to errors that nobody caught: a message, a line in the log, and life goes on."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from netbuilder.gui.asking.dialogs import Message

log = logging.getLogger(__name__)
PER_SECOND = 5
"""How often in a second the same error is written to the log."""
KINDS = 200
"""Different errors that are told apart."""


class ErrorCatcher(QObject):
    """Shows what nobody caught and keeps the window alive.

    Installed as `sys.excepthook`: PySide calls it for an exception in any slot or event.
    Each error is shown once; when it comes again it is counted and logged only, so that a
    fault in painting can bury neither the window under messages nor the disk under its log.
    """

    caught = Signal(str, str)

    def __init__(
        self,
        window: Callable[[], QWidget | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._window = window
        self._clock = clock
        self._showing = False
        self._shown: set[str] = set()
        self._recent: dict[str, tuple[float, int]] = {}
        """By error, the beginning of its second and how often it came since."""
        self.caught.connect(self._later)

    def __call__(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        # Not its words: those may differ each time that one line fails.
        key = f"{kind.__name__} at {_place(trace) or error}"
        details = "".join(traceback.format_exception(kind, error, trace))
        self._log(key, details)
        if key not in self._shown and len(self._shown) < KINDS:
            self._shown.add(key)
            self.caught.emit(f"{kind.__name__}: {error}", details)

    def _log(self, key: str, details: str) -> None:
        now = self._clock()
        began, count = self._recent.get(key, (now, 0))
        if now - began >= 1.0:
            if count > PER_SECOND:
                log.error("the same %d times more: %s", count - PER_SECOND, key)
            began, count = now, 0
        if len(self._recent) >= KINDS and key not in self._recent:
            self._recent.clear()
        self._recent[key] = began, count + 1
        if count < PER_SECOND:
            log.error("unexpected error\n%s", details)

    def _later(self, text: str, details: str) -> None:
        # A dialog can't open inside of a paint event: wait until the event is over.
        if not self._showing:
            self._showing = True
            QTimer.singleShot(0, self, lambda: self._show(text, details))

    def _show(self, text: str, details: str) -> None:
        try:
            Message(
                self._window(),
                "Something went wrong in netbuilder",
                f"{text}\n\nThe project is still open, and unsaved work is kept for recovery; "
                "save it before you go on.",
                details=details,
            ).ask()
        finally:
            self._showing = False


def _place(trace: TracebackType | None) -> str:
    """File and line where it was raised."""
    frames = traceback.extract_tb(trace)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
