"""The map of the graph in the corner of the canvas."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.graph import edits
from netbuilder.gui.canvas.minimap import Minimap
from tests.drawing import Drawing
from tests.gui.canvas_hand import LEFT, NONE, Hand
from tests.gui.window_hand import WindowHand, settle, wait_for


@pytest.fixture
def hand(qapp: QApplication) -> Iterator[Hand]:
    """Twenty nodes in a row that is far longer than the view."""
    drawing = Drawing()
    nodes = [drawing.add("ReLU") for _ in range(20)]
    places = {node.id: (400.0 * number, 0.0) for number, node in enumerate(nodes)}
    edits.move(drawing.history, drawing.graph, places)
    hand = Hand(drawing)
    drawn(hand.view.minimap)
    yield hand
    hand.check()
    hand.close()


def drawn(map: Minimap) -> None:
    """Wait until the picture is that of the graph."""
    wait_for(lambda: not map._timer.isActive() and map._work is None)


def middle(hand: Hand) -> QPointF:
    return hand.view.mapToScene(hand.view.viewport().rect().center())


def colours(map: Minimap) -> int:
    """How many different colours the map shows."""
    image = map.grab().toImage()
    return len({image.pixel(x, y) for x in range(image.width()) for y in range(image.height())})


def test_it_is_there_while_not_all_is_in_sight(hand: Hand) -> None:
    map = hand.view.minimap
    assert map.isVisible()
    assert colours(map) > 5
    hand.view.frame_all()
    hand.settle()
    assert not map.isVisible()
    hand.view.set_zoom(1.0)
    hand.settle()
    assert map.isVisible()


def test_a_press_goes_there_and_a_drag_goes_on(hand: Hand) -> None:
    map = hand.view.minimap
    hand.view.centerOn(0, 0)
    hand.settle()
    right = QPoint(map.width() - 10, map.height() // 2)
    QTest.mousePress(map, LEFT, NONE, right)
    assert middle(hand).x() > 7000
    QTest.mouseMove(map, QPoint(map.width() // 2, map.height() // 2))
    assert 3000 < middle(hand).x() < 5000
    QTest.mouseRelease(map, LEFT, NONE, QPoint(map.width() // 2, map.height() // 2))
    QTest.mouseMove(map, right)
    assert middle(hand).x() < 5000
    assert not hand.view.canvas.selection, "the canvas below heard nothing"


def test_the_rectangle_is_held_where_it_was_grabbed(hand: Hand) -> None:
    map = hand.view.minimap
    hand.view.centerOn(4000, 0)
    hand.settle()
    sight, before = map.sight(), middle(hand)
    start = QPoint(round(sight.left()) + 3, round(sight.center().y()))
    QTest.mousePress(map, LEFT, NONE, start)
    assert abs(middle(hand).x() - before.x()) < 25
    QTest.mouseMove(map, start + QPoint(20, 0))
    QTest.mouseRelease(map, LEFT, NONE, start + QPoint(20, 0))
    assert 700 < middle(hand).x() - before.x() < 1100


def test_the_wheel_zooms(hand: Hand) -> None:
    map = hand.view.minimap
    at = QPointF(20, 20)
    event = QWheelEvent(
        at,
        map.mapToGlobal(at),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(map, event)
    assert hand.view.zoom > 1.1


def test_it_follows_edits_and_goes_with_the_last_node(hand: Hand) -> None:
    map, graph = hand.view.minimap, hand.drawing.graph
    world = map._world
    far = next(iter(graph.nodes))
    edits.move(hand.drawing.history, graph, {far: (0.0, 9000.0)})
    hand.settle()
    drawn(map)
    assert map._world.height() > world.height() + 8000
    edits.delete(hand.drawing.history, graph, list(graph.nodes))
    hand.settle()
    drawn(map)
    assert not map.isVisible()


def test_it_stands_where_it_hides_no_node_and_stays_there_while_the_view_moves(hand: Hand) -> None:
    map, graph, view = hand.view.minimap, hand.drawing.graph, hand.view
    right, left = view.width() - map.width() - 12, 12
    assert map.x() == right
    corner = view.mapToScene(map.geometry().center())
    first, second = list(graph.nodes)[:2]
    edits.move(hand.drawing.history, graph, {first: (corner.x() - 40, corner.y())})
    hand.settle()
    drawn(map)
    assert (map.x(), map.geometry().bottom()) == (left, view.height() - 13)
    view.centerOn(view.mapToScene(view.viewport().rect().center()) + QPointF(10, 0))
    hand.settle()
    assert map.x() == left
    edits.move(hand.drawing.history, graph, {first: (corner.x() - 40, corner.y() + 4000)})
    hand.settle()
    drawn(map)
    assert map.x() == left, "it does not go back for nothing"
    corner = view.mapToScene(map.geometry().center())
    edits.move(hand.drawing.history, graph, {second: (corner.x() - 40, corner.y())})
    hand.settle()
    drawn(map)
    assert (map.x(), map.geometry().bottom()) == (right, view.height() - 13)


def test_it_can_be_switched_off_and_is_in_the_way_of_no_small_canvas(hand: Hand) -> None:
    map = hand.view.minimap
    map.set_wanted(False)
    assert not map.isVisible()
    map.set_wanted(True)
    drawn(map)
    assert map.isVisible()
    hand.view.resize(500, 300)
    hand.settle()
    assert not map.isVisible()


def test_the_window_remembers_what_was_switched_off(hand: Hand, home: object) -> None:
    window = WindowHand()
    window.open()
    assert window.bench.canvas.minimap.wanted
    assert window.bench.canvas.snapping
    window.command("view.minimap")
    window.command("arrange.snapping")
    assert not window.window.commands.actions["view.minimap"].isChecked()
    window.close()
    window = WindowHand()
    window.open()
    settle()
    assert not window.bench.canvas.minimap.wanted
    assert not window.bench.canvas.snapping
    window.close()
