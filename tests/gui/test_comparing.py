"""Two projects beside each other: marks, moving together, going through the list, taking back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from netbuilder.app.comparing import Side
from netbuilder.app.comparison import Comparison
from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.engine import overrides
from netbuilder.engine.protocol import WorkerError
from netbuilder.graph import edits
from netbuilder.graph.changes import Added
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import GraphInfo, Node, Wire
from netbuilder.gui.canvas.settling import WHOLE
from netbuilder.gui.comparing.marks import NodeMark, WireMark
from netbuilder.gui.comparing.side_view import SideView
from netbuilder.gui.comparing.window import ComparisonWindow
from netbuilder.gui.look import theme
from netbuilder.layers import catalogue
from netbuilder.storage import files, format
from tests.app.test_comparing import Asked
from tests.gui.window_hand import LEFT, WindowHand, settle, wait_for


def node(graph: Graph, name: str) -> Node:
    found = graph.named(name)
    assert found is not None
    return found


@pytest.fixture
def saved(hand: WindowHand, tmp_path: Path) -> Document:
    """A saved project that was edited since: one node more, one less, one changed."""
    hand.open()
    hand.window.projects.save_to(tmp_path / "net.netb")
    settle()
    graph, history = hand.session.graph, hand.session.history
    before = hand.session.document.copy()
    edits.set_parameters(history, graph, [node(graph, "conv1").id], {"kernel_size": 5})
    edits.delete(history, graph, [node(graph, "dropout").id], ports_of=catalogue.ports_of)
    [wire] = graph.wires_out_of(node(graph, "relu1").id)
    edits.insert_layer(history, graph, wire.id, "torch.nn.GELU", None, catalogue.ports_of)
    settle()
    return before


@pytest.fixture
def window(hand: WindowHand, saved: Document) -> ComparisonWindow:
    hand.command("file.compare_saved")
    settle()
    return found(hand)


def found(hand: WindowHand) -> ComparisonWindow:
    dialog = hand.window.findChildren(ComparisonWindow)[-1]
    QTest.qWaitForWindowExposed(dialog)
    settle()
    return dialog


def marked(view: SideView) -> dict[str, str]:
    """What stands out, by the names of nodes."""
    graph = view.canvas.graph
    assert graph is not None
    by_place = {(n.x, n.y): n.name for n in graph.nodes.values()}
    marks = [mark for mark in view.canvas.overlays if isinstance(mark, NodeMark)]
    return {by_place[mark.x(), mark.y()]: mark.change for mark in marks}


def words(window: ComparisonWindow) -> list[str]:
    return [row.words for row in window.rows]


def each_side_marks_what_is_its_own(window: ComparisonWindow) -> None:
    assert marked(window.left) == {"conv1": "changed", "dropout": "removed"}
    assert marked(window.right) == {"conv1": "changed", "gelu": "added"}
    strokes = {
        mark.pen().style()
        for view in (window.left, window.right)
        for mark in view.canvas.overlays
        if isinstance(mark, WireMark)
    }
    assert strokes == {Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine}
    number = len(window.left.canvas.overlays)
    theme.notifier.changed.emit()
    settle()
    assert len(window.left.canvas.overlays) == number
    assert marked(window.left) == {"conv1": "changed", "dropout": "removed"}


def both_sides_are_moved_together(window: ComparisonWindow) -> None:
    window.show_whole()
    views = (window.left, window.right)
    looks = [view.look() for view in views]
    assert looks[0].zoom == looks[1].zoom
    middle = QPointF(window.right.viewport().rect().center())
    turn = QWheelEvent(
        middle,
        window.right.viewport().mapToGlobal(middle),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(window.right.viewport(), turn)
    assert window.left.zoom == window.right.zoom > looks[0].zoom
    port, start = window.left.viewport(), QPoint(60, 60)
    before = [view.look() for view in views]
    QTest.mousePress(port, LEFT, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(port, start + QPoint(30, 40))
    QTest.mouseRelease(port, LEFT, Qt.KeyboardModifier.NoModifier, start + QPoint(30, 40))
    ways = [
        (new.look().x - old.x, new.look().y - old.y) for new, old in zip(views, before, strict=True)
    ]
    assert ways[0] == ways[1] != (0, 0)
    QTest.keyClick(window.left, Qt.Key.Key_Home)
    assert window.left.look() == window.right.look()


def keys_go_through_the_list_and_both_sides_look_there(window: ComparisonWindow) -> None:
    seen = []
    for _ in range(len(window.rows) + 1):
        seen.append(window.list.at)
        QTest.keyClick(window, Qt.Key.Key_F8)
    assert seen == [*range(len(window.rows)), 0]
    QTest.keyClick(window, Qt.Key.Key_F8, Qt.KeyboardModifier.ShiftModifier)
    [at] = [number for number, text in enumerate(words(window)) if text.startswith("'gelu' added")]
    window.list.go_to(at)
    gelu = window.rows[at].node_id
    assert window.right.canvas.selection == {gelu}
    assert window.left.canvas.selection == set()
    card = window.right.canvas.nodes[gelu].sceneBoundingRect().center()
    seen_at = window.right.mapFromScene(card)
    assert window.right.viewport().rect().contains(seen_at)
    # The other side looks at where it would be.
    assert window.left.look() == window.right.look()


def a_click_on_a_marked_node_leads_to_its_row(window: ComparisonWindow) -> None:
    graph = window.left.canvas.graph
    assert graph is not None
    dropout = node(graph, "dropout")
    window.left.center_on(dropout.id)
    pixel = window.left.mapFromScene(
        window.left.canvas.nodes[dropout.id].sceneBoundingRect().center()
    )
    QTest.mouseClick(window.left.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, pixel)
    row = window.rows[window.list.at]
    assert (row.old_node_id, row.change) == (dropout.id, "removed")


def test_both_sides_are_looked_at_together(window: ComparisonWindow) -> None:
    # One window for all of it: it takes longer to open than to use.
    each_side_marks_what_is_its_own(window)
    both_sides_are_moved_together(window)
    keys_go_through_the_list_and_both_sides_look_there(window)
    a_click_on_a_marked_node_leads_to_its_row(window)


def test_one_change_and_all_are_taken_back_in_a_step_each(
    hand: WindowHand, window: ComparisonWindow, saved: Document
) -> None:
    history = hand.session.history
    before = words(window)
    window.list.go_to(before.index("'conv1': kernel_size 3 → 5"))
    hand.press(window.take)
    assert words(window) == [text for text in before if "kernel_size" not in text]
    hand.press(window.take_all)
    assert words(window) == []
    assert not window.list.isVisible()
    history.undo()
    history.undo()
    wait_for(lambda: sorted(words(window)) == sorted(before), 60)


def test_edits_of_the_open_project_are_followed(hand: WindowHand, window: ComparisonWindow) -> None:
    graph = hand.session.graph
    edits.set_parameters(hand.session.history, graph, [node(graph, "conv2").id], {"stride": 2})
    wait_for(lambda: any("stride" in text for text in words(window)), 60)
    hand.press(window.copy)
    assert "main: 'conv2': stride set to 2" in QGuiApplication.clipboard().text()
    hand.window.projects.save()
    hand.open("digits_mlp")
    assert not hand.window.findChildren(ComparisonWindow)


def test_shapes_and_costs_come_in_later(hand: WindowHand, window: ComparisonWindow) -> None:
    def report(document: Document, size: str) -> Side:
        [graph] = document.of_kind("network")
        shape = NodeReport(outputs={"output": TensorReport((), "float32", size)})
        nodes = {node(graph, "conv2").id: shape}
        return Side(document, Report(graphs={graph.id: GraphReport(nodes)}))

    drawn = words(window)
    for size, documents in (
        ("N×32×8×8", window.comparison.before),
        ("N×32×6×6", window.comparison.after),
    ):
        told = report(documents.document, size).report
        assert told is not None
        # The open project is looked at by the editor too.
        while not any(
            params["project"] == format.to_json(documents.document) and "source" in params
            for _, params, _ in hand.client.waiting("analyse")[:1]
        ):
            hand.client.answer("analyse", error=WorkerError("not this one"))
        hand.client.answer("analyse", result=told.to_json())
        settle()
    for macs in (100, 81):
        hand.client.answer("summary", result={"networks": {"main": {"macs": macs}}})
    settle()
    assert set(words(window)) - set(drawn) == {
        "'conv2': shape of output N×32×8×8 → N×32×6×6",
        "Multiplications of a sample 100 → 81 (-19 %)",
    }
    window.list.go_to(words(window).index("Multiplications of a sample 100 → 81 (-19 %)"))
    assert not window.take.isEnabled()


def test_two_files_are_compared_without_touching_the_project(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.open()
    one, other = tmp_path / "one.netb", tmp_path / "other.netb"
    files.save(hand.session.document, one)
    files.save(overrides.apply(hand.session.document, {"main.conv1.out_channels": 9}), other)
    chosen = ([str(one), str(other)], "")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *a, **k: chosen)
    hand.command("file.compare")
    dialog = found(hand)
    assert words(dialog) == ["'conv1': out_channels 16 → 9"]
    assert not dialog.take.isVisible()
    assert (dialog.left.accessibleName(), dialog.right.accessibleName()) == (one.name, other.name)
    dialog.close()
    settle()


def _chain(length: int) -> Document:
    """A network of so many layers in a row."""
    nodes = [
        Node(id=f"n{at}", layer="torch.nn.ReLU", name=f"relu{at}", x=0.0, y=96.0 * at, order=at)
        for at in range(length)
    ]
    wires = [
        Wire(
            id=f"w{at}",
            source=f"n{at - 1}",
            source_port="output",
            target=f"n{at}",
            target_port="input",
        )
        for at in range(1, length)
    ]
    info = GraphInfo(id="g", kind="network", name="main")
    contents: list[Node | Wire] = [*nodes, *wires]
    items = [Added("g", info), *(Added("g", each) for each in contents)]
    return Document.of(Document().project, items)


def test_a_large_graph_comes_bit_by_bit_and_stays_while_changes_are_taken(
    qapp: QApplication,
) -> None:
    last = f"n{WHOLE // 2}"
    before = _chain(WHOLE // 2 + 1)
    session = Asked(before.copy())
    graph = session.document.graphs["g"]
    for id in ("n0", last):
        edits.set_parameters(session.history, graph, [id], {"inplace": True})
    dialog = ComparisonWindow(Comparison(session, before), ("before", "now"))
    dialog.show()
    dialog.list.go_to(1)
    assert dialog.right.canvas.filling, "it takes longer than opening the window may"
    middle = dialog.right.middle([last])
    wait_for(lambda: not dialog.left.canvas.unsettled and not dialog.right.canvas.unsettled, 60)
    assert dialog.right.canvas.selection == {last}
    for view in (dialog.left, dialog.right):
        assert marked(view) == {"relu0": "changed", f"relu{WHOLE // 2}": "changed"}
    there = dialog.right.middle([last])
    assert middle is not None
    assert there is not None
    assert (middle - there).manhattanLength() < 96
    items = [dict(view.canvas.nodes) for view in (dialog.left, dialog.right)]
    QTest.mouseClick(dialog.take, LEFT)
    settle()
    assert [dict(view.canvas.nodes) for view in (dialog.left, dialog.right)] == items
    for view in (dialog.left, dialog.right):
        assert marked(view) == {"relu0": "changed"}
    dialog.close()
    settle()
