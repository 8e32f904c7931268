"""Ctrl+F: find a node anywhere in the project."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.graph import edits
from netbuilder.graph.model import Frame
from netbuilder.gui.find import FindPanel
from tests.gui.window_hand import LEFT, WindowHand, settle

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def panel(hand: WindowHand) -> FindPanel:
    """The list, opened by its key."""
    hand.open()
    hand.bench.canvas.setFocus()
    hand.key(Qt.Key.Key_F, CTRL)
    assert hand.bench.finder.isVisible()
    return hand.bench.finder


def press(panel: FindPanel, *keys: Qt.Key) -> None:
    for key in keys:
        QTest.keyClick(panel.field, key)
    settle()


def type(panel: FindPanel, text: str) -> None:
    assert QApplication.focusWidget() is panel.field
    QTest.keyClicks(panel.field, text)
    settle()


def selected(hand: WindowHand) -> list[str]:
    nodes = hand.session.graph.nodes
    return [nodes[id].name for id in hand.bench.canvas.selection()]


def in_sight(hand: WindowHand, panel: FindPanel) -> bool:
    """Whether the selected node is seen and not under the list."""
    canvas = hand.bench.canvas
    box = canvas.canvas.box_of(canvas.canvas.selection)
    assert box is not None
    at = canvas.mapFromScene((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    return canvas.viewport().rect().contains(at) and not panel.geometry().contains(at)


def test_typing_shows_the_best_place_and_enter_stays(hand: WindowHand, panel: FindPanel) -> None:
    type(panel, "classif")
    assert selected(hand) == ["classifier"]
    assert in_sight(hand, panel)
    press(panel, Qt.Key.Key_Return)
    assert not panel.isVisible()
    assert selected(hand) == ["classifier"]
    assert hand.bench.canvas.hasFocus()


def test_arrows_show_one_place_after_the_other_in_all_graphs(
    hand: WindowHand, panel: FindPanel
) -> None:
    main = hand.session.graph.id
    type(panel, "cross")
    assert hand.session.graph.kind == "step"
    assert selected(hand) == ["cross_entropy"]
    QTest.keyClick(panel.field, Qt.Key.Key_A, CTRL)
    type(panel, "relu")
    assert hand.session.graph.id == main
    assert selected(hand) == ["relu1"]
    press(panel, Qt.Key.Key_Down)
    assert selected(hand) == ["relu2"]
    press(panel, Qt.Key.Key_Up)
    assert selected(hand) == ["relu1"]


def test_escape_goes_back_to_where_one_was(hand: WindowHand, panel: FindPanel) -> None:
    canvas, main = hand.bench.canvas, hand.session.graph.id
    press(panel, Qt.Key.Key_Escape)
    hand.select("norm1")
    canvas.set_zoom(0.7)
    canvas.centerOn(10, 20)
    before = canvas.look()
    canvas.setFocus()
    hand.key(Qt.Key.Key_F, CTRL)
    type(panel, "cross")
    assert hand.session.graph.id != main
    press(panel, Qt.Key.Key_Escape)
    assert hand.session.graph.id == main
    assert selected(hand) == ["norm1"]
    assert canvas.look().zoom == before.zoom
    assert abs(canvas.look().x - before.x) < 2
    assert abs(canvas.look().y - before.y) < 2
    assert not panel.isVisible()


def test_a_long_list_covers_no_place(hand: WindowHand, panel: FindPanel) -> None:
    type(panel, "r")
    assert panel.model.rowCount() > 4
    assert in_sight(hand, panel)
    hand.window.resize(900, 900)
    settle()
    press(panel, Qt.Key.Key_Down)
    assert in_sight(hand, panel), "also where there is no room beside it"


def test_a_click_goes_there(hand: WindowHand, panel: FindPanel) -> None:
    type(panel, "norm")
    index = panel.model.index(1, 0)
    QTest.mouseClick(panel.list.viewport(), LEFT, pos=panel.list.visualRect(index).center())
    settle()
    assert selected(hand) == ["norm2"]
    assert not panel.isVisible()


def test_nothing_found_says_so_and_changes_nothing(hand: WindowHand, panel: FindPanel) -> None:
    press(panel, Qt.Key.Key_Escape)
    hand.select("norm1")
    hand.bench.canvas.setFocus()
    hand.key(Qt.Key.Key_F, CTRL)
    type(panel, "qqqq")
    assert panel.count.text().startswith("Nothing fits.")
    press(panel, Qt.Key.Key_Return, Qt.Key.Key_Down)
    assert selected(hand) == ["norm1"]


def test_a_frame_is_found_too(hand: WindowHand, panel: FindPanel) -> None:
    frame = Frame(id="f", title="<b>Stem</b>", x=5000, y=5000)
    edits.add_frame(hand.session.history, hand.session.graph, frame)
    type(panel, "stem")
    assert hand.bench.canvas.canvas.selection == {"f"}
    assert in_sight(hand, panel)


def test_the_first_look_at_a_graph_does_not_lead_away(hand: WindowHand, panel: FindPanel) -> None:
    """A graph that has not been seen yet would be shown from its beginning."""
    session, canvas = hand.session, hand.bench.canvas
    graph = edits.add_graph(session.history, "network", "tall")
    # As a whole it is seen at a zoom that is a little small to be read.
    low = canvas.viewport().height() / 0.7 - 144
    edits.add_node(session.history, graph, "torch.nn.ReLU", name="upper")
    edits.add_node(session.history, graph, "torch.nn.ReLU", name="lowest", y=low)
    type(panel, "lowest")
    zoom = canvas.zoom
    assert 0.6 < zoom < 0.8
    assert in_sight(hand, panel)
    settle()
    assert canvas.zoom == zoom
    assert in_sight(hand, panel)


def test_it_goes_when_one_works_elsewhere(hand: WindowHand, panel: FindPanel) -> None:
    type(panel, "relu2")
    viewport = hand.bench.canvas.viewport()
    QTest.mouseClick(viewport, LEFT, pos=QPoint(5, viewport.height() - 5))
    settle()
    assert not panel.isVisible()
    assert not panel.field.hasFocus()


def test_letters_in_the_field_are_no_commands(hand: WindowHand, panel: FindPanel) -> None:
    state = hand.session.history.state
    type(panel, "mchnl")
    assert hand.session.history.state == state
