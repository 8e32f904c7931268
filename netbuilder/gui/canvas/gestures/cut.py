"""Cut wires: a line is drawn across them, and those that it crosses go."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem

from netbuilder.graph import edits
from netbuilder.graph.places import Box
from netbuilder.gui.canvas.gestures.base import Gesture, Mouse
from netbuilder.gui.canvas.wire_item import WireItem, painter_path, pen
from netbuilder.gui.look import theme

Point = tuple[float, float]


class CutWires(Gesture):
    """Ctrl and the right button; the wires that the line crosses turn red before they go."""

    cursor = Qt.CursorShape.CrossCursor

    def begin(self) -> None:
        self._points: list[Point] = [(self.press.at.x(), self.press.at.y())]
        self._cut: set[str] = set()
        color = theme.current().error
        line = pen(color, 1.0)
        line.setStyle(Qt.PenStyle.DashLine)
        self._line, self._going = QGraphicsPathItem(), QGraphicsPathItem()
        for item, drawn in ((self._going, pen(color, 2.0)), (self._line, line)):
            item.setPen(drawn)
            item.setZValue(10)
            self.scene.add_overlay(item)

    def drag(self, mouse: Mouse) -> None:
        start, end = self._points[-1], (mouse.at.x(), mouse.at.y())
        self._points.append(end)
        near = self.scene.wire_places.near(_box(start, end).grown(1))
        cut = {id for id in near if crosses(self.scene.wires[id], start, end)} - self._cut
        if cut:
            self._cut |= cut
            self._going.setPath(self._path_of(self._cut))
        path = QPainterPath()
        path.moveTo(*self._points[0])
        for point in self._points[1:]:
            path.lineTo(*point)
        self._line.setPath(path)
        count = len(self._cut)
        self.view.hint.show_at(mouse.pixel, "1 wire" if count == 1 else f"{count} wires")
        self.view.refresh()

    def _path_of(self, wires: set[str]) -> QPainterPath:
        path = QPainterPath()
        for id in wires & set(self.scene.wires):
            course = self.scene.wires[id].course
            if course is not None:
                path.addPath(painter_path(course))
        return path

    def drop(self, mouse: Mouse) -> None:
        wires = sorted(self._cut & set(self.scene.wires))
        self.cancel()
        if wires:
            self.view.edit(lambda: self._delete(wires))

    def _delete(self, wires: list[str]) -> None:
        some = "1 wire" if len(wires) == 1 else f"{len(wires)} wires"
        with self.view.past.step(f"Cut {some}"):
            edits.delete(self.view.past, self.view.shown, wires)

    def cancel(self) -> None:
        if not self.dragged:
            return
        self.scene.drop_overlay(self._line)
        self.scene.drop_overlay(self._going)
        self.view.hint.hide()
        self.view.refresh()


def crosses(item: WireItem, start: Point, end: Point) -> bool:
    """Whether the straight line from `start` to `end` crosses a wire."""
    if item.course is None:
        return False
    # A straight wire's box has no width.
    if not item.box.grown(0.5).meets(_box(start, end).grown(0.5)):
        return False
    return any(_meet(start, end, a, b) for a, b in pairwise(item.course.points))


def _box(a: Point, b: Point) -> Box:
    return Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))


def _meet(p: Point, q: Point, a: Point, b: Point) -> bool:
    """Whether the segments pq and ab have a point in common."""
    return (
        _side(p, q, a) * _side(p, q, b) <= 0
        and _side(a, b, p) * _side(a, b, q) <= 0
        and _near(p, q, a, b)
    )


def _near(p: Point, q: Point, a: Point, b: Point) -> bool:
    """Whether the boxes around two segments touch: parallel ones have no side."""
    return all(
        max(min(p[i], q[i]), min(a[i], b[i])) <= min(max(p[i], q[i]), max(a[i], b[i]))
        for i in (0, 1)
    )


def _side(a: Point, b: Point, p: Point) -> float:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
