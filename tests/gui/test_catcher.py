"""Errors that nobody caught: told once, counted when they come again, never a flood."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from netbuilder.gui import app as program
from netbuilder.gui.asking.dialogs import Message
from netbuilder.gui.catcher import PER_SECOND, ErrorCatcher
from tests.gui.conftest import Stray
from tests.gui.test_main_window import press_in_dialog
from tests.gui.window_hand import WindowHand, settle


def fail(text: str) -> Exception:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def throw(catcher: ErrorCatcher, error: Exception) -> None:
    catcher(type(error), error, error.__traceback__)


def test_the_same_error_is_logged_a_few_times_a_second_and_counted(
    hand: WindowHand, stray: Stray
) -> None:
    now = [0.0]
    catcher = ErrorCatcher(lambda: hand.window, lambda: now[0])
    said = press_in_dialog("OK")
    for number in range(1000):
        throw(catcher, fail(f"number {number}"))
    settle()
    assert "number 0" in said[1]
    assert len(stray.logs) == PER_SECOND
    now[0] = 2.0
    throw(catcher, fail("once more"))
    settle()
    assert QApplication.activeModalWidget() is None
    assert f"the same {1000 - PER_SECOND} times more" in stray.logs[PER_SECOND]
    assert len(stray.logs) == PER_SECOND + 2
    stray.logs.clear()


def test_another_error_is_told_too(hand: WindowHand, stray: Stray) -> None:
    catcher = ErrorCatcher(lambda: hand.window)
    first = press_in_dialog("OK")
    throw(catcher, fail("one"))
    settle()
    second = press_in_dialog("OK")
    catcher(KeyError, KeyError("two"), None)
    settle()
    assert "one" in first[1]
    assert "two" in second[1]
    stray.logs.clear()


class Broken(QWidget):
    """Fails each time it paints."""

    def __init__(self) -> None:
        super().__init__()
        self.painted = 0

    def paintEvent(self, event: QPaintEvent) -> None:
        self.painted += 1
        raise RuntimeError(f"paint {self.painted}")


def test_a_widget_that_fails_at_each_paint_is_told_once(hand: WindowHand, stray: Stray) -> None:
    import sys

    catcher = ErrorCatcher(lambda: hand.window)
    hook, sys.excepthook = sys.excepthook, catcher
    widget = Broken()
    said = press_in_dialog("OK")
    try:
        widget.show()
        for _ in range(40):
            widget.update()
            settle()
    finally:
        sys.excepthook = hook
        widget.deleteLater()
    assert widget.painted >= 20
    assert len(said) == 2
    assert not isinstance(QApplication.activeModalWidget(), Message)
    assert 1 <= len(stray.logs) < 20
    stray.logs.clear()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_a_log_that_cannot_be_written_stops_nothing(hand: WindowHand, stray: Stray) -> None:
    import logging
    from pathlib import Path

    before = list(logging.getLogger("netbuilder").handlers)
    program.log_to(Path("/dev/null/log"))
    assert logging.getLogger("netbuilder").handlers == before
