"""The course of a wire: a smooth curve, and a lane beside the nodes where one is in its way."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from netbuilder.graph.layout import Flow
from netbuilder.graph.places import Box

Point = tuple[float, float]
Obstacles = Callable[[Box], Collection[Box]]
"""The nodes that overlap a box, in scene coordinates."""

BEND = 40.0
"""How far along the flow a turn into a lane reaches: it fits between two layers."""
DROP = 18.0
CLEARANCE = 20.0
STEPS = 12


@dataclass(frozen=True, slots=True)
class Course:
    """Segments of a path: a point for a line, three points for a cubic curve.

    `points` is the same course as a polyline, to test hits and to draw from afar.
    """

    start: Point
    segments: tuple[tuple[Point, ...], ...]
    points: tuple[Point, ...]

    @property
    def box(self) -> Box:
        xs, ys = zip(*self.points, strict=True)
        return Box(min(xs), min(ys), max(xs), max(ys))

    def coarse(self) -> list[Point]:
        """The course with few points: for the view from afar."""
        points = [self.start]
        for segment in self.segments:
            points += [segment[0]] if len(segment) == 1 else _flat(points[-1], segment, 4)
        return points

    def corners(self) -> list[Point]:
        """Where the parts of the course meet: for the view from very far."""
        return [self.start, *(segment[-1] for segment in self.segments)]

    def turned(self) -> Course:
        """The course with its axes exchanged."""
        return Course(
            _turn(self.start),
            tuple(tuple(map(_turn, segment)) for segment in self.segments),
            tuple(map(_turn, self.points)),
        )


def _turn(point: Point) -> Point:
    return point[1], point[0]


def course(start: Point, end: Point, flow: Flow, obstacles: Obstacles | None = None) -> Course:
    """From an output port to an input port; around `obstacles`, if they are given."""
    if flow == "right":
        turned = None if obstacles is None else _turned(obstacles)
        return course(_turn(start), _turn(end), "down", turned).turned()
    plain = _curve(start, end)
    if obstacles is None:
        return plain
    if end[1] - start[1] >= 16:
        near = obstacles(plain.box)
        if not near or not _crosses(plain.points, near):
            return plain
    lane = _lane(start, end, obstacles)
    return plain if lane is None else _detour(start, end, lane)


def _turned(obstacles: Obstacles) -> Obstacles:
    return lambda box: [other.turned() for other in obstacles(box.turned())]


def _curve(start: Point, end: Point) -> Course:
    (x1, y1), (x2, y2) = start, end
    if x1 == x2 and y2 > y1:
        return Course(start, ((end,),), (start, end))
    reach = min(max(abs(y2 - y1) / 2, 24.0), 96.0)
    if x2 > x1 + 8 and y2 > y1:
        # To the right it would cross the shape beside its port: straight past that first.
        turn = y1 + min(DROP, (y2 - y1) * 0.4)
        reach = max((y2 - turn) / 2, 16.0)
        return _course(start, ((x1, turn),), ((x1, turn + reach), (x2, y2 - reach), end))
    return _course(start, ((x1, y1 + reach), (x2, y2 - reach), end))


def _detour(start: Point, end: Point, lane: float) -> Course:
    (x1, y1), (x2, y2) = start, end
    if y2 - y1 >= 2 * BEND:
        # Straight past the shape that stands beside the port, then over.
        turn, leave, enter = y1 + DROP, y1 + BEND, y2 - BEND
        out = ((x1, leave), (lane, turn), (lane, leave + 8))
        back = ((lane, y2 - BEND * 0.25), (x2, y2 - BEND * 0.75), end)
        return _course(start, ((x1, turn),), out, ((lane, enter),), back)
    out = ((x1, y1 + BEND), (lane, y1 + BEND), (lane, y1))
    back = ((lane, y2 - BEND), (x2, y2 - BEND), end)
    return _course(start, out, ((lane, y2),), back)


def _course(start: Point, *segments: tuple[Point, ...]) -> Course:
    points = [start]
    for segment in segments:
        points += [segment[0]] if len(segment) == 1 else _flat(points[-1], segment)
    return Course(start, segments, tuple(points))


def _flat(p: Point, segment: tuple[Point, ...], steps: int = 0) -> list[Point]:
    """Points on a cubic Bézier curve, without its start; a long one has more."""
    a, b, c = segment
    steps = steps or max(STEPS, min(64, int(abs(c[1] - p[1]) / 24)))
    result = []
    for number in range(1, steps + 1):
        t = number / steps
        u = 1 - t
        k0, k1, k2, k3 = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        result.append(
            (
                k0 * p[0] + k1 * a[0] + k2 * b[0] + k3 * c[0],
                k0 * p[1] + k1 * a[1] + k2 * b[1] + k3 * c[1],
            )
        )
    return result


def _crosses(points: Collection[Point], boxes: Collection[Box]) -> bool:
    return any(
        box.left - 6 < x < box.right + 6 and box.top < y < box.bottom
        for box in boxes
        for x, y in _dense(list(points))
    )


def _dense(points: list[Point]) -> list[Point]:
    """The polyline's points, with more of them where they are far apart."""
    if len(points) > 2:
        return points
    (x1, y1), (x2, y2) = points
    steps = max(2, int(abs(y2 - y1) / 24))
    return [(x1 + (x2 - x1) * n / steps, y1 + (y2 - y1) * n / steps) for n in range(1, steps)]


def _lane(start: Point, end: Point, obstacles: Obstacles) -> float | None:
    """Where a straight lane beside the nodes passes; the nearer side, right if equal."""
    forward = end[1] - start[1] >= 2 * BEND
    top = start[1] + 12 if forward else end[1] - BEND / 2
    bottom = end[1] - 12 if forward else start[1] + BEND / 2
    middle = (start[0] + end[0]) / 2
    # Longer wires run further out, so that nested ones don't lie on each other.
    spare = CLEARANCE + 6 * min(6, int((bottom - top) / 250))
    best: float | None = None
    for side in (1, -1):
        lane = _free(middle, side, top, bottom, spare, obstacles)
        if lane is not None and (best is None or abs(lane - middle) < abs(best - middle) - 1):
            best = lane
    return best


def _free(
    middle: float, side: int, top: float, bottom: float, spare: float, obstacles: Obstacles
) -> float | None:
    lane = middle
    for _ in range(24):
        hits = obstacles(Box(lane - CLEARANCE + 4, top, lane + CLEARANCE - 4, bottom))
        if not hits:
            return lane
        edge = max(b.right for b in hits) if side > 0 else min(b.left for b in hits)
        lane = edge + side * spare
    return None
