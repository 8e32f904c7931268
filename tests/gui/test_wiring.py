"""Wires by mouse and command: cut, moved together, led around, broken and joined."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.gui.canvas.hits import DOT
from tests.drawing import Drawing
from tests.gui.canvas_hand import Hand

KEY = Qt.Key
RIGHT = Qt.MouseButton.RightButton
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


class Forked(Drawing):
    """image → conv, and conv feeds relu, tanh and gelu side by side; `other` is alone."""

    def __init__(self) -> None:
        super().__init__()
        self.image = self.input(1, 8, 8, name="image")
        self.conv = self.add("Conv2d", self.image, name="conv", out_channels=4, kernel_size=3)
        self.relu = self.add("ReLU", self.conv, name="relu")
        self.tanh = self.add("Tanh", self.conv, name="tanh")
        self.gelu = self.add("GELU", self.conv, name="gelu")
        self.other = self.add("Dropout", name="other")
        for node, x, y in (
            (self.image, 0, -160),
            (self.conv, 0, 0),
            (self.relu, -256, 192),
            (self.tanh, 0, 192),
            (self.gelu, 256, 192),
            (self.other, 400, 0),
        ):
            edits.move(self.history, self.graph, {node.id: (x, y)})
        self.start = self.document.copy()

    def feeds(self, node: Node, port: str = "input") -> str | None:
        wire = self.graph.wire_into(node.id, port)
        return None if wire is None else self.graph.nodes[wire.source].name

    def wire_of(self, node: Node) -> str:
        wire = self.graph.wire_into(node.id, "input")
        assert wire is not None
        return wire.id


@pytest.fixture
def forked() -> Forked:
    return Forked()


@pytest.fixture
def hand(qapp: QApplication, forked: Forked) -> Iterator[Hand]:
    hand = Hand(forked)
    hand.view.frame_all()
    hand.view.set_zoom(1.0)
    yield hand
    hand.check()
    hand.close()


def undone(hand: Hand, forked: Forked) -> bool:
    forked.history.undo()
    hand.check()
    return forked.document == forked.start


# -- cutting ---------------------------------------------------------------------------


def test_ctrl_and_the_right_button_cut_what_the_line_crosses(hand: Hand, forked: Forked) -> None:
    # Right above the three nodes: across the wires of relu and tanh, short of that of gelu.
    start, end = hand.pixel(-200, 180), hand.pixel(140, 180)
    with hand.dragging(start, end, RIGHT, CTRL):
        assert hand.view.hint.text() == "2 wires"
        assert len(hand.view.canvas.overlays) == 2
    assert [forked.feeds(node) for node in (forked.relu, forked.tanh, forked.gelu)] == [
        None,
        None,
        "conv",
    ]
    assert forked.history.undo_title == "Cut 2 wires"
    assert not hand.view.hint.isVisible()
    assert undone(hand, forked)


def test_escape_calls_a_cut_off(hand: Hand, forked: Forked) -> None:
    with hand.dragging(hand.pixel(-200, 180), hand.pixel(400, 180), RIGHT, CTRL):
        hand.key(KEY.Key_Escape)
    assert forked.document == forked.start
    assert not hand.view.canvas.overlays


def test_wires_are_cut_without_a_second_button(hand: Hand, forked: Forked) -> None:
    hand.view.setFocus()
    hand.key(KEY.Key_X, SHIFT)
    assert "Drag across" in hand.view.hint.text()
    hand.drag(hand.pixel(-200, 180), hand.pixel(400, 180))
    assert forked.feeds(forked.gelu) is None
    assert forked.history.undo_title == "Cut 3 wires"
    # The next drag selects again.
    hand.drag(hand.pixel(-300, 150), hand.pixel(600, 400))
    assert len(hand.view.selection()) == 3
    hand.key(KEY.Key_X, SHIFT)
    hand.key(KEY.Key_Escape)
    assert not hand.view.hint.isVisible()
    hand.drag(hand.pixel(-60, -60), hand.pixel(220, -20))
    assert forked.feeds(forked.conv) == "image"


# -- moving ----------------------------------------------------------------------------


def test_ctrl_drag_moves_all_wires_of_an_output(hand: Hand, forked: Forked) -> None:
    start = hand.port(forked.conv, "output", output=True)
    end = hand.port(forked.other, "output", output=True)
    with hand.dragging(start, end, modifiers=CTRL):
        assert not hand.view.canvas.wires[forked.wire_of(forked.relu)].isVisible()
        assert hand.view.canvas.nodes[forked.relu.id].dimmed is False
        assert hand.view.hint.text() == "other · output"
    assert {forked.feeds(n) for n in (forked.relu, forked.tanh, forked.gelu)} == {"other"}
    assert forked.history.undo_title == "Move 3 wires"
    assert undone(hand, forked)


def test_moved_wires_that_would_make_a_circle_stay_and_say_why(hand: Hand, forked: Forked) -> None:
    start = hand.port(forked.conv, "output", output=True)
    with hand.dragging(start, hand.port(forked.relu, "output", output=True), modifiers=CTRL):
        assert hand.view.canvas.nodes[forked.image.id].dimmed is False
        assert hand.view.hint.text() == "'relu' can't feed itself."
    assert forked.document == forked.start
    assert hand.messages == ["'relu' can't feed itself."]
    hand.drag(start, hand.pixel(-200, 60), modifiers=CTRL)
    assert forked.document == forked.start, "in empty space they stay"


def test_ctrl_drag_moves_the_wire_of_an_input(hand: Hand, forked: Forked) -> None:
    start = hand.port(forked.relu, "input", output=False)
    hand.drag(start, hand.pixel(-200, 60), modifiers=CTRL)
    assert forked.feeds(forked.relu) == "conv", "in empty space it stays"
    hand.drag(start, hand.port(forked.other, "input", output=False), modifiers=CTRL)
    assert forked.feeds(forked.relu) is None
    assert forked.feeds(forked.other) == "conv"


def test_a_node_without_the_port_says_so(hand: Hand, forked: Forked) -> None:
    start = hand.port(forked.other, "output", output=True)
    with hand.dragging(start, hand.node(forked.image)):
        assert hand.view.hint.text() == "'image' has no input."
    assert hand.messages == ["'image' has no input."]
    assert not hand.view.popup.isVisible()
    hand.drag(start, hand.node(forked.other))
    assert not hand.view.popup.isVisible(), "let go over its own node, nothing happens"
    assert len(hand.messages) == 1


def test_nodes_that_come_into_sight_in_a_drag_are_dimmed_too(hand: Hand, forked: Forked) -> None:
    far = forked.input(3, name="far")
    edits.move(forked.history, forked.graph, {far.id: (2400, 0)})
    hand.settle()

    def dimmed() -> bool:
        return hand.view.canvas.nodes[far.id].dimmed

    start = hand.port(forked.conv, "output", output=True)
    with hand.dragging(start, start + QPoint(60, 30)):
        assert not dimmed(), "out of sight it costs nothing"
        hand.view.pan_by(-2200, 0)
        QTest.mouseMove(hand.view.viewport(), start + QPoint(61, 30))
        assert dimmed()
        hand.key(KEY.Key_Escape)
    assert not dimmed()


def test_a_port_whose_node_would_complain_says_so_before(hand: Hand, forked: Forked) -> None:
    shape = TensorReport(("N", 16), "float32", "N×16")
    nodes = {forked.other.id: NodeReport(outputs={"output": shape})}
    hand.view.set_report(Report((), {forked.graph.id: GraphReport(nodes)}))
    start = hand.port(forked.other, "output", output=True)
    with hand.dragging(start, hand.port(forked.relu, "input", output=False)):
        assert hand.view.hint.text() == "relu · input"
    with hand.dragging(start, hand.port(forked.conv, "input", output=False)):
        first, _, doubt = hand.view.hint.text().partition("\n")
        assert first == "conv · input"
        assert "N×16" in doubt
    assert forked.feeds(forked.conv) == "other", "sizes can be mended afterwards"


# -- reroute dots ----------------------------------------------------------------------


def dots(forked: Forked) -> list[Node]:
    return [node for node in forked.graph.nodes.values() if node.layer == DOT]


def test_a_double_click_on_a_wire_makes_a_dot(hand: Hand, forked: Forked) -> None:
    hand.double_click(hand.pixel(96, 120))
    (dot,) = dots(forked)
    assert forked.feeds(dot) == "conv"
    assert forked.feeds(forked.tanh) == dot.name
    box = hand.view.canvas.nodes[dot.id].box
    assert abs((box.left + box.right) / 2 - 96) <= 8
    assert abs((box.top + box.bottom) / 2 - 120) <= 8
    assert hand.view.selection() == [dot.id]
    assert undone(hand, forked)


def test_a_dot_is_dragged_and_takes_wires_on_both_sides(hand: Hand, forked: Forked) -> None:
    hand.double_click(hand.pixel(96, 120))
    (dot,) = dots(forked)
    box = hand.view.canvas.nodes[dot.id].box
    middle = hand.pixel((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    hand.drag(middle, middle + QPoint(0, 16))
    assert forked.graph.nodes[dot.id].y == dot.y + 16, "its middle moves it"
    hand.drag(hand.port(forked.other, "input", output=False), middle + QPoint(0, 16))
    assert forked.feeds(forked.other) == dot.name
    hand.drag(hand.port(forked.image, "output", output=True), middle + QPoint(0, 16))
    assert forked.feeds(dot) == "image"


def test_a_deleted_dot_leaves_the_wire_whole(hand: Hand, forked: Forked) -> None:
    hand.double_click(hand.pixel(96, 120))
    hand.key(KEY.Key_Delete)
    assert not dots(forked)
    assert forked.feeds(forked.tanh) == "conv"


def test_a_dot_by_key_on_the_selected_wire(hand: Hand, forked: Forked) -> None:
    hand.click(hand.pixel(96, 120))
    assert hand.view.canvas.selection == {forked.wire_of(forked.tanh)}
    hand.key(KEY.Key_R, SHIFT)
    assert len(dots(forked)) == 1


# -- into wires ------------------------------------------------------------------------


def test_a_layer_goes_into_the_selected_wire(hand: Hand, forked: Forked) -> None:
    hand.click(hand.pixel(96, 120))
    hand.key(KEY.Key_Tab)
    assert hand.view.popup.words.text() == "Between conv and tanh"
    hand.type("batchnorm2d")
    hand.key(KEY.Key_Return)
    node = forked.graph.named("batch_norm2d")
    assert node is not None
    assert forked.feeds(node) == "conv"
    assert forked.feeds(forked.tanh) == "batch_norm2d"
    assert undone(hand, forked)


def test_a_node_that_is_fed_at_another_port_goes_into_a_wire(hand: Hand, forked: Forked) -> None:
    total = forked.add("torch.add", name="total")
    edits.move(forked.history, forked.graph, {total.id: (400, 240)})
    hand.settle()
    hand.drag(
        hand.port(forked.image, "output", output=True), hand.port(total, "input", output=False)
    )
    item = hand.view.canvas.nodes[total.id]
    start = hand.pixel(item.x() + 24, item.y() + item.height / 2)
    way = QPoint(round(96 - item.x() - item.width / 2), round(128 - item.y() - item.height / 2))
    hand.drag(start, start + way)
    assert (forked.feeds(total, "input"), forked.feeds(total, "other")) == ("image", "conv")
    assert forked.feeds(forked.tanh) == "total"


def test_a_node_in_the_flow_does_not_go_into_wires(hand: Hand, forked: Forked) -> None:
    start = hand.node(forked.relu)
    hand.drag(start, start + QPoint(256, -72))
    assert forked.feeds(forked.tanh) == "conv"
    assert forked.feeds(forked.relu) == "conv"


def test_a_node_that_feeds_others_does_not_go_into_wires(hand: Hand, forked: Forked) -> None:
    total = forked.add("torch.add", name="total")
    forked.wire(total, forked.other, "input")
    edits.move(forked.history, forked.graph, {total.id: (400, -96)})
    hand.settle()
    start = hand.node(total)
    hand.drag(start, start + QPoint(-400, 208))
    assert forked.feeds(total) is None
    assert forked.feeds(forked.tanh) == "conv"


# -- breaking and joining --------------------------------------------------------------


def test_wires_of_the_selection_are_broken(hand: Hand, forked: Forked) -> None:
    hand.click(hand.node(forked.conv))
    hand.click(hand.node(forked.relu), SHIFT)
    hand.key(KEY.Key_Delete, ALT)
    assert forked.feeds(forked.conv) is None
    assert forked.feeds(forked.tanh) is None
    assert forked.feeds(forked.relu) == "conv", "wires among the selected nodes stay"
    assert forked.history.undo_title == "Break 3 wires"
    assert undone(hand, forked)


def test_nodes_are_taken_out_of_their_wires(hand: Hand, forked: Forked) -> None:
    hand.click(hand.node(forked.conv))
    hand.key(KEY.Key_Backspace, ALT)
    assert forked.feeds(forked.conv) is None
    assert {forked.feeds(n) for n in (forked.relu, forked.tanh, forked.gelu)} == {"image"}
    assert undone(hand, forked)


def test_delete_and_reconnect_joins_by_the_first_port(hand: Hand, forked: Forked) -> None:
    total = forked.add("torch.add", name="total")
    # The second port is wired first: the first one still is what goes on.
    forked.wire(forked.tanh, total, "other")
    forked.wire(forked.relu, total, "input")
    forked.wire(total, forked.other, "input")
    edits.move(forked.history, forked.graph, {total.id: (0, 336)})
    hand.settle()
    hand.click(hand.node(total))
    hand.key(KEY.Key_Delete, CTRL)
    assert forked.feeds(forked.other) == "relu"


def test_a_released_space_elsewhere_does_not_keep_panning(hand: Hand, forked: Forked) -> None:
    hand.view.setFocus()
    QTest.keyPress(hand.view, KEY.Key_Space)
    hand.view.clearFocus()
    hand.settle()
    start = hand.node(forked.other)
    hand.drag(start, start + QPoint(16, 0))
    assert forked.graph.nodes[forked.other.id].x == 416


# -- what is told under a mouse that presses nothing -------------------------------------


def test_ports_and_wires_tell_what_passes(hand: Hand, forked: Forked) -> None:
    shape = TensorReport(("N", 4, 6, 6), "float32", "N×4×6×6")
    nodes = {forked.conv.id: NodeReport(outputs={"output": shape})}
    hand.view.set_report(Report((), {forked.graph.id: GraphReport(nodes)}))
    view = hand.view.viewport()
    at = hand.port(forked.conv, "output", output=True)
    QTest.mouseMove(view, at)
    hand.settle()
    assert hand.view.hint.text() == "output · N×4×6×6 · float32"
    QApplication.sendEvent(view, QHelpEvent(QEvent.Type.ToolTip, at, view.mapToGlobal(at)))
    assert "Alt+click breaks its wires" in hand.view.hint.text()
    on_wire = hand.pixel(96, 120)
    QTest.mouseMove(view, on_wire)
    assert not hand.view.hint.isVisible()
    QApplication.sendEvent(
        view, QHelpEvent(QEvent.Type.ToolTip, on_wire, view.mapToGlobal(on_wire))
    )
    assert hand.view.hint.text() == "conv → tanh · N×4×6×6 · float32"
    hand.view.hint.hide()
