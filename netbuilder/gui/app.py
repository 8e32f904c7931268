"""The program with a window: the application, its first paint, and a clean end."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from PySide6.QtCore import (
    QMessageLogContext,
    QObject,
    QSocketNotifier,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from netbuilder.gui import theme
from netbuilder.gui.main_window import MainWindow

EXIT_AFTER_PAINT = "NETBUILDER_EXIT_AFTER_FIRST_PAINT"
NO_DISPLAY = (
    "netbuilder can't open a window: there is no display, or Qt lacks a library for it.\n"
    "Everything but the window works on the command line, see 'netbuilder --help'."
)
log = logging.getLogger("netbuilder.gui")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
}


def seconds_since_start() -> float:
    """Seconds since the operating system started this process."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, ValueError, AttributeError):
        import psutil

        return time.time() - float(psutil.Process().create_time())


def _no_display() -> bool:
    """Whether there is plainly no display; what Qt finds out later ends in `_on_qt_message`."""
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return False
    return not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Qt's own messages go to the log; a fatal one in words instead of an abort."""
    if kind == QtMsgType.QtFatalMsg:
        if QApplication.instance() is None or "platform plugin" in message:
            print(f"{NO_DISPLAY}\n({message.splitlines()[0]})", file=sys.stderr, flush=True)
            os._exit(2)
        print(message, file=sys.stderr, flush=True)
        return
    log.log(_LEVELS.get(kind, logging.WARNING), "Qt: %s", message)


class Signals(QObject):
    """Turns SIGINT and SIGTERM into a clean end of the event loop.

    Python runs its handlers only between bytecodes, which may be never while Qt waits: the
    signal also writes to a socket that the event loop watches.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self._window = window
        self._read, self._write = socket.socketpair()
        for end in (self._read, self._write):
            end.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._old = {
            number: signal.signal(number, self._ignore)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._arrived)

    def _ignore(self, number: int, frame: FrameType | None) -> None:
        """The handler only has to be there: the socket tells the event loop."""

    def _arrived(self) -> None:
        try:
            numbers = self._read.recv(64)
        except BlockingIOError:
            return
        if any(number in (signal.SIGINT, signal.SIGTERM) for number in numbers):
            self._window.end()
            QApplication.quit()

    def restore(self) -> None:
        """Give the signals back to who had them."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._old_fd)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._read.close()
        self._write.close()


def _begin(window: MainWindow, path: Path | None, started: float | None) -> None:
    """The window has painted: say when, or load what it needs next."""
    if started is not None:
        print(json.dumps({"first_paint_s": round(seconds_since_start(), 4)}), flush=True)
        window.end()
        QApplication.quit()
        return
    window.prepare()
    if path is not None:
        window.open_path(path)


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window, perhaps on a project; the exit code once it is closed."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if _no_display():
        print(NO_DISPLAY, file=sys.stderr)
        return 2
    qInstallMessageHandler(_on_qt_message)
    app = QApplication([sys.argv[0] or "netbuilder"])
    app.setApplicationName("netbuilder")
    app.setDesktopFileName("netbuilder")
    window = MainWindow()
    theme.apply_theme(app, _mode(window))
    window.restore_place()
    files = [argument for argument in arguments if not argument.startswith("-")]
    path = Path(files[0]) if files else None
    measuring = 0.0 if os.environ.get(EXIT_AFTER_PAINT) else None
    window.painted.connect(lambda: _begin(window, path, measuring))
    signals = Signals(window)
    hook = sys.excepthook
    window.show()
    from netbuilder.gui.dialogs import ErrorCatcher

    sys.excepthook = ErrorCatcher(lambda: window if window.isVisible() else None)
    try:
        return app.exec()
    finally:
        sys.excepthook = hook
        signals.restore()
        window.end()
        window.deleteLater()


def _mode(window: MainWindow) -> theme.Mode:
    return window.settings.value.theme
