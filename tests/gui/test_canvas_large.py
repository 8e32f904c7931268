"""Graphs of thousands of nodes: they come bit by bit, and end up as small ones do."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.graph import edits
from netbuilder.graph.changes import Added
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.graph.model import GraphInfo, Node, ProjectInfo, Wire
from netbuilder.graph.places import Box, Places
from netbuilder.gui.canvas.far import FarPainter
from netbuilder.gui.canvas.scene import CanvasScene
from netbuilder.gui.canvas.settling import AT_ONCE, WHOLE
from tests.drawing import Drawing
from tests.gui.canvas_hand import Hand
from tests.gui.window_hand import wait_for

COUNT, COLUMNS = 900, 30


def _large() -> Drawing:
    """A chain in a square grid; the drawing's history begins after it."""
    changes = [Added("g", GraphInfo(id="g", kind="network", name="main"))]
    for n in range(COUNT):
        y, x = divmod(n, COLUMNS)
        node = Node(id=f"n{n}", layer="torch.add", name=f"a{n}", x=x * 256.0, y=y * 144.0, order=n)
        changes.append(Added("g", node))
    for n in range(1, COUNT):
        wire = Wire(
            id=f"w{n}",
            source=f"n{n - 1}",
            source_port="output",
            target=f"n{n}",
            target_port="input",
        )
        changes.append(Added("g", wire))
    drawing = Drawing.__new__(Drawing)
    drawing.document = Document.of(ProjectInfo(), changes)
    drawing.history = History(drawing.document)
    drawing.graph = drawing.document.graph("g")
    return drawing


@pytest.fixture
def hand(qapp: QApplication) -> Hand:
    assert 2 * COUNT > WHOLE
    return Hand(_large())


def _there(hand: Hand) -> None:
    wait_for(lambda: not hand.view.canvas.unsettled)


def _editable(hand: Hand) -> bool:
    return hand.view.editable


def test_it_comes_bit_by_bit_and_what_is_in_sight_first(hand: Hand) -> None:
    hand.view.set_graph(hand.drawing.document, hand.drawing.history, hand.drawing.graph)
    canvas = hand.view.canvas
    assert canvas.filling
    assert not _editable(hand)
    sight = canvas.sight()
    assert sight is not None
    near = {
        node.id
        for node in hand.drawing.graph.nodes.values()
        if sight.left <= node.x <= sight.right and sight.top <= node.y <= sight.bottom
    }
    assert near
    wait_for(lambda: near <= set(canvas.nodes))
    assert len(canvas.nodes) < COUNT, "the rest comes later"
    filled: list[bool] = []
    canvas.filled.connect(lambda: filled.append(canvas.filling))
    _there(hand)
    assert filled == [False]
    assert _editable(hand)
    hand.check()
    hand.close()


def test_the_mouse_does_nothing_until_it_is_there(hand: Hand) -> None:
    hand.view.set_graph(hand.drawing.document, hand.drawing.history, hand.drawing.graph)
    at = hand.view.viewport().rect().center()
    QTest.mouseClick(hand.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    QTest.keyClick(hand.view, Qt.Key.Key_Delete)
    assert hand.drawing.history.undo_title is None
    _there(hand)
    hand.click(hand.node(hand.drawing.graph.nodes["n0"]))
    assert hand.view.selection() == ["n0"]
    hand.close()


def test_who_wants_to_go_to_a_node_gets_it_at_once(hand: Hand) -> None:
    hand.view.set_graph(hand.drawing.document, hand.drawing.history, hand.drawing.graph)
    last = f"n{COUNT - 1}"
    hand.view.select([last])
    hand.view.center_on(last)
    assert hand.view.selection() == [last]
    hand.check()
    hand.close()


def test_an_edit_while_it_comes_is_not_lost(hand: Hand) -> None:
    drawing = hand.drawing
    hand.view.set_graph(drawing.document, drawing.history, drawing.graph)
    wait_for(lambda: hand.view.canvas.nodes)
    edits.rename(drawing.history, drawing.graph, "n1", "changed")
    edits.delete(drawing.history, drawing.graph, ["n2"])
    assert not hand.view.canvas.filling
    hand.check()
    drawing.history.undo()
    hand.check()
    hand.close()


def test_another_graph_can_be_shown_while_it_comes(hand: Hand) -> None:
    drawing = hand.drawing
    hand.view.set_graph(drawing.document, drawing.history, drawing.graph)
    wait_for(lambda: hand.view.canvas.nodes)
    hand.view.set_graph(None, None, None)
    hand.settle()
    assert not hand.view.canvas.nodes
    assert not hand.view.canvas.unsettled
    hand.close()


def test_undo_of_a_large_edit_shows_what_is_in_sight_and_then_the_rest(hand: Hand) -> None:
    _there(hand)
    drawing, canvas = hand.drawing, hand.view.canvas
    nodes = drawing.graph.nodes
    moved = {id: (node.x + 64, node.y + 48) for id, node in nodes.items() if id != "n0"}
    edits.move(drawing.history, drawing.graph, moved)
    canvas.settle()
    assert canvas.unsettled, "more than is done at once"
    hand.settle()
    sight = canvas.sight()
    assert sight is not None
    for id, wire in canvas.wires.items():
        if canvas.nodes[wire.wire.source].box.meets(sight):
            assert wire.course is not None, id
            assert wire.course.start == canvas.nodes[wire.wire.source].port(True, "output")
    hand.check()
    drawing.history.undo()
    _there(hand)
    hand.check()
    hand.close()


def test_a_report_for_all_nodes_reaches_all_of_them(hand: Hand) -> None:
    _there(hand)
    shape = TensorReport(("N", 4), "float32", "N×4")
    assert COUNT > AT_ONCE
    nodes = {id: NodeReport(outputs={"output": shape}) for id in hand.drawing.graph.nodes}
    hand.view.set_report(Report(graphs={"g": GraphReport(nodes)}))
    _there(hand)
    assert all(item.face.outputs[0].text == "N×4" for item in hand.view.canvas.nodes.values())
    hand.close()


# -- from afar -----------------------------------------------------------------------------


def _from_afar(painter_of: FarPainter, scene: CanvasScene) -> QImage:
    image = QImage(700, 420, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    painter = QPainter(image)
    painter.scale(0.09, 0.09)
    painter_of.paint(painter, scene, 0.09)
    painter.end()
    return image


def test_from_afar_edits_and_drags_are_seen_as_by_one_who_looks_anew(hand: Hand) -> None:
    _there(hand)
    drawing, canvas = hand.drawing, hand.view.canvas
    kept = FarPainter()

    def both() -> tuple[QImage, QImage]:
        canvas.settle_all()
        touched = set(canvas.touched)
        shown = _from_afar(kept, canvas)
        canvas.touched = {*canvas.nodes, *canvas.wires}
        fresh = _from_afar(FarPainter(), canvas)
        canvas.touched = set() if shown == fresh else touched
        return shown, fresh

    before, fresh = both()
    assert before == fresh
    seen = [before]
    for change in (
        lambda: edits.move(drawing.history, drawing.graph, {"n5": (900, 700)}),
        lambda: edits.delete(drawing.history, drawing.graph, ["n40", "w100"]),
        lambda: edits.set_node(drawing.history, drawing.graph, "n7", mute="muted"),
        lambda: canvas.select(["n90", "w91"]),
        lambda: canvas.lift(["n3", "w3", "w4"]),
        lambda: canvas.nodes["n3"].setPos(QPointF(300, 900)),
        lambda: canvas.settle_down(),
        lambda: canvas.set_shown("w8", False),
        drawing.history.undo,
    ):
        change()
        shown, fresh = both()
        assert shown == fresh
        assert shown != seen[-1], "it was to be seen"
        seen.append(shown)
    hand.close()


def test_a_view_that_stands_still_is_painted_from_a_picture(hand: Hand) -> None:
    _there(hand)
    canvas, painter = hand.view.canvas, FarPainter()
    first = _from_afar(painter, canvas)
    again = _from_afar(painter, canvas)
    third = _from_afar(painter, canvas)
    assert first == again == third
    hand.close()


# -- the index -----------------------------------------------------------------------------


def test_the_index_finds_what_a_scan_finds_also_very_large_boxes() -> None:
    places = Places()
    boxes = {
        "small": Box(10, 10, 60, 40),
        "wide": Box(-50_000, 100, 50_000, 120),
        "far": Box(9000, 9000, 9100, 9100),
    }
    for id, box in boxes.items():
        places.put(id, box)
    for spot in (Box(0, 0, 20, 20), Box(40_000, 90, 40_001, 130), Box(-1e6, -1e6, 1e6, 1e6)):
        assert set(places.near(spot)) == {id for id, box in boxes.items() if box.meets(spot)}
    places.put("wide", Box(0, 0, 5, 5))
    places.drop("far")
    assert set(places.near(Box(-1e6, -1e6, 1e6, 1e6))) == {"small", "wide"}
    assert places.bounds() == Box(0, 0, 60, 40)
