"""A crash of the last start is told in a line, and its report is one press away."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtTest import QTest

from netbuilder.app.starts import UncleanEnd
from netbuilder.gui.starting import last_start
from tests.gui.test_main_window import press_in_dialog
from tests.gui.window_hand import LEFT, WindowHand, settle


def test_the_report_can_be_read(hand: WindowHand, tmp_path: Path) -> None:
    report = tmp_path / "crash-0001.txt"
    report.write_text("Fatal Python error: <b>Aborted</b>\n")
    window = hand.window
    last_start.tell(window, window.banners, [UncleanEnd(), UncleanEnd("x", report)])
    banner = window.banners.shown("crash")
    assert banner is not None
    assert "ended unexpectedly" in banner.text.text()
    said = press_in_dialog("OK")
    QTest.mouseClick(banner.choices[0], LEFT)
    settle()
    assert str(report) in said[1]
    assert window.banners.shown("crash") is None
    assert not window.banners.isVisible()


def test_an_end_without_a_report_is_not_worth_a_line(hand: WindowHand) -> None:
    last_start.tell(hand.window, hand.window.banners, [UncleanEnd("/p/a.netb")])
    assert hand.window.banners.shown("crash") is None


def test_only_the_project_it_died_over_is_asked_about(hand: WindowHand, tmp_path: Path) -> None:
    ends = [UncleanEnd(str(tmp_path / "bad.netb"))]
    assert last_start.may_open(hand.window, tmp_path / "good.netb", ends)
    said = press_in_dialog("Start without it")
    assert not last_start.may_open(hand.window, tmp_path / "bad.netb", ends)
    assert said[0] == "Open bad.netb again?"
