"""Tests of the window: one application without a display, and nothing left behind.

A test fails if Qt warns, if netbuilder logs a warning, or if it leaves a top-level widget,
a running timer or a thread.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QMessageLogContext,
    QTimer,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from netbuilder.gui.look import theme
from tests.gui.window_hand import WindowHand

HARMLESS = (
    # What the offscreen platform can't do, whatever the program does.
    "This plugin does not support",
)

LONGEST_QUESTION_MS = 90_000


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    app = QApplication.instance() or QApplication(["netbuilder"])
    assert isinstance(app, QApplication)
    theme.apply_theme(app, "dark")
    return app


class Stray:
    """What nobody expected to hear; a test that expects something takes it out."""

    def __init__(self) -> None:
        self.qt: list[str] = []
        self.logs: list[str] = []
        self.errors: list[str] = []


class _Collector(logging.Handler):
    def __init__(self, stray: Stray) -> None:
        super().__init__(logging.WARNING)
        self._stray = stray

    def emit(self, record: logging.LogRecord) -> None:
        self._stray.logs.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def stray(qapp: QApplication) -> Iterator[Stray]:
    """Fails the test for Qt's warnings, stray logs and exceptions in slots."""
    heard = Stray()

    def on_message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if kind != QtMsgType.QtDebugMsg and not text.startswith(HARMLESS):
            heard.qt.append(text)

    def on_error(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        heard.errors.append(f"{kind.__name__}: {error}")

    handler = _Collector(heard)
    old, old_hook = qInstallMessageHandler(on_message), sys.excepthook
    sys.excepthook = on_error
    logging.getLogger().addHandler(handler)
    yield heard
    logging.getLogger().removeHandler(handler)
    sys.excepthook = old_hook
    qInstallMessageHandler(old)
    assert heard.errors == []
    assert heard.qt == []
    assert heard.logs == []


def settle() -> None:
    """Handle all events, deletions included."""
    for _ in range(3):
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _running_timers() -> list[QTimer]:
    return [item for item in gc.get_objects() if type(item) is QTimer and _active(item)]


def _active(timer: QTimer) -> bool:
    try:
        return timer.isActive()
    except RuntimeError:
        # Its C++ side is gone already.
        return False


@pytest.fixture(autouse=True)
def tidy(stray: Stray) -> Iterator[None]:
    """Fails the test for widgets, timers and threads that it leaves behind."""
    # What was there before is nothing that this test leaves behind; torch's heap takes seconds.
    gc.freeze()
    threads = set(threading.enumerate())
    windows = {id(widget) for widget in QApplication.topLevelWidgets()}
    yield
    settle()
    # pyqtgraph's menus are owned by Python and stand in cycles.
    gc.collect()
    settle()
    left = [widget for widget in QApplication.topLevelWidgets() if id(widget) not in windows]
    assert [f"{type(widget).__name__} {widget.objectName()}" for widget in left] == []
    assert [f"{timer.parent()} {timer.interval()} ms" for timer in _running_timers()] == []
    assert [thread.name for thread in threading.enumerate() if thread not in threads] == []


@pytest.fixture(autouse=True)
def answered(tidy: None, stray: Stray) -> Iterator[None]:
    """Closes a question that nobody answers: pytest's own time limit can't end Qt's inner loops."""

    def close() -> None:
        widget = QApplication.activeModalWidget()
        if widget is not None:
            stray.errors.append(
                f"nobody answered '{widget.windowTitle() or type(widget).__name__}'"
            )
            widget.close()

    timer = QTimer()
    timer.timeout.connect(close)
    timer.start(LONGEST_QUESTION_MS)
    yield
    timer.stop()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for settings and runs of this test alone."""
    folder = tmp_path / "home"
    monkeypatch.setenv("NETBUILDER_HOME", str(folder))
    return folder


@pytest.fixture
def hand(qapp: QApplication, home: Path) -> Iterator[WindowHand]:
    """A main window whose worker is a stand-in."""
    result = WindowHand()
    yield result
    result.close()
