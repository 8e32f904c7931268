"""A wire on the canvas. Qt paints it: the class only keeps what the canvas asks for."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from netbuilder.graph.model import Wire
from netbuilder.graph.places import Box
from netbuilder.graph.routing import Course
from netbuilder.gui.look import theme

if TYPE_CHECKING:
    from netbuilder.gui.canvas.gauge import Gauge


class Look(IntEnum):
    """How a wire is drawn; later ones win."""

    PLAIN = 0
    NEAR = 1
    """At a selected node."""
    HOVERED = 2
    SELECTED = 3
    DIMMED = 4


class Screen:
    """How many device pixels the screen has for a logical one."""

    ratio = 1.0
    vector = False
    """Whether lines go into a file that can be enlarged, with all that is drawn in it."""


def pen(color: QColor, width: float = 1.0) -> QPen:
    """A pen of that many logical pixels at every zoom; one device pixel is by far the fastest."""
    result = QPen(color, width * Screen.ratio)
    result.setCosmetic(not Screen.vector)
    result.setCapStyle(Qt.PenCapStyle.FlatCap)
    return result


class WireItem(QGraphicsPathItem):
    """The curve of one wire. `paint` is Qt's own: overriding it would cost a call a frame."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire
        self.course: Course | None = None
        self.box = Box(0, 0, 0, 0)
        self.look = Look.PLAIN
        self._lines: dict[bool, list[QLineF]] = {}
        self.gauge: Gauge | None = None
        """The instrument on it."""
        self.restyle()

    def set_course(self, course: Course) -> None:
        """Take a new course, in scene coordinates."""
        self.course = course
        self.box = course.box
        self._lines.clear()
        self.setPos(0, 0)
        self.setPath(painter_path(course))
        if self.gauge is not None:
            self.gauge.place(course)

    def set_look(self, look: Look) -> None:
        """Change the pen if need be."""
        if look != self.look:
            self.look = look
            self.restyle()

    def restyle(self) -> None:
        """Take the pen for the present look from the theme."""
        self.setPen(_pen(self.look, theme.current().name, Screen.ratio, Screen.vector))
        self.setZValue(-1 if self.look in (Look.PLAIN, Look.DIMMED) else -0.5)

    def lines(self, hair: bool = False) -> list[QLineF]:
        """The course as straight lines, for the view from afar. Not to be changed.

        With `hair` there is one for each part of the course: from very far, bends can't be seen.
        """
        if self.course is None:
            return []
        found = self._lines.get(hair)
        if found is None:
            course = self.course
            points = course.corners() if hair else course.coarse()
            found = self._lines[hair] = [QLineF(*a, *b) for a, b in pairwise(points)]
        dx, dy = self.x(), self.y()
        if dx or dy:
            return [line.translated(dx, dy) for line in found]
        return found

    def distance(self, x: float, y: float) -> float:
        """How far a point is from the wire, in scene units."""
        if self.course is None:
            return float("inf")
        points = self.course.points
        return min(_from_line(x, y, a, b) for a, b in pairwise(points))


@lru_cache(maxsize=64)
def _pen(look: Look, theme_name: str, ratio: float, vector: bool) -> QPen:
    """The pen of a look: thousands of wires share it."""
    tokens = theme.current()
    match look:
        case Look.PLAIN:
            return pen(tokens.wire)
        case Look.NEAR:
            return pen(tokens.accent)
        case Look.HOVERED | Look.SELECTED:
            return pen(tokens.accent, 2.0)
        case Look.DIMMED:
            return pen(theme.mixed(tokens.wire, tokens.surface, 0.35))


def painter_path(course: Course) -> QPainterPath:
    """The course as Qt draws it."""
    path = QPainterPath()
    path.moveTo(*course.start)
    for segment in course.segments:
        if len(segment) == 1:
            path.lineTo(*segment[0])
        else:
            (x1, y1), (x2, y2), (x3, y3) = segment
            path.cubicTo(x1, y1, x2, y2, x3, y3)
    return path


def _from_line(x: float, y: float, a: tuple[float, float], b: tuple[float, float]) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    t = 0.0 if length == 0 else max(0.0, min(1.0, ((x - a[0]) * dx + (y - a[1]) * dy) / length))
    return float(((x - a[0] - t * dx) ** 2 + (y - a[1] - t * dy) ** 2) ** 0.5)
