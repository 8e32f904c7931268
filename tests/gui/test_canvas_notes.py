"""Notes on the canvas and on nodes, and what is muted and collapsed, by mouse and keys."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt

from netbuilder.graph import edits
from netbuilder.graph.model import Frame
from netbuilder.gui.canvas.frame_item import NOTE_COLOR
from tests.gui.canvas_hand import Hand
from tests.gui.test_canvas_frames import CTRL, Column, column, hand

__all__ = ["column", "hand"]

# -- notes -----------------------------------------------------------------------------------


def test_n_writes_a_note_on_the_canvas(hand: Hand, column: Column) -> None:
    hand.view.setFocus()
    hand.key(Qt.Key.Key_N)
    hand.type("mc fl")
    hand.key(Qt.Key.Key_Return)
    hand.type("second line")
    assert not column.graph.frames, "nothing is there until it is kept"
    hand.key(Qt.Key.Key_Return, CTRL)
    assert column.frame.note == "mc fl\nsecond line"
    assert (column.frame.title, column.frame.color) == ("", NOTE_COLOR)
    assert not any(node.mute for node in column.graph.nodes.values()), "letters are text here"
    box = hand.view.canvas.frames[column.frame.id].box
    assert not hand.view.canvas.places.near(box), "it covers no node"


def test_a_note_is_dragged_anywhere_and_edited_by_a_double_click(
    hand: Hand, column: Column
) -> None:
    note = Frame(id="note", x=300, y=0, width=224, height=112, note="old")
    edits.add_frame(column.history, column.graph, note)
    hand.settle()
    start = hand.pixel(400, 80)
    hand.drag(start, start + QPoint(0, 40), modifiers=CTRL)
    assert column.frame.y == 40
    hand.double_click(hand.pixel(400, 100))
    hand.type("new")
    hand.key(Qt.Key.Key_Return, CTRL)
    assert column.frame.note == "new"


def test_an_empty_note_is_gone_and_escape_keeps_the_old_text(hand: Hand, column: Column) -> None:
    note = Frame(id="note", x=300, y=0, width=224, height=112, note="old")
    edits.add_frame(column.history, column.graph, note)
    hand.view.select(["note"])
    hand.key(Qt.Key.Key_F2)
    hand.type("x")
    hand.key(Qt.Key.Key_Escape)
    assert column.frame.note == "old"
    hand.key(Qt.Key.Key_F2)
    hand.key(Qt.Key.Key_Delete)
    hand.key(Qt.Key.Key_Return, CTRL)
    assert not column.graph.frames
    column.history.undo()
    assert column.frame == note


def test_n_writes_on_the_selected_node_and_leaving_keeps_it(hand: Hand, column: Column) -> None:
    node = column.named("conv1")
    hand.view.select([node.id])
    hand.view.setFocus()
    hand.key(Qt.Key.Key_N)
    hand.type("why 3?")
    hand.view.setFocus()
    hand.settle()
    assert column.graph.nodes[node.id].note == "why 3?"
    assert not hand.view.noter.isVisible()


def test_a_long_note_ends_within_its_frame(hand: Hand, column: Column) -> None:
    text = "words and more words that go on " * 40 + "\n" + "ä😀" * 300
    note = Frame(id="note", x=300, y=0, width=224, height=112, note=text)
    edits.add_frame(column.history, column.graph, note)
    hand.settle()
    item = hand.view.canvas.frames["note"]
    hand.view.viewport().grab()
    assert item._lines is not None
    assert 2 <= len(item._lines) <= 6
    assert item._lines[-1].endswith("…")
    assert "".join(item._lines[0].split()) in "".join(text.split())


# -- what takes part ---------------------------------------------------------------------------


def test_m_and_ctrl_b_mute_and_bypass_and_let_run_again(hand: Hand, column: Column) -> None:
    ids = [column.named(name).id for name in ("conv1", "relu1")]
    hand.view.select(ids)
    hand.view.setFocus()
    hand.key(Qt.Key.Key_M)
    assert {column.graph.nodes[id].mute for id in ids} == {"muted"}
    hand.key(Qt.Key.Key_B, CTRL)
    assert {column.graph.nodes[id].mute for id in ids} == {"bypassed"}
    hand.key(Qt.Key.Key_B, CTRL)
    assert {column.graph.nodes[id].mute for id in ids} == {""}
    assert column.history.undo() == "Switch on 2 nodes"
    hand.view.select([ids[0]])
    hand.key(Qt.Key.Key_M)
    hand.view.select(ids)
    hand.key(Qt.Key.Key_M)
    assert {column.graph.nodes[id].mute for id in ids} == {"muted"}, "one was not: all are then"


def test_h_collapses_and_expands_in_one_step(hand: Hand, column: Column) -> None:
    ids = [column.named(name).id for name in ("conv1", "relu1")]
    hand.view.select(ids)
    hand.view.setFocus()
    hand.key(Qt.Key.Key_H)
    assert all(column.graph.nodes[id].collapsed for id in ids)
    for name in ("image", "conv1", "relu1", "flatten"):
        box = hand.view.canvas.nodes[column.named(name).id].box
        assert (box.left + box.right) / 2 == 96, "the chain stays straight"
    hand.key(Qt.Key.Key_H)
    assert not any(column.graph.nodes[id].collapsed for id in ids)
    assert {column.graph.nodes[id].x for id in ids} == {0}
    assert column.history.undo() == "Expand"
    assert column.history.undo() == "Collapse"
