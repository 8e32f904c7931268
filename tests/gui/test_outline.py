"""The outline: all of the project in words, and one selection with the canvas."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication

from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.errors import Problem
from netbuilder.graph import edits
from netbuilder.graph.rules import End
from netbuilder.gui.canvas.face import Face
from netbuilder.gui.outlining.outline import Outline, Row
from netbuilder.gui.outlining.outline_panel import OutlinePanel
from netbuilder.gui.outlining.outline_words import runs
from netbuilder.layers.catalogue import ports_of
from tests.drawing import classifier
from tests.gui.window_hand import WindowHand, settle

CTRL = Qt.KeyboardModifier.ControlModifier
SPOKEN = Qt.ItemDataRole.AccessibleTextRole


@pytest.fixture
def panel(hand: WindowHand) -> OutlinePanel:
    """The outline of the digits CNN, shown by its keys."""
    hand.open()
    QTest.keyClick(hand.window, Qt.Key.Key_6, CTRL)
    settle()
    outline = hand.bench.outline
    assert outline.isVisible()
    return outline


def lines(panel: OutlinePanel, above: QModelIndex | None = None) -> list[str]:
    above = above or QModelIndex()
    model = panel.model
    return [model.index(row, 0, above).data() for row in range(model.rowCount(above))]


def test_it_lists_graphs_nodes_and_ports(hand: WindowHand, panel: OutlinePanel) -> None:
    assert lines(panel) == ["Network main", "Training step train"]
    network = panel.model.index(0, 0)
    assert lines(panel, network) == [node.name for node in hand.session.graph.ordered()]
    conv = panel.model.index_of(hand.session.graph.id, hand.select("conv1"))
    assert panel.tree.currentIndex() == conv
    panel.tree.setFocus()
    QTest.keyClick(panel.tree, Qt.Key.Key_Right)
    settle()
    assert lines(panel, conv) == [
        "Input, from image",
        "Output, to norm1",
    ]


def test_a_screen_reader_hears_what_the_canvas_draws(hand: WindowHand, panel: OutlinePanel) -> None:
    graph = hand.session.graph
    conv = hand.select("conv1")
    nodes = {
        conv: NodeReport({}, {"output": TensorReport(("N", 16, 8, 8), "float32", "N×16×8×8")}, 160)
    }
    problem = Problem("error", "x", "Wrong.", graph=graph.id, node=conv)
    edits.set_node(hand.session.history, graph, conv, note="first")
    edits.set_mute(hand.session.history, graph, [conv], "bypassed")
    settle()
    hand.report(Report((problem,), {graph.id: GraphReport(nodes)}).to_json())
    said = panel.model.index_of(graph.id, conv).data(SPOKEN)
    assert said.startswith("conv1, Conv2d · 3×3, 16, gives")
    assert "gives N×16×8×8" in said
    assert said.endswith("bypassed, 1 problem, first")
    assert panel.model.index(0, 0).data(SPOKEN) == f"Network main, {len(graph.nodes)} nodes"


def test_selection_goes_both_ways(hand: WindowHand, panel: OutlinePanel) -> None:
    graph = hand.session.graph
    first = panel.model.index(0, 0, panel.model.index(0, 0))
    panel.tree.setFocus()
    panel.tree.setCurrentIndex(first)
    settle()
    QTest.keyClick(panel.tree, Qt.Key.Key_Down)
    settle()
    second = graph.ordered()[1]
    assert hand.bench.canvas.selection() == [second.id]
    QTest.keyClick(panel.tree, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    settle()
    assert set(hand.bench.canvas.selection()) == {node.id for node in graph.ordered()[1:3]}

    QTest.keyClick(hand.bench.canvas, Qt.Key.Key_A, CTRL)
    settle()
    chosen = {panel.model.row_at(index).node for index in panel.tree.selectedIndexes()}
    assert chosen == set(graph.nodes)

    # A node of the other graph shows that graph; Enter leads to the canvas.
    step = hand.session.document.of_kind("step")[0]
    panel.tree.setCurrentIndex(panel.model.index_of(step.id, step.ordered()[0].id))
    settle()
    assert hand.session.graph.id == step.id
    QTest.keyClick(panel.tree, Qt.Key.Key_Return)
    settle()
    assert hand.bench.canvas.selection() == [step.ordered()[0].id]
    assert hand.bench.canvas.hasFocus() or hand.window.focusWidget() is hand.bench.canvas


def test_the_canvas_keys_work_from_the_outline(hand: WindowHand, panel: OutlinePanel) -> None:
    graph = hand.session.graph
    before = len(graph.nodes)
    panel.tree.setFocus()
    panel.tree.setCurrentIndex(panel.model.index_of(graph.id, hand.select("norm1")))
    settle()
    QTest.keyClick(panel.tree, Qt.Key.Key_D, CTRL)
    settle()
    assert len(graph.nodes) == before + 1
    copy = hand.bench.canvas.selection()[0]
    assert panel.model.row_at(panel.tree.selectedIndexes()[0]).node == copy
    QTest.keyClick(panel.tree, Qt.Key.Key_Delete)
    settle()
    assert copy not in graph.nodes
    # A letter alone looks for a row.
    QTest.keyClick(panel.tree, Qt.Key.Key_P)
    settle()
    assert len(graph.nodes) == before
    assert panel.tree.currentIndex().data() == "pool"


def test_it_follows_edits_undo_and_other_graphs(hand: WindowHand, panel: OutlinePanel) -> None:
    session = hand.session
    graph, history = session.graph, session.history
    network = panel.model.index(0, 0)
    before = lines(panel, network)
    relu = edits.add_node(history, graph, "torch.nn.ReLU", name="extra")
    settle()
    assert lines(panel, network) == [*before, "extra"]
    edits.rename(history, graph, relu.id, "renamed")
    settle()
    assert lines(panel, network) == [*before, "renamed"]
    index = panel.model.index_of(graph.id, relu.id)
    panel.tree.expand(index)
    settle()
    assert lines(panel, index) == ["Input, not connected", "Output, not connected"]
    conv = graph.named("conv1")
    assert conv is not None
    edits.connect(history, graph, End(conv.id, "output"), End(relu.id, "input"), ports_of)
    settle()
    assert lines(panel, index)[0] == "Input, from conv1"
    edits.delete(history, graph, [conv.id, relu.id])
    settle()
    assert lines(panel, network) == [name for name in before if name != "conv1"]
    while history.undo_title:
        history.undo()
    settle()
    assert lines(panel, network) == before
    edits.add_graph(history, "network", "critic")
    settle()
    assert lines(panel)[-1] == "Network critic"
    history.undo()
    settle()
    assert lines(panel) == ["Network main", "Training step train"]


def test_it_catches_up_when_it_is_shown_again(hand: WindowHand, panel: OutlinePanel) -> None:
    hand.command("view.dock.outline")
    graph, history = hand.session.graph, hand.session.history
    edits.add_node(history, graph, "torch.nn.ReLU", name="extra")
    hand.command("view.dock.outline")
    settle()
    assert "extra" in lines(panel, panel.model.index(0, 0))


@pytest.mark.nightly
def test_thousands_of_nodes_cost_little(hand: WindowHand, panel: OutlinePanel) -> None:
    graph, history = hand.session.graph, hand.session.history
    with history.step("Many"):
        for _ in range(5000):
            edits.add_node(history, graph, "torch.nn.ReLU")
    settle()
    hand.bench.canvas.canvas.settle()
    model = panel.model
    assert model.rowCount(model.index(0, 0)) == len(graph.nodes)
    calls: list[str] = []
    touch = model.face

    def counted(row: Row) -> Face | None:
        calls.append(row.node)
        return touch(row)

    model.face = counted  # type: ignore[method-assign]
    last = graph.ordered()[-1]
    edits.rename(history, graph, last.id, "last")
    settle()
    assert model.index_of(graph.id, last.id).data() == "last"
    assert len(set(calls)) < 100, "only rows that are seen are worked out"


class Eager(Outline):
    """Qt's tester opens what can be opened in the middle of a change, and complains of it."""

    def canFetchMore(self, parent: QModelIndex | QPersistentModelIndex) -> bool:
        return False


def test_the_tree_is_sound_after_every_change(qapp: QApplication) -> None:
    drawing = classifier()
    history, graph = drawing.history, drawing.graph
    model = Eager()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    model.show_document(drawing.document)
    above = model.index_of(graph.id)
    for row in range(model.rowCount(above)):
        model.fetchMore(model.index(row, 0, above))
    names = [node.name for node in graph.ordered()]
    for count in (1, 3, 100):
        with history.step("Add"):
            for _ in range(count):
                edits.add_node(history, graph, "torch.nn.ReLU")
        model.nodes_changed(graph.id)
    edits.delete(history, graph, [node.id for node in graph.ordered() if node.order % 3])
    model.nodes_changed(graph.id)
    for node in graph.ordered():
        model.node_changed(graph.id, node.id)
    while history.undo_title and history.undo_title != "Add image":
        history.undo()
        model.graphs_changed()
        for id in drawing.document.graphs:
            model.nodes_changed(id)
        if graph.id in drawing.document.graphs:
            above = model.index_of(graph.id)
            shown = [model.index(row, 0, above).data() for row in range(model.rowCount(above))]
            assert shown == [node.name for node in graph.ordered()]
    assert len(names) > 5
    del tester


def test_numbers_as_ranges() -> None:
    assert runs([]) == []
    assert runs([1, 2, 3, 7, 9, 10]) == [(1, 3), (7, 7), (9, 10)]
