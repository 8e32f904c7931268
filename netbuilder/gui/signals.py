"""SIGINT, SIGTERM and SIGHUP end the window cleanly: at a logout nothing is lost."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication

ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Signals(QObject):
    """Turns the signals that ask for an end into one of the event loop, after calling `end`.

    Python runs its handlers only between bytecodes, which may be never while Qt waits: the
    signal also writes to a socket that the event loop watches.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        super().__init__()
        self._end = end
        self._read, self._write = socket.socketpair()
        for side in (self._read, self._write):
            side.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, self._ignore) for number in ENDING}
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._arrived)

    def _ignore(self, number: int, frame: FrameType | None) -> None:
        """The handler only has to be there: the socket tells the event loop."""

    def _arrived(self) -> None:
        try:
            numbers = self._read.recv(64)
        except BlockingIOError:
            return
        if any(number in ENDING for number in numbers):
            self._end()
            QApplication.quit()

    def restore(self) -> None:
        """Give the signals back to who had them."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._old_fd)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._read.close()
        self._write.close()
