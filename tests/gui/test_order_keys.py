"""The keys of order in the whole window: each does its deed once, and none where one writes."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from netbuilder.graph.model import Frame
from tests.gui.window_hand import WindowHand, settle

NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def focus() -> QWidget:
    found = QApplication.focusWidget()
    assert found is not None
    return found


def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """A key for whoever has the focus."""
    QTest.keyClick(focus(), key, modifiers)
    settle()


def write(text: str) -> None:
    QTest.keyClicks(focus(), text)
    settle()


def the_frame(hand: WindowHand) -> Frame:
    (frame,) = hand.session.graph.frames.values()
    return frame


def test_a_frame_is_made_named_and_coloured_by_keys(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    hand.bench.canvas.setFocus()
    press(Qt.Key.Key_C)
    write("mch nl")
    press(Qt.Key.Key_Return)
    assert the_frame(hand).title == "mch nl"
    x = the_frame(hand).x
    hand.command("arrange.colour")
    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_Right)
    assert the_frame(hand).x == x, "arrows choose; they move nothing"
    press(Qt.Key.Key_Return)
    assert the_frame(hand).color
    assert hand.bench.canvas.hasFocus()


def test_a_note_is_written_by_keys_and_its_letters_are_no_commands(hand: WindowHand) -> None:
    hand.open()
    hand.bench.canvas.select([])
    hand.bench.canvas.setFocus()
    state = hand.session.history.state
    press(Qt.Key.Key_N)
    write("clmhn f")
    press(Qt.Key.Key_Left)
    press(Qt.Key.Key_Backspace)
    assert hand.session.history.state == state
    press(Qt.Key.Key_Return, CTRL)
    assert the_frame(hand).note == "clmhnf"


def test_a_key_mutes_once_and_only_on_the_canvas(hand: WindowHand) -> None:
    hand.open()
    node = hand.select("conv1")
    hand.bench.canvas.setFocus()
    press(Qt.Key.Key_M)
    assert hand.session.graph.nodes[node].mute == "muted"
    press(Qt.Key.Key_B, CTRL)
    assert hand.session.graph.nodes[node].mute == "bypassed"
    line = hand.field("out_channels")
    line.setFocus()
    press(Qt.Key.Key_M)
    assert hand.session.graph.nodes[node].mute == "bypassed"


def test_escape_in_the_colours_keeps_the_selection(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    hand.bench.canvas.setFocus()
    press(Qt.Key.Key_C)
    press(Qt.Key.Key_Escape)
    hand.command("arrange.colour")
    press(Qt.Key.Key_Escape)
    assert not hand.bench.canvas.swatches.isVisible()
    assert hand.bench.canvas.canvas.selection == {the_frame(hand).id}
