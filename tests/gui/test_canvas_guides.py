"""Snapping: what is dragged comes to stand in line with others, and lines show it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.graph.places import Box
from netbuilder.gui.canvas.guides import reach, snapped
from tests.drawing import Drawing
from tests.gui.canvas_hand import Hand

CTRL = Qt.KeyboardModifier.ControlModifier


def box(left: float, top: float, width: float = 192, height: float = 48) -> Box:
    return Box(left, top, left + width, top + height)


def test_middles_and_sides_attract() -> None:
    other = box(100, 0)
    assert snapped(box(104, 200), [other], 7).dx == -4
    wide = snapped(box(54, 200, 288), [other], 7)
    assert wide.dx == -2, "the middles are in line then"
    left = snapped(box(103, 200, 400), [other], 7)
    assert left.dx == -3
    assert snapped(box(130, 200), [other], 7).dx is None
    assert snapped(box(300, 5), [other], 7).dy == -5


def test_the_nearest_of_several_wins_and_lines_go_through_all_in_line() -> None:
    snap = snapped(box(3, 300), [box(0, 0), box(0, 600), box(5, 100)], 7)
    assert snap.dx == 2
    snap = snapped(box(3, 300), [box(0, 0), box(0, 600)], 7)
    assert snap.dx == -3
    upright = [line for line in snap.lines if line[0] == line[2]]
    assert {line[0] for line in upright} == {96, 0, 192}
    assert {(line[1], line[3]) for line in upright} == {(-12, 660)}


def test_nothing_around_is_no_line() -> None:
    assert snapped(box(3, 300), [], 7).lines == ()


@pytest.mark.parametrize(("zoom", "units"), [(1.0, 7.0), (0.4, 14.0), (4.0, 4.0)])
def test_what_is_near_depends_on_the_zoom(zoom: float, units: float) -> None:
    assert reach(zoom) == units


class Pair(Drawing):
    """A node off the grid, and one to drag."""

    def __init__(self) -> None:
        super().__init__()
        self.fixed = self.add("ReLU", name="fixed")
        self.moved = self.add("Tanh", name="moved")
        places = {self.fixed.id: (3.0, 0.0), self.moved.id: (320.0, 200.0)}
        edits.move(self.history, self.graph, places)
        self.history.seal()

    def at(self, node: Node) -> tuple[float, float]:
        return self.graph.nodes[node.id].x, self.graph.nodes[node.id].y


@pytest.fixture
def pair() -> Pair:
    return Pair()


@pytest.fixture
def hand(qapp: QApplication, pair: Pair) -> Iterator[Hand]:
    hand = Hand(pair)
    yield hand
    hand.check()
    hand.close()


def test_a_drag_ends_in_line_and_lines_are_shown_meanwhile(hand: Hand, pair: Pair) -> None:
    start = hand.node(pair.moved)
    with hand.dragging(start, start + QPoint(-312, 0)):
        assert hand.view.canvas.nodes[pair.moved.id].x() == 3
        assert len(hand.view.canvas.overlays) == 1
    assert pair.at(pair.moved) == (3, 200)
    assert hand.view.canvas.overlays == []


def test_with_ctrl_or_switched_off_only_the_grid_counts(hand: Hand, pair: Pair) -> None:
    start = hand.node(pair.moved)
    hand.drag(start, start + QPoint(-312, 0), modifiers=CTRL)
    assert pair.at(pair.moved) == (8, 200)
    pair.history.undo()
    hand.view.snapping = False
    hand.view.select([])
    with hand.dragging(start, start + QPoint(-312, 0)):
        assert hand.view.canvas.overlays == []
    assert pair.at(pair.moved) == (8, 200)


def test_escape_takes_the_lines_away(hand: Hand, pair: Pair) -> None:
    start = hand.node(pair.moved)
    with hand.dragging(start, start + QPoint(-312, 0)):
        hand.key(Qt.Key.Key_Escape)
        assert hand.view.canvas.overlays == []
    assert pair.at(pair.moved) == (320, 200)


def test_nothing_is_in_line_with_what_goes_along(hand: Hand, pair: Pair) -> None:
    hand.view.select([pair.fixed.id, pair.moved.id])
    start = hand.node(pair.moved)
    with hand.dragging(start, start + QPoint(0, 80)):
        assert hand.view.canvas.overlays == []
