"""The canvas by mouse: real events on the viewport, and what the document holds then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.graph.places import Box
from tests.drawing import Drawing
from tests.gui.canvas_hand import Hand

MIDDLE = Qt.MouseButton.MiddleButton
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


class Chain(Drawing):
    """image → conv → relu → out, in a column, and a lone dropout beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.image = self.input(1, 8, 8, name="image")
        self.conv = self.add("Conv2d", self.image, name="conv", out_channels=4, kernel_size=3)
        self.relu = self.add("ReLU", self.conv, name="relu")
        self.out = self.output(self.relu, name="out")
        self.lone = self.add("Dropout", name="lone")
        for number, node in enumerate((self.image, self.conv, self.relu, self.out)):
            self.put(node, 0, 96 * number)
        self.put(self.lone, 320, 96)
        self.start = self.document.copy()

    def put(self, node: Node, x: float, y: float) -> None:
        edits.move(self.history, self.graph, {node.id: (x, y)})

    def at(self, node: Node) -> tuple[float, float]:
        now = self.graph.nodes[node.id]
        return now.x, now.y

    def feeds(self, node: Node, port: str = "input") -> str | None:
        """The name of the node that feeds this port."""
        wire = self.graph.wire_into(node.id, port)
        return None if wire is None else self.graph.nodes[wire.source].name


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def hand(qapp: QApplication, chain: Chain) -> Iterator[Hand]:
    hand = Hand(chain)
    yield hand
    hand.check()
    hand.close()


def test_drag_moves_by_the_grid_as_one_step(hand: Hand, chain: Chain) -> None:
    start = hand.node(chain.lone)
    hand.drag(start, start + QPoint(41, 21))
    assert chain.at(chain.lone) == (360, 120)
    assert chain.history.undo_title == "Move lone"
    chain.history.undo()
    hand.check()
    assert chain.document == chain.start


def test_drag_moves_all_selected_nodes(hand: Hand, chain: Chain) -> None:
    hand.click(hand.node(chain.conv))
    hand.click(hand.node(chain.relu), SHIFT)
    start = hand.node(chain.conv)
    hand.drag(start, start + QPoint(-80, 16))
    assert chain.at(chain.conv) == (-80, 112)
    assert chain.at(chain.relu) == (-80, 208)
    assert chain.at(chain.image) == (0, 0)
    assert chain.history.undo_title == "Move 2 nodes"


def test_escape_calls_a_drag_off(hand: Hand, chain: Chain) -> None:
    state = chain.history.state
    start = hand.node(chain.conv)
    with hand.dragging(start, start + QPoint(80, 80)):
        assert hand.view.canvas.nodes[chain.conv.id].x() == 80
        hand.key(Qt.Key.Key_Escape)
    assert chain.history.state == state
    assert chain.at(chain.conv) == (0, 96)


def test_undo_in_the_middle_of_a_drag(hand: Hand, chain: Chain) -> None:
    start = hand.node(chain.lone)
    with hand.dragging(start, start + QPoint(40, 0)):
        while chain.history.undo_title:
            chain.history.undo()
        hand.settle()
    assert not chain.document.graphs
    while chain.history.redo_title:
        chain.history.redo()
    chain.graph = chain.document.graph(chain.graph.id)


def test_click_selects_shift_adds_ctrl_toggles(hand: Hand, chain: Chain) -> None:
    seen: list[list[str]] = []
    hand.view.selection_changed.connect(seen.append)
    hand.click(hand.node(chain.conv))
    hand.click(hand.node(chain.relu), SHIFT)
    hand.click(hand.node(chain.conv), CTRL)
    hand.click(hand.pixel(-200, -100))
    conv, relu = chain.conv.id, chain.relu.id
    assert seen == [[conv], [conv, relu], [relu], []]


def test_box_selects_what_it_touches(hand: Hand, chain: Chain) -> None:
    hand.drag(hand.pixel(-60, 80), hand.pixel(30, 230))
    assert hand.view.selection() == [chain.conv.id, chain.relu.id]
    hand.drag(hand.pixel(300, 80), hand.pixel(340, 110), modifiers=SHIFT)
    assert hand.view.selection() == [chain.conv.id, chain.relu.id, chain.lone.id]


def test_wire_from_output_to_input(hand: Hand, chain: Chain) -> None:
    hand.drag(
        hand.port(chain.conv, "output", output=True), hand.port(chain.lone, "input", output=False)
    )
    assert chain.feeds(chain.lone) == "conv"
    assert chain.feeds(chain.relu) == "conv"


def test_wire_from_input_to_output(hand: Hand, chain: Chain) -> None:
    hand.drag(
        hand.port(chain.lone, "input", output=False), hand.port(chain.relu, "output", output=True)
    )
    assert chain.feeds(chain.lone) == "relu"


def test_wire_dropped_on_a_node_takes_its_input(hand: Hand, chain: Chain) -> None:
    hand.drag(hand.port(chain.conv, "output", output=True), hand.node(chain.lone))
    assert chain.feeds(chain.lone) == "conv"


def test_wire_on_an_occupied_input_replaces(hand: Hand, chain: Chain) -> None:
    hand.drag(
        hand.port(chain.lone, "output", output=True), hand.port(chain.relu, "input", output=False)
    )
    assert chain.feeds(chain.relu) == "lone"
    chain.history.undo()
    assert chain.feeds(chain.relu) == "conv"


def test_a_refused_port_is_dimmed_and_says_why(hand: Hand, chain: Chain) -> None:
    hand.drag(
        hand.port(chain.relu, "output", output=True), hand.port(chain.lone, "input", output=False)
    )
    state = chain.history.state
    items = hand.view.canvas.nodes
    with hand.dragging(
        hand.port(chain.lone, "output", output=True), hand.port(chain.conv, "input", output=False)
    ):
        assert "cycle" in hand.view.hint.text()
        assert hand.view.hint.isVisible()
        assert items[chain.conv.id].dimmed
        assert not items[chain.out.id].dimmed
    assert chain.history.state == state
    assert len(hand.messages) == 1
    assert "cycle" in hand.messages[0]
    assert not hand.view.hint.isVisible()
    assert not items[chain.conv.id].dimmed


def test_two_outputs_are_refused(hand: Hand, chain: Chain) -> None:
    hand.drag(
        hand.port(chain.lone, "output", output=True), hand.port(chain.conv, "output", output=True)
    )
    assert hand.messages == ["Both ends are outputs: a wire goes from an output to an input."]


def test_the_wire_of_an_input_is_moved_to_another(hand: Hand, chain: Chain) -> None:
    hand.drag(
        hand.port(chain.relu, "input", output=False), hand.port(chain.lone, "input", output=False)
    )
    assert chain.feeds(chain.relu) is None
    assert chain.feeds(chain.lone) == "conv"
    assert chain.history.undo_title == "Move wire"
    chain.history.undo()
    hand.check()
    assert chain.document == chain.start


def test_the_wire_of_an_input_is_detached_in_empty_space(hand: Hand, chain: Chain) -> None:
    hand.drag(hand.port(chain.relu, "input", output=False), hand.pixel(-200, 200))
    assert chain.feeds(chain.relu) is None
    assert not hand.view.popup.isVisible()


def test_the_wire_put_back_changes_nothing(hand: Hand, chain: Chain) -> None:
    state = chain.history.state
    port = hand.port(chain.relu, "input", output=False)
    view = hand.view.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=port)
    QTest.mouseMove(view, port + QPoint(60, 0))
    assert not hand.view.canvas.wires[_wire_into(chain, chain.relu)].isVisible()
    QTest.mouseMove(view, port)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=port)
    assert chain.history.state == state


def _wire_into(chain: Chain, node: Node) -> str:
    wire = chain.graph.wire_into(node.id, "input")
    assert wire is not None
    return wire.id


def test_alt_click_breaks_a_ports_wires(hand: Hand, chain: Chain) -> None:
    hand.click(hand.port(chain.conv, "output", output=True), ALT)
    assert chain.feeds(chain.relu) is None
    assert chain.feeds(chain.conv) == "image"


def test_a_wire_is_selected_and_deleted(hand: Hand, chain: Chain) -> None:
    chain.put(chain.relu, 0, 304)
    chain.put(chain.out, 0, 400)
    hand.settle()
    hand.click(hand.pixel(96, 224))
    assert hand.view.canvas.selection == {_wire_into(chain, chain.relu)}
    hand.key(Qt.Key.Key_Delete)
    assert chain.feeds(chain.relu) is None


def test_a_wires_end_is_taken_near_its_port(hand: Hand, chain: Chain) -> None:
    chain.put(chain.relu, 0, 304)
    chain.put(chain.out, 0, 400)
    hand.settle()
    hand.drag(hand.pixel(96, 284), hand.port(chain.lone, "input", output=False))
    assert chain.feeds(chain.relu) is None
    assert chain.feeds(chain.lone) == "conv"


def test_a_lone_node_dropped_on_a_wire_goes_into_it(hand: Hand, chain: Chain) -> None:
    start = hand.node(chain.lone)
    # Its middle comes onto the wire between conv (ends at 144) and relu (begins at 192).
    hand.drag(start, start + QPoint(-320, 48))
    assert chain.feeds(chain.lone) == "conv"
    assert chain.feeds(chain.relu) == "lone"
    bottom = chain.at(chain.lone)[1] + hand.view.canvas.nodes[chain.lone.id].height
    assert chain.at(chain.relu)[1] > bottom, "the neighbours make room"
    assert chain.at(chain.out)[1] > chain.at(chain.relu)[1]
    chain.history.undo()
    hand.check()
    assert chain.document == chain.start


def test_wheel_zooms_at_the_mouse(hand: Hand, chain: Chain) -> None:
    at = QPoint(300, 200)
    before = hand.view.mapToScene(at)
    seen: list[float] = []
    hand.view.zoom_changed.connect(seen.append)
    _wheel(hand, at, 240)
    assert hand.view.zoom == pytest.approx(1.0015**240)
    assert seen == [hand.view.zoom]
    after = hand.view.mapToScene(at)
    assert abs(after.x() - before.x()) < 1.5
    assert abs(after.y() - before.y()) < 1.5
    for _ in range(60):
        _wheel(hand, at, -240)
    assert 0 < hand.view.zoom < 0.1, "there is a least zoom"


def _wheel(hand: Hand, at: QPoint, angle: int) -> None:
    view = hand.view.viewport()
    QApplication.sendEvent(
        view,
        QWheelEvent(
            QPointF(at),
            QPointF(view.mapToGlobal(at)),
            QPoint(),
            QPoint(0, angle),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


def test_the_wheel_zooms_in_the_middle_of_a_drag(hand: Hand, chain: Chain) -> None:
    start = hand.node(chain.lone)
    end = start + QPoint(40, 40)
    with hand.dragging(start, end):
        _wheel(hand, end, -300)
        item = hand.view.canvas.nodes[chain.lone.id]
        under = hand.view.mapToScene(end)
        assert item.box.meets(Box(under.x(), under.y(), under.x() + 1, under.y() + 1))


def test_a_drag_to_the_edge_moves_the_view_on(hand: Hand, chain: Chain) -> None:
    start = hand.node(chain.lone)
    before = hand.view.mapToScene(QPoint(0, 0))
    edge = QPoint(hand.view.viewport().width() - 4, start.y())
    with hand.dragging(start, edge):
        assert hand.view._edge.is_active()
        x = hand.view.canvas.nodes[chain.lone.id].x()
        for _ in range(10):
            hand.view._edge.step()
        assert hand.view.mapToScene(QPoint(0, 0)).x() >= before.x() + 120
        assert hand.view.canvas.nodes[chain.lone.id].x() >= x + 120
    assert not hand.view._edge.is_active()
    assert chain.at(chain.lone)[0] >= x + 120


def test_middle_drag_and_space_drag_pan(hand: Hand, chain: Chain) -> None:
    before = hand.view.mapToScene(QPoint(0, 0))
    hand.drag(QPoint(300, 300), QPoint(360, 330), MIDDLE)
    after = hand.view.mapToScene(QPoint(0, 0))
    assert (before.x() - after.x(), before.y() - after.y()) == (60, 30)
    QTest.keyPress(hand.view, Qt.Key.Key_Space)
    hand.drag(hand.node(chain.conv), hand.node(chain.conv) + QPoint(0, 40))
    QTest.keyRelease(hand.view, Qt.Key.Key_Space)
    assert hand.view.mapToScene(QPoint(0, 0)).y() == after.y() - 40
    assert chain.at(chain.conv) == (0, 96)
    assert not hand.view.popup.isVisible(), "Space was for the pan"


def test_double_click_opens_a_node(hand: Hand, chain: Chain) -> None:
    seen: list[str] = []
    hand.view.open_requested.connect(seen.append)
    hand.double_click(hand.node(chain.conv))
    assert seen == [chain.conv.id]


def test_from_afar_the_same_gestures_work(hand: Hand, chain: Chain) -> None:
    hand.view.set_zoom(0.2)
    hand.settle()
    box = hand.view.canvas.nodes[chain.lone.id].box
    start = hand.pixel((box.left + box.right) / 2 - 40, (box.top + box.bottom) / 2)
    hand.drag(start, start + QPoint(80, 0))
    assert chain.at(chain.lone) == (720, 96)
