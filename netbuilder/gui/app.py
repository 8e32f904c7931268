"""The program with a window: the application, its first paint, and a clean end."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from netbuilder.app.places import last_look
from netbuilder.gui.look import theme
from netbuilder.gui.main_window import MainWindow

if TYPE_CHECKING:
    from netbuilder.app.starts import Start
    from netbuilder.gui.signals import Signals

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


def log_to(folder: Path) -> None:
    """Keep warnings and errors in a file, for the day when somebody asks what happened."""
    from logging.handlers import RotatingFileHandler

    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "netbuilder.log", maxBytes=1_000_000, backupCount=2, encoding="utf-8"
        )
        handler.setLevel(logging.WARNING)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        # A full disk loses a line of the log and stops nothing.
        handler.handleError = lambda record: None  # type: ignore[method-assign]
        logging.getLogger("netbuilder").addHandler(handler)


class Running:
    """What the program sets up once the window has painted, and takes down at its end."""

    def __init__(self, window: MainWindow, path: Path | None) -> None:
        self._window = window
        self._path = path
        self._signals: Signals | None = None
        self._hook = sys.excepthook
        self._start: Start | None = None

    def begin(self) -> None:
        """Say how long it took if that was asked, else load what the window needs next."""
        if os.environ.get(EXIT_AFTER_PAINT):
            took = seconds_since_start()
            import json

            print(json.dumps({"first_paint_s": round(took, 4)}), flush=True)
            self._window.end()
            QApplication.quit()
            return
        from netbuilder.app.places import home
        from netbuilder.app.starts import Start
        from netbuilder.gui.catcher import ErrorCatcher
        from netbuilder.gui.signals import Signals
        from netbuilder.gui.starting import last_start

        window = self._window
        log_to(home("state") / "log")
        sys.excepthook = ErrorCatcher(lambda: window if window.isVisible() else None)
        self._signals = Signals(lambda: window.end(hurry=True))
        self._start = Start(home("state"))
        ends = self._start.begin()
        window.projects.opening = self._start.opening
        window.prepare()
        window.own_code.load_plugins()
        last_start.tell(window, window.banners, ends)
        if self._path is not None and last_start.may_open(window, self._path, ends):
            window.open_path(self._path)

    def finish(self) -> None:
        """Put back what was there before."""
        sys.excepthook = self._hook
        if self._start is not None:
            self._start.end()
        if self._signals is not None:
            self._signals.restore()


def collect_less() -> None:
    """Let Python look for garbage less often: with thousands of nodes each look is a pause."""
    gc.set_threshold(20_000, 20, 20)


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
    collect_less()
    look = last_look()
    theme.apply_theme(app, look.theme)
    window = MainWindow()
    if look.geometry:
        window.restoreGeometry(QByteArray.fromBase64(look.geometry.encode()))
    files = [argument for argument in arguments if not argument.startswith("-")]
    path = Path(files[0]) if files else None
    running = Running(window, path)
    window.painted.connect(running.begin)
    window.show()
    try:
        return app.exec()
    finally:
        running.finish()
        window.end()
        window.deleteLater()
