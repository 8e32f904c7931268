"""Where the nodes are: an index of rectangles for the mouse, box selection and wire routing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

CELL = 256.0


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
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def turned(self) -> Box:
        """The box with its axes exchanged."""
        return Box(self.top, self.left, self.bottom, self.right)


class Places:
    """Boxes by id in a grid of buckets."""

    def __init__(self) -> None:
        self._boxes: dict[str, Box] = {}
        self._cells: dict[tuple[int, int], set[str]] = {}

    def __len__(self) -> int:
        return len(self._boxes)

    def put(self, id: str, box: Box) -> None:
        """Add or move a box."""
        old = self._boxes.get(id)
        if old == box:
            return
        if old is not None:
            self.drop(id)
        self._boxes[id] = box
        for cell in self._covered(box):
            self._cells.setdefault(cell, set()).add(id)

    def drop(self, id: str) -> None:
        """Forget a box."""
        for cell in self._covered(self._boxes.pop(id)):
            inside = self._cells[cell]
            inside.discard(id)
            if not inside:
                del self._cells[cell]

    def box(self, id: str) -> Box:
        return self._boxes[id]

    def near(self, box: Box) -> dict[str, Box]:
        """The boxes that overlap `box`."""
        cells = list(self._covered(box)) if _count(box) <= len(self._cells) else None
        if cells is None:
            return {id: other for id, other in self._boxes.items() if other.meets(box)}
        ids = {id for cell in cells for id in self._cells.get(cell, ())}
        return {id: self._boxes[id] for id in ids if self._boxes[id].meets(box)}

    def bounds(self) -> Box | None:
        """The box around all boxes; None if there are none."""
        boxes = self._boxes.values()
        if not boxes:
            return None
        return Box(
            min(box.left for box in boxes),
            min(box.top for box in boxes),
            max(box.right for box in boxes),
            max(box.bottom for box in boxes),
        )

    @staticmethod
    def _covered(box: Box) -> Iterator[tuple[int, int]]:
        for column in range(int(box.left // CELL), int(box.right // CELL) + 1):
            for row in range(int(box.top // CELL), int(box.bottom // CELL) + 1):
                yield column, row


def _count(box: Box) -> float:
    return ((box.right - box.left) / CELL + 2) * ((box.bottom - box.top) / CELL + 2)
