"""Snapping: a dragged node comes to stand in line with others, and lines show with which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem

from netbuilder.graph.places import Box
from netbuilder.gui.canvas.wire_item import pen
from netbuilder.gui.look import theme

if TYPE_CHECKING:
    from netbuilder.gui.canvas.items import ItemScene

PIXELS = 7.0
"""How near to a line, in pixels, something is drawn to it."""
LEAST, MOST = 4.0, 14.0
"""The same in scene units: never less, never more."""
AROUND = 900.0
"""How far away others may be, in scene units."""
OVER = 12.0
"""So much a guide reaches over what it goes through."""

Line = tuple[float, float, float, float]
"""From x, y to x, y."""


@dataclass(frozen=True, slots=True)
class Snap:
    """How far to move across and down to be in line; None where there is nothing to be in line."""

    dx: float | None
    dy: float | None
    lines: tuple[Line, ...] = ()


def reach(zoom: float) -> float:
    """How near, in scene units, counts as meant."""
    return min(max(LEAST, PIXELS / zoom), MOST)


def snapped(box: Box, others: Iterable[Box], within: float) -> Snap:
    """The least way that brings a side or a middle of `box` in line with those of others."""
    boxes = list(others)
    dx = _nearest(box, boxes, within)
    dy = _nearest(box.turned(), [other.turned() for other in boxes], within)
    moved = Box(
        box.left + (dx or 0), box.top + (dy or 0), box.right + (dx or 0), box.bottom + (dy or 0)
    )
    lines: list[Line] = []
    if dx is not None:
        lines += _lines(moved, boxes)
    if dy is not None:
        turned = _lines(moved.turned(), [other.turned() for other in boxes])
        lines += [(y1, x1, y2, x2) for x1, y1, x2, y2 in turned]
    return Snap(dx, dy, tuple(lines))


def _marks(box: Box) -> tuple[float, float, float]:
    """Middle first: what is in line there has straight wires."""
    return (box.left + box.right) / 2, box.left, box.right


def _nearest(box: Box, others: list[Box], within: float) -> float | None:
    best: float | None = None
    for mark, *theirs in zip(_marks(box), *(_marks(other) for other in others), strict=True):
        for other in theirs:
            way = other - mark
            if abs(way) <= within and (best is None or abs(way) < abs(best)):
                best = way
    return best


def _lines(box: Box, others: list[Box]) -> list[Line]:
    """Upright lines through all that is in line with the box; one for each place."""
    result: list[Line] = []
    for mark, *theirs in zip(_marks(box), *(_marks(other) for other in others), strict=True):
        met = [other for other, at in zip(others, theirs, strict=True) if abs(at - mark) < 0.01]
        if met and all(abs(line[0] - mark) > 0.01 for line in result):
            top = min(box.top, *(other.top for other in met)) - OVER
            bottom = max(box.bottom, *(other.bottom for other in met)) + OVER
            result.append((mark, top, mark, bottom))
    return result


class Guides:
    """The lines of one drag. They are shown by `aim` and must be taken away by `hide`."""

    def __init__(self, scene: ItemScene, moving: Iterable[str]) -> None:
        """`moving` are the ids that the drag takes along: nothing is in line with itself."""
        self._scene = scene
        self._moving = frozenset(moving)
        self._item: QGraphicsPathItem | None = None

    def aim(self, box: Box, zoom: float) -> Snap:
        """Where a box would rather be; the lines are shown."""
        near = self._scene.places.near(box.grown(AROUND))
        others = [other for id, other in near.items() if id not in self._moving]
        snap = snapped(box, others, reach(zoom))
        self._show(snap.lines)
        return snap

    def hide(self) -> None:
        """Take the lines away."""
        if self._item is not None:
            self._scene.drop_overlay(self._item)
            self._item = None

    def _show(self, lines: tuple[Line, ...]) -> None:
        if not lines:
            self.hide()
            return
        if self._item is None:
            self._item = QGraphicsPathItem()
            stroke = pen(theme.current().accent)
            stroke.setStyle(Qt.PenStyle.DashLine)
            self._item.setPen(stroke)
            self._item.setZValue(9)
            self._scene.add_overlay(self._item)
        path = QPainterPath()
        for x1, y1, x2, y2 in lines:
            path.moveTo(QPointF(x1, y1))
            path.lineTo(QPointF(x2, y2))
        self._item.setPath(path)
