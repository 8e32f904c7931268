"""The right button's menu, and what is remembered of the layers that one uses."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from netbuilder.app.usage import MOST_LAYERS, MOST_TIMES, kept
from netbuilder.gui.canvas.hits import DOT
from netbuilder.gui.context_menu import MENUS, TITLES
from tests.gui.window_hand import WindowHand, settle

CTRL = Qt.KeyboardModifier.ControlModifier


def open_menu(hand: WindowHand, at: QPointF, *, by_key: bool = False) -> QMenu:
    """Press the right button, or the menu key, at a scene point."""
    view = hand.bench.canvas
    reason = QContextMenuEvent.Reason.Keyboard if by_key else QContextMenuEvent.Reason.Mouse
    pixel = view.mapFromScene(at)
    place = view.viewport().mapToGlobal(pixel)
    QApplication.sendEvent(view.viewport(), QContextMenuEvent(reason, pixel, place))
    settle()
    menu = cast(QMenu, view.findChild(QMenu, "contextMenu"))
    return menu


def choose(menu: QMenu, id: str) -> None:
    """Click an entry, as a person does."""
    assert menu.isVisible()
    action = next(action for action in menu.actions() if action.objectName() == id)
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    settle()


def titles(menu: QMenu) -> list[str]:
    return [a.text().partition("\t")[0] for a in menu.actions() if not a.isSeparator()]


def card(hand: WindowHand, name: str) -> QPointF:
    """A point on a node's card."""
    node = hand.session.graph.named(name)
    assert node is not None
    box = hand.bench.canvas.canvas.nodes[node.id].box
    return QPointF(box.left + 24, (box.top + box.bottom) / 2)


def port(hand: WindowHand, name: str, port: str, *, output: bool) -> QPointF:
    node = hand.session.graph.named(name)
    assert node is not None
    at = hand.bench.canvas.canvas.nodes[node.id].port(output, port)
    assert at is not None
    return QPointF(*at)


def feeds(hand: WindowHand, name: str) -> str | None:
    graph = hand.session.graph
    node = graph.named(name)
    assert node is not None
    wire = graph.wire_into(node.id, "input")
    return None if wire is None else graph.nodes[wire.source].name


@pytest.fixture
def opened(hand: WindowHand) -> WindowHand:
    hand.open()
    hand.bench.canvas.set_zoom(1.0)
    hand.bench.canvas.center_on(hand.select("relu1"))
    settle()
    return hand


def test_every_entry_is_a_command(opened: WindowHand) -> None:
    known = set(opened.window.commands.commands)
    assert {id for groups in MENUS.values() for group in groups for id in group} <= known
    assert {id for _, id in TITLES} <= known


def test_a_nodes_menu_is_about_that_node(opened: WindowHand) -> None:
    menu = open_menu(opened, card(opened, "conv1"))
    node = opened.session.graph.named("conv1")
    assert node is not None
    assert opened.bench.canvas.selection() == [node.id]
    assert "Add a layer after it…" in titles(menu)
    assert "Take the block apart" not in titles(menu), "it is no block"
    choose(menu, "edit.delete")
    assert opened.session.graph.named("conv1") is None
    assert opened.bench.canvas.pointed is None


def test_a_menu_keeps_a_selection_that_it_points_into(opened: WindowHand) -> None:
    conv, relu = opened.select("conv1"), opened.select("relu1")
    opened.bench.canvas.select([conv, relu])
    menu = open_menu(opened, card(opened, "relu1"))
    choose(menu, "edit.delete_reconnect")
    assert opened.session.graph.named("conv1") is None
    assert opened.session.graph.named("relu1") is None


def test_a_ports_menu_breaks_its_wires_alone(opened: WindowHand) -> None:
    menu = open_menu(opened, port(opened, "relu1", "output", output=True))
    assert titles(menu) == ["Add a layer here…", "Connect…", "Break its wires"]
    before = feeds(opened, "relu1")
    choose(menu, "wire.break")
    assert feeds(opened, "relu1") == before is not None
    assert not opened.session.graph.wires_out_of(opened.select("relu1"))


def test_a_layer_from_an_inputs_menu_feeds_it(opened: WindowHand) -> None:
    menu = open_menu(opened, port(opened, "relu1", "input", output=False))
    choose(menu, "edit.add")
    canvas = opened.bench.canvas
    assert canvas.popup.isVisible()
    assert canvas.popup.words.text() == "Before relu1"
    QTest.keyClicks(canvas.popup.field, "tanh")
    QTest.keyClick(canvas.popup.field, Qt.Key.Key_Return)
    settle()
    assert feeds(opened, "relu1") == "tanh"


def test_a_wires_menu_inserts_and_leads_around(opened: WindowHand) -> None:
    canvas = opened.bench.canvas
    node = opened.session.graph.named("relu1")
    assert node is not None
    wire = opened.session.graph.wire_into(node.id, "input")
    assert wire is not None
    course = canvas.canvas.wires[wire.id].course
    assert course is not None
    (x1, y1), (x2, y2) = course.points[0], course.points[-1]
    middle = QPointF((x1 + x2) / 2, (y1 + y2) / 2)
    choose(open_menu(opened, middle), "wire.dot")
    (dot,) = [node for node in opened.session.graph.nodes.values() if node.layer == DOT]
    assert feeds(opened, "relu1") == dot.name
    opened.session.history.undo()
    settle()
    choose(open_menu(opened, middle), "edit.add")
    QTest.keyClicks(canvas.popup.field, "batchnorm2d")
    QTest.keyClick(canvas.popup.field, Qt.Key.Key_Return)
    settle()
    assert feeds(opened, "relu1") == "batch_norm2d"


def test_paste_from_the_menu_goes_where_it_was_opened(opened: WindowHand) -> None:
    opened.select("relu1")
    canvas = opened.bench.canvas
    canvas.copy()
    at = canvas.mapToScene(QPoint(60, 60))
    choose(open_menu(opened, at), "edit.paste")
    pasted = opened.session.graph.nodes[canvas.selection()[0]]
    box = canvas.canvas.nodes[pasted.id].box
    assert abs((box.left + box.right) / 2 - at.x()) <= 8
    assert abs((box.top + box.bottom) / 2 - at.y()) <= 8


def test_the_menu_key_asks_about_the_selection(opened: WindowHand) -> None:
    node = opened.select("conv1")
    menu = open_menu(opened, QPointF(-5000, -5000), by_key=True)
    assert opened.bench.canvas.selection() == [node]
    assert "Delete and reconnect" in titles(menu)
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    settle()
    assert opened.bench.canvas.pointed is None


def test_no_menu_where_the_right_button_cuts(opened: WindowHand) -> None:
    view = opened.bench.canvas
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Mouse, QPoint(9, 9), view.mapToGlobal(QPoint(9, 9)), CTRL
    )
    QApplication.sendEvent(view.viewport(), event)
    settle()
    menu = cast(QMenu, view.findChild(QMenu, "contextMenu"))
    assert not menu.isVisible()


# -- what one uses -----------------------------------------------------------------------


def test_used_layers_come_first_in_the_next_session(qapp: QApplication, home: Path) -> None:
    for session in range(2):
        hand = WindowHand()
        hand.open()
        canvas = hand.bench.canvas
        canvas.select(())
        canvas.start_add()
        first = canvas.popup.model.index(0, 0).data()
        canvas.popup.close_list()
        for _ in range(0 if session else 24):
            canvas.select(())
            canvas.add("torch.nn.GELU")
        hand.close()
        assert (first == "GELU") == (session == 1)


def test_old_uses_fade_and_few_layers_are_kept() -> None:
    counts = {f"layer{n}": n for n in range(1, 500)}
    result = kept(counts)
    assert len(result) == MOST_LAYERS
    assert max(result.values()) <= MOST_TIMES
    assert "layer499" in result
    assert "layer1" not in result
    assert kept({}) == {}
    assert kept({"a": 3, "b": 0}) == {"a": 3}
