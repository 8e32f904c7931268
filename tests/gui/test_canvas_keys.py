"""The canvas by keys, the search list, the clipboard and what the view tells."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.errors import Problem
from netbuilder.graph import edits
from netbuilder.graph.changes import Added
from netbuilder.graph.model import Node
from netbuilder.gui.canvas import brushes, hover
from netbuilder.gui.canvas.brushes import static
from netbuilder.gui.canvas.hits import Hit
from netbuilder.gui.canvas.search import Entry
from netbuilder.gui.canvas.view import CanvasView
from tests.drawing import Drawing, classifier
from tests.gui.canvas_hand import Hand

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def drawing() -> Drawing:
    """The network of a small CNN: image, conv1, relu1, flatten, head, logits in a column."""
    drawing = classifier()
    drawing.graph = drawing.document.of_kind("network")[0]
    places = {node.id: (0.0, 96.0 * number) for number, node in enumerate(drawing.graph.ordered())}
    edits.move(drawing.history, drawing.graph, places)
    return drawing


@pytest.fixture
def hand(qapp: QApplication, drawing: Drawing) -> Iterator[Hand]:
    hand = Hand(drawing)
    yield hand
    hand.check()
    hand.close()


def named(drawing: Drawing, name: str) -> Node:
    node = drawing.graph.named(name)
    assert node is not None
    return node


def feeds(drawing: Drawing, name: str) -> str | None:
    wire = drawing.graph.wire_into(named(drawing, name).id, "input")
    return None if wire is None else drawing.graph.nodes[wire.source].name


def test_delete_and_delete_with_reconnect(hand: Hand, drawing: Drawing) -> None:
    before = drawing.document.copy()
    hand.click(hand.node(named(drawing, "relu1")))
    hand.key(Qt.Key.Key_Delete)
    assert drawing.graph.named("relu1") is None
    assert feeds(drawing, "flatten") is None
    hand.key(Qt.Key.Key_Z, CTRL)
    hand.check()
    assert drawing.document == before
    hand.click(hand.node(named(drawing, "relu1")))
    hand.key(Qt.Key.Key_Delete, CTRL)
    assert feeds(drawing, "flatten") == "conv1"


def test_copy_and_paste_make_new_nodes_with_their_wires(hand: Hand, drawing: Drawing) -> None:
    hand.click(hand.node(named(drawing, "conv1")))
    hand.click(hand.node(named(drawing, "relu1")), SHIFT)
    hand.key(Qt.Key.Key_C, CTRL)
    content = json.loads(QGuiApplication.clipboard().text())
    assert [node["name"] for node in content["nodes"]] == ["conv1", "relu1"]
    hand.key(Qt.Key.Key_V, CTRL)
    assert feeds(drawing, "relu1_2") == "conv1_2"
    assert feeds(drawing, "conv1_2") is None
    pasted = [drawing.graph.nodes[id].name for id in hand.view.selection()]
    assert pasted == ["conv1_2", "relu1_2"]
    hand.key(Qt.Key.Key_Z, CTRL)
    assert drawing.graph.named("relu1_2") is None


def test_paste_keeping_inputs_and_duplicate_keep_incoming_wires(
    hand: Hand, drawing: Drawing
) -> None:
    hand.click(hand.node(named(drawing, "conv1")))
    hand.key(Qt.Key.Key_C, CTRL)
    hand.key(Qt.Key.Key_V, CTRL | SHIFT)
    assert feeds(drawing, "conv1_2") == "image"
    hand.key(Qt.Key.Key_D, CTRL)
    assert feeds(drawing, "conv1_3") == "image"


def test_cut_leaves_nothing_but_the_clipboard(hand: Hand, drawing: Drawing) -> None:
    hand.click(hand.node(named(drawing, "relu1")))
    hand.key(Qt.Key.Key_X, CTRL)
    assert drawing.graph.named("relu1") is None
    hand.key(Qt.Key.Key_V, CTRL)
    assert drawing.graph.named("relu1") is not None


@pytest.mark.parametrize(
    "text", ["", "hello", "[1]", "{}", '{"kind": "netbuilder/fragment"}', "[" * 100_000]
)
def test_a_clipboard_without_nodes_is_said_so(hand: Hand, drawing: Drawing, text: str) -> None:
    before = drawing.document.copy()
    QGuiApplication.clipboard().setText(text)
    hand.view.setFocus()
    hand.key(Qt.Key.Key_V, CTRL)
    assert len(hand.messages) == 1
    assert drawing.document == before


def test_arrows_nudge_by_the_grid_as_one_step(hand: Hand, drawing: Drawing) -> None:
    before = drawing.document.copy()
    hand.click(hand.node(named(drawing, "conv1")))
    for _ in range(3):
        hand.key(Qt.Key.Key_Right)
    hand.key(Qt.Key.Key_Up, SHIFT)
    node = named(drawing, "conv1")
    assert (node.x, node.y) == (24, 96 - 32)
    drawing.history.undo()
    hand.check()
    assert drawing.document == before


def test_select_all_and_escape(hand: Hand, drawing: Drawing) -> None:
    hand.view.setFocus()
    hand.key(Qt.Key.Key_A, CTRL)
    assert set(hand.view.selection()) == set(drawing.graph.nodes)
    hand.key(Qt.Key.Key_Escape)
    assert hand.view.selection() == []


def test_alt_and_arrows_walk_along_the_wires(hand: Hand, drawing: Drawing) -> None:
    alt = Qt.KeyboardModifier.AltModifier
    beside = drawing.add("ReLU", named(drawing, "image"), name="beside")
    edits.move(drawing.history, drawing.graph, {beside.id: (300, 96)})
    hand.view.setFocus()
    seen = []
    for key in (
        Qt.Key.Key_Down,
        Qt.Key.Key_Down,
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Up,
        Qt.Key.Key_Up,
    ):
        hand.key(key, alt)
        seen.append(drawing.graph.nodes[hand.view.selection()[0]].name)
    assert seen == ["image", "conv1", "beside", "beside", "image", "image"]


def test_rename_in_place(hand: Hand, drawing: Drawing) -> None:
    hand.click(hand.node(named(drawing, "conv1")))
    hand.key(Qt.Key.Key_F2)
    assert hand.view.renamer.isVisible()
    assert hand.view.renamer.text() == "conv1"
    hand.type("head")
    assert hand.view.hint.text() == "Another node is called 'head'."
    hand.key(Qt.Key.Key_Return)
    assert hand.view.renamer.isVisible(), "a name that is taken is not accepted"
    hand.type("_conv")
    hand.key(Qt.Key.Key_Return)
    assert not hand.view.renamer.isVisible()
    assert not hand.view.hint.isVisible()
    assert drawing.graph.named("head_conv") is not None
    assert hand.view.hasFocus()


def test_rename_is_dropped_by_escape(hand: Hand, drawing: Drawing) -> None:
    hand.click(hand.node(named(drawing, "conv1")))
    hand.key(Qt.Key.Key_F2)
    hand.type("other")
    hand.key(Qt.Key.Key_Escape)
    assert drawing.graph.named("other") is None


def test_tidy_is_one_step_and_straightens(hand: Hand, drawing: Drawing) -> None:
    edits.move(
        drawing.history,
        drawing.graph,
        {node.id: (137.0 * (n % 3), 40.0 * n) for n, node in enumerate(drawing.graph.ordered())},
    )
    before = drawing.document.copy()
    hand.view.setFocus()
    hand.key(Qt.Key.Key_L)
    ordered = [drawing.graph.nodes[id] for id in hand.view.canvas.nodes]
    middles = {node.x + hand.view.canvas.nodes[node.id].width / 2 for node in ordered}
    assert len(middles) == 1, "a chain is a column"
    assert len({node.y for node in ordered}) == len(ordered)
    drawing.history.undo()
    hand.check()
    assert drawing.document == before


def test_home_and_f_frame(hand: Hand, drawing: Drawing) -> None:
    hand.view.setFocus()
    hand.key(Qt.Key.Key_Home)
    seen = hand.view.mapToScene(hand.view.viewport().rect()).boundingRect()
    for item in hand.view.canvas.nodes.values():
        assert seen.contains(QPointF(item.x(), item.y()))
    hand.click(hand.node(named(drawing, "head")))
    hand.key(Qt.Key.Key_F)
    middle = hand.view.mapToScene(hand.view.viewport().rect().center())
    assert abs(middle.x() - 96) < 2
    assert hand.view.zoom > 1


@pytest.mark.parametrize("opening", ["space", "tab", "double click"])
def test_the_search_list_adds_what_is_typed(hand: Hand, drawing: Drawing, opening: str) -> None:
    hand.view.setFocus()
    if opening == "space":
        hand.key(Qt.Key.Key_Space)
    elif opening == "tab":
        hand.key(Qt.Key.Key_Tab)
    else:
        hand.double_click(hand.pixel(400, 200))
    assert hand.view.popup.isVisible()
    hand.type("lnear")
    hand.key(Qt.Key.Key_Return)
    assert not hand.view.popup.isVisible()
    added = drawing.graph.named("linear")
    assert added is not None
    assert hand.view.selection() == [added.id]
    if opening == "double click":
        assert abs(added.x + 96 - 400) <= 8
    assert hand.view.hasFocus()


def test_the_search_list_offers_only_what_may_stand_here(hand: Hand) -> None:
    hand.view.start_add()
    offered = _offered(hand)
    assert "Conv2d" in offered
    assert "CrossEntropyLoss" not in offered
    hand.key(Qt.Key.Key_Escape)
    assert not hand.view.popup.isVisible()


def _offered(hand: Hand) -> list[str]:
    model = hand.view.popup.model
    entries = [
        model.index(row, 0).data(Qt.ItemDataRole.UserRole) for row in range(model.rowCount())
    ]
    assert all(isinstance(entry, Entry) for entry in entries)
    return [entry.title for entry in entries]


def test_a_wire_dropped_in_empty_space_offers_and_wires(hand: Hand, drawing: Drawing) -> None:
    start = hand.port(named(drawing, "relu1"), "output", output=True)
    hand.drag(start, hand.pixel(400, 400))
    assert hand.view.popup.isVisible()
    assert "Input" not in _offered(hand), "it has no input"
    hand.type("batchnorm2")
    hand.key(Qt.Key.Key_Return)
    assert feeds(drawing, "batch_norm2d") == "relu1"
    assert drawing.history.undo_title == "Add BatchNorm2d"
    drawing.history.undo()
    assert drawing.graph.named("batch_norm2d") is None


def test_a_wire_dropped_from_an_input_offers_sources(hand: Hand, drawing: Drawing) -> None:
    drawing.add("Linear", name="loose")
    hand.settle()
    edits.move(drawing.history, drawing.graph, {named(drawing, "loose").id: (400, 300)})
    hand.settle()
    hand.drag(hand.port(named(drawing, "loose"), "input", output=False), hand.pixel(300, 60))
    assert "Output" not in _offered(hand)
    hand.type("input")
    hand.key(Qt.Key.Key_Return)
    assert feeds(drawing, "loose") == "input"


def test_a_node_that_goes_while_the_list_is_open(hand: Hand, drawing: Drawing) -> None:
    hand.drag(hand.port(named(drawing, "relu1"), "output", output=True), hand.pixel(400, 400))
    edits.delete(drawing.history, drawing.graph, [named(drawing, "relu1").id])
    hand.type("dropout")
    hand.key(Qt.Key.Key_Return)
    assert feeds(drawing, "dropout") is None


# -- what is shown ---------------------------------------------------------------------


def _report(drawing: Drawing) -> Report:
    conv, head = named(drawing, "conv1").id, named(drawing, "head").id
    shape = TensorReport(("N", 4, 8, 8), "float32", "N×4×8×8")
    problem = Problem(
        "error", "x", "Linear expects <b>512</b>.", "Mend it.", drawing.graph.id, head
    )
    nodes = {conv: NodeReport(outputs={"output": shape}, parameters=18_560)}
    return Report((problem, problem), {drawing.graph.id: GraphReport(nodes)})


def test_the_report_shows_at_the_nodes(hand: Hand, drawing: Drawing) -> None:
    hand.view.set_report(_report(drawing))
    conv = hand.view.canvas.nodes[named(drawing, "conv1").id].face
    head = hand.view.canvas.nodes[named(drawing, "head").id].face
    assert conv.outputs[0].text == "N×4×8×8"
    assert conv.count == "18.6k"
    assert (head.errors, head.warnings) == (2, 0)
    hand.view.set_report(None)
    assert hand.view.canvas.nodes[named(drawing, "head").id].face.errors == 0


def test_texts_of_problems_are_plain(hand: Hand, drawing: Drawing) -> None:
    hand.view.set_report(_report(drawing))
    at = hand.node(named(drawing, "head"))
    hover.explain(hand.view, Hit("node", named(drawing, "head").id), at)
    assert hand.view.hint.isVisible()
    assert "<b>512</b>" in hand.view.hint.text()
    assert hand.view.hint.textFormat() == Qt.TextFormat.PlainText
    hand.view.hint.hide()


def test_texts_on_nodes_are_plain(qapp: QApplication) -> None:
    text = static("<b>bold</b>", brushes.brushes().name.font)
    assert text.textFormat() == Qt.TextFormat.PlainText
    assert text.size().width() > brushes.brushes().name.width("bold") * 1.5


def test_an_unknown_layer_is_shown_and_can_be_wired_on(hand: Hand, drawing: Drawing) -> None:
    with drawing.history.step("Open"):
        strange = Node(id="strange", layer="acme.Magic", name="magic", x=400, y=0)
        drawing.document.apply(Added(drawing.graph.id, strange))
    hand.check()
    face = hand.view.canvas.nodes["strange"].face
    assert not face.known
    assert face.subtitle == "acme.Magic"
    hand.click(hand.node(strange))
    hand.key(Qt.Key.Key_Delete)
    assert "strange" not in drawing.graph.nodes


def test_a_parameter_changes_the_muted_line(hand: Hand, drawing: Drawing) -> None:
    node = named(drawing, "conv1")
    edited: list[int] = []
    hand.view.graph_edited.connect(lambda: edited.append(1))
    edits.set_parameters(drawing.history, drawing.graph, [node.id], {"kernel_size": 5})
    hand.settle()
    assert hand.view.canvas.nodes[node.id].face.subtitle == "Conv2d · 5×5, 4"
    assert edited == [1]


def test_the_flow_turns_ports_and_wires(hand: Hand, drawing: Drawing) -> None:
    edits.set_project(drawing.history, flow="right")
    hand.settle()
    item = hand.view.canvas.nodes[named(drawing, "conv1").id]
    at = item.port(True, "output")
    assert at == (item.x() + item.width, item.y() + item.height / 2)
    hand.check()


def test_each_graph_keeps_its_view(hand: Hand, drawing: Drawing) -> None:
    step = drawing.document.of_kind("step")[0]
    hand.view.set_zoom(0.7)
    hand.view.set_graph(drawing.document, drawing.history, step)
    assert set(hand.view.canvas.nodes) == set(step.nodes)
    hand.view.set_graph(drawing.document, drawing.history, drawing.graph)
    assert hand.view.zoom == pytest.approx(0.7)


def test_an_empty_canvas_says_what_to_do(qapp: QApplication) -> None:
    hand = Hand(Drawing())
    assert hand.view._words.isVisible()
    hand.drawing.input(1, 8, 8)
    hand.settle()
    assert not hand.view._words.isVisible()
    hand.close()


def test_without_a_graph_nothing_happens(qapp: QApplication) -> None:
    view = CanvasView()
    view.show()
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Delete, Qt.Key.Key_Tab, Qt.Key.Key_L, Qt.Key.Key_F2):
        QTest.keyClick(view, key)
    for key in (Qt.Key.Key_V, Qt.Key.Key_C, Qt.Key.Key_D, Qt.Key.Key_Z):
        QTest.keyClick(view, key, CTRL)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton)
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton)
    view.frame_all()
    view.tidy()
    view.paste()
    assert not view.popup.isVisible()
    view.close()
    view.deleteLater()
