"""Aligning and spreading boxes."""

from __future__ import annotations

import pytest

from netbuilder.graph.arrange import Box, Side, aligned, spread

BOXES: dict[str, Box] = {
    "a": (0.0, 0.0, 192.0, 48.0),
    "b": (64.0, 200.0, 96.0, 64.0),
    "c": (400.0, 72.0, 200.0, 48.0),
}


@pytest.mark.parametrize(
    ("side", "axis", "share"),
    [("left", 0, 0), ("centre", 0, 0.5), ("right", 0, 1), ("top", 1, 0), ("bottom", 1, 1)],
)
def test_aligned_boxes_share_a_line(side: Side, axis: int, share: float) -> None:
    places = aligned(BOXES, side)
    lines = {places[id][axis] + BOXES[id][axis + 2] * share for id in BOXES}
    assert max(lines) - min(lines) <= 8, "the grid counts more"
    other = 1 - axis
    assert all(places[id][other] == BOXES[id][other] for id in BOXES)


def test_the_outermost_box_stays_when_sides_are_aligned() -> None:
    assert aligned(BOXES, "left")["a"] == (0.0, 0.0)
    assert aligned(BOXES, "right")["c"] == (400.0, 72.0)


def test_spread_boxes_have_equal_gaps_and_keep_the_ends() -> None:
    boxes: dict[str, Box] = {
        "a": (0.0, 0.0, 80.0, 40.0),
        "c": (400.0, 9.0, 80.0, 40.0),
        "b": (88.0, 5.0, 80.0, 40.0),
        "d": (720.0, 5.0, 80.0, 40.0),
    }
    places = spread(boxes, "across")
    assert [places[id][0] for id in "abcd"] == [0, 240, 480, 720]
    assert [places[id][1] for id in "abcd"] == [0, 5, 9, 5]


def test_boxes_without_room_between_them_still_do_not_overlap() -> None:
    boxes: dict[str, Box] = {name: (n * 8.0, 0.0, 80.0, 40.0) for n, name in enumerate("abc")}
    places = spread(boxes, "across")
    assert [places[id][0] for id in "abc"] == [0, 80, 160]


def test_nothing_and_two_stay() -> None:
    assert aligned({}, "left") == {}
    assert spread({}, "down") == {}
    two: dict[str, Box] = {"a": (0.0, 0.0, 8.0, 8.0), "b": (0.0, 99.0, 8.0, 8.0)}
    assert spread(two, "down") == {"a": (0.0, 0.0), "b": (0.0, 99.0)}
