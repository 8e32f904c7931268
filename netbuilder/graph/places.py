"""Where things are: an index of rectangles for the mouse, box selection and wire routing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

CELL = 320.0
MOST_CELLS = 64
"""What would cover more cells than these is looked at every time instead."""


class Box(NamedTuple):
    """A rectangle in scene units."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def grown(self, by: float) -> Box:
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def joined(self, other: Box) -> Box:
        left, top, right, bottom = self
        other_left, other_top, other_right, other_bottom = other
        return Box(
            left if left < other_left else other_left,
            top if top < other_top else other_top,
            right if right > other_right else other_right,
            bottom if bottom > other_bottom else other_bottom,
        )

    def turned(self) -> Box:
        """The box with its axes exchanged."""
        return Box(self.top, self.left, self.bottom, self.right)


class Places:
    """Boxes by id in a grid of buckets."""

    def __init__(self) -> None:
        self._boxes: dict[str, Box] = {}
        self._cells: dict[tuple[int, int], set[str]] = {}
        self._wide: set[str] = set()

    def __len__(self) -> int:
        return len(self._boxes)

    def __contains__(self, id: str) -> bool:
        return id in self._boxes

    def put(self, id: str, box: Box) -> None:
        """Add or move a box."""
        old = self._boxes.get(id)
        if old == box:
            return
        if old is not None:
            self.drop(id)
        self._boxes[id] = box
        if _count(box) > MOST_CELLS:
            self._wide.add(id)
            return
        cells = self._cells
        for cell in _covered(box):
            inside = cells.get(cell)
            if inside is None:
                cells[cell] = {id}
            else:
                inside.add(id)

    def drop(self, id: str) -> None:
        """Forget a box."""
        box = self._boxes.pop(id)
        if id in self._wide:
            self._wide.discard(id)
            return
        for cell in _covered(box):
            inside = self._cells[cell]
            inside.discard(id)
            if not inside:
                del self._cells[cell]

    def box(self, id: str) -> Box:
        return self._boxes[id]

    def near(self, box: Box) -> dict[str, Box]:
        """The boxes that overlap `box`."""
        boxes = self._boxes
        if _count(box) > len(self._cells):
            return {id: other for id, other in boxes.items() if other.meets(box)}
        cells = self._cells
        ids = set(self._wide)
        for cell in _covered(box):
            inside = cells.get(cell)
            if inside:
                ids |= inside
        return {id: boxes[id] for id in ids if boxes[id].meets(box)}

    def bounds(self) -> Box | None:
        """The box around all boxes; None if there are none."""
        return around(self._boxes.values())


def around(boxes: Collection[Box]) -> Box | None:
    """The box around all of these; None if there are none."""
    if not boxes:
        return None
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def _covered(box: Box) -> Iterator[tuple[int, int]]:
    rows = range(int(box.top // CELL), int(box.bottom // CELL) + 1)
    for column in range(int(box.left // CELL), int(box.right // CELL) + 1):
        for row in rows:
            yield column, row


def _count(box: Box) -> float:
    return ((box.right - box.left) / CELL + 2) * ((box.bottom - box.top) / CELL + 2)
