"""From panel to panel without a mouse: F6, F4, Enter and Escape."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from netbuilder.compiler.report import GraphReport
from tests.gui.window_hand import WindowHand, settle

SHIFT = Qt.KeyboardModifier.ShiftModifier


def press(hand: WindowHand, key: Qt.Key, modifiers: Qt.KeyboardModifier | None = None) -> None:
    """A key where the focus is."""
    target = QApplication.focusWidget() or hand.window.focusWidget() or hand.window
    QTest.keyClick(target, key, modifiers or Qt.KeyboardModifier.NoModifier)
    settle()


def focused(hand: WindowHand) -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def where(hand: WindowHand) -> str:
    """The panel that has the focus."""
    bench = hand.bench
    if focused(hand) is bench.canvas:
        return "canvas"
    for name, dock in bench.docks.items():
        if dock.isAncestorOf(focused(hand)):
            return name
    return "elsewhere"


def test_f6_goes_round_all_panels_and_back(hand: WindowHand) -> None:
    hand.open()
    hand.window.activateWindow()
    hand.bench.canvas.setFocus()
    seen = [where(hand)]
    for _ in range(4):
        press(hand, Qt.Key.Key_F6)
        seen.append(where(hand))
    assert seen == ["canvas", "inspector", "panels", "palette", "canvas"]
    press(hand, Qt.Key.Key_F6, SHIFT)
    assert where(hand) == "palette"
    hand.window.toggle_dock("inspector")
    hand.bench.canvas.setFocus()
    press(hand, Qt.Key.Key_F6)
    assert where(hand) == "panels"


def test_f4_edits_and_escape_comes_back(hand: WindowHand) -> None:
    hand.open()
    hand.window.activateWindow()
    conv = hand.select("conv1")
    hand.bench.canvas.setFocus()
    press(hand, Qt.Key.Key_F4)
    assert where(hand) == "inspector"
    line = hand.field("out_channels")
    for _ in range(8):
        if focused(hand) is line or focused(hand).isAncestorOf(line):
            break
        press(hand, Qt.Key.Key_Tab)
    QTest.keyClicks(focused(hand), "24")
    settle()
    assert hand.session.graph.nodes[conv].params["out_channels"] == 24
    press(hand, Qt.Key.Key_Escape)
    assert where(hand) == "canvas"
    assert hand.session.graph.nodes[conv].params["out_channels"] == 24


def test_enter_goes_into_a_network_or_the_form(hand: WindowHand) -> None:
    hand.open()
    hand.window.activateWindow()
    hand.select("conv1")
    hand.bench.canvas.setFocus()
    press(hand, Qt.Key.Key_Return)
    assert where(hand) == "inspector"
    step = hand.session.document.of_kind("step")[0]
    network = hand.session.graph.id
    hand.session.show(step.id)
    settle()
    call = next(n for n in step.nodes.values() if n.layer == "netbuilder.NetworkCall")
    hand.bench.canvas.select([call.id])
    hand.bench.canvas.setFocus()
    press(hand, Qt.Key.Key_Return)
    assert hand.session.graph.id == network


def test_a_screen_reader_hears_what_is_walked_to(
    hand: WindowHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(QAccessible, "isActive", lambda: True)
    monkeypatch.setattr(
        QAccessible, "updateAccessibility", lambda event: said.append(event.message())
    )
    hand.open()
    hand.window.activateWindow()
    hand.select("conv1")
    hand.bench.canvas.setFocus()
    press(hand, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert said[-1].startswith("norm1, BatchNorm2d")
    press(hand, Qt.Key.Key_Escape)
    assert said[-1] == "Nothing is selected"
    press(hand, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert said[-1] == f"{len(hand.session.graph.nodes)} nodes"


def test_menus_open_by_their_letters(hand: WindowHand) -> None:
    hand.open()
    letters = [action.text()[:2].upper() for action in hand.window.menuBar().actions()]
    assert len(set(letters)) == len(letters)
    assert all(letter.startswith("&") for letter in letters)


def test_a_line_of_code_leads_to_its_node_by_key(hand: WindowHand) -> None:
    hand.open()
    hand.window.activateWindow()
    graph = hand.session.graph
    conv = hand.select("conv1")
    hand.bench.canvas.select([])
    shown = GraphReport(code="import torch\nself.conv1 = 1\n", lines={2: (graph.id, conv)})
    hand.report()
    hand.client.asked.clear()
    hand.bench.code.show_code("main", shown.code, shown.lines)
    hand.command("view.code")
    hand.bench.code.view.setFocus()
    press(hand, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    press(hand, Qt.Key.Key_Down)
    press(hand, Qt.Key.Key_Return)
    assert hand.bench.canvas.selection() == [conv]
