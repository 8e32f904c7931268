"""Where a new node goes: how large it will be, and the nearest place where it covers no other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from netbuilder.graph import rules
from netbuilder.graph.edits import snap
from netbuilder.graph.layout import ALONG, NODE_SIZE, Size
from netbuilder.graph.layout import BESIDE as BETWEEN
from netbuilder.graph.model import Json, Node
from netbuilder.graph.places import Box
from netbuilder.gui.canvas.face import Face, face_of
from netbuilder.gui.canvas.node_item import NodeItem
from netbuilder.gui.canvas.search import NETWORK

if TYPE_CHECKING:
    from netbuilder.gui.canvas.editing import EditingView

Point = tuple[float, float]

GAP = 16.0
"""The least room between a new node and the others, in scene units."""
TRIES = 400
BESIDE, BACK = 0.35, 4.0
"""What a step to the side and one against the flow cost, when one along it costs 1.

To the left or up is a little dearer: what is beside a chain stands at its right."""


def face_to_be(view: EditingView, layer: str, params: Mapping[str, Json]) -> Face:
    """How a node of this layer would look in the shown graph."""
    document, graph = view.past.document, view.shown
    node = Node(id="", layer=layer, name=fresh_name(view, layer, params), params=dict(params))
    return face_of(document, graph, node, None, ())


def fresh_name(view: EditingView, layer: str, params: Mapping[str, Json]) -> str:
    """A free name for a new node: from its layer, or from the graph that it calls."""
    called = params.get("block") or (params.get("network") if layer == NETWORK else None)
    wanted = rules.identifier(called) if isinstance(called, str) else rules.default_name(layer)
    return rules.unique_name(wanted, {node.name for node in view.shown.nodes.values()})


def size_to_be(view: EditingView, layer: str, params: Mapping[str, Json]) -> Size:
    """Width and height of a node of this layer, in scene units."""
    item = NodeItem("", face_to_be(view, layer, params), view.canvas.flow)
    return item.width, item.height


def corner(middle: Point, size: Size) -> Point:
    """The top left corner, on the grid, of a node around a point."""
    return snap(middle[0] - size[0] / 2), snap(middle[1] - size[1] / 2)


def free_place(
    view: EditingView,
    middle: Point,
    size: Size = NODE_SIZE,
    *,
    along: bool = False,
    ignore: Collection[str] = (),
) -> Point:
    """The nearest point around which a node of this size covers no other.

    With `along`, places beside and after are preferred to those against the flow.
    Nodes that are to `ignore` may be covered: they will make room.
    """
    down = view.canvas.flow == "down"
    # Left, right, up, down; equal costs where nothing says which way the node belongs.
    costs = (1.0, 1.0, 1.0, 1.0)
    if along:
        other = BESIDE * 1.2
        costs = (other, BESIDE, BACK, 1.0) if down else (BACK, 1.0, other, BESIDE)
    waiting: list[tuple[float, Point]] = [(0.0, middle)]
    seen = {middle}
    for _ in range(TRIES):
        if not waiting:
            break
        _, at = heappop(waiting)
        hits = _covered(view, at, size, ignore)
        if not hits:
            return at
        for way in _ways_out(at, size, hits, down):
            if way not in seen:
                seen.add(way)
                heappush(waiting, (_cost(middle, way, costs), way))
    return middle


def _covered(view: EditingView, at: Point, size: Size, ignore: Collection[str]) -> list[Box]:
    (x, y), (width, height) = at, size
    left, top = snap(x - width / 2), snap(y - height / 2)
    box = Box(left, top, left + width, top + height).grown(GAP - 1)
    return [other for id, other in view.canvas.places.near(box).items() if id not in ignore]


def _ways_out(at: Point, size: Size, hits: list[Box], down: bool) -> list[Point]:
    """Past what is in the way, to each of the four sides."""
    (x, y), (width, height) = at, size
    across, upright = (BETWEEN, ALONG["down"]) if down else (ALONG["right"], BETWEEN)
    return [
        (min(box.left for box in hits) - across - width / 2, y),
        (max(box.right for box in hits) + across + width / 2, y),
        (x, min(box.top for box in hits) - upright - height / 2),
        (x, max(box.bottom for box in hits) + upright + height / 2),
    ]


def _cost(start: Point, end: Point, costs: tuple[float, float, float, float]) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    return abs(dx) * costs[0 if dx < 0 else 1] + abs(dy) * costs[2 if dy < 0 else 3]


def after_port(view: EditingView, node: str, port: str, size: Size) -> Point:
    """The middle of a node of this size that stands right after an output port."""
    item = view.canvas.nodes[node]
    box, at = item.box, item.port(True, port)
    gap = ALONG[view.canvas.flow]
    if view.canvas.flow == "down":
        x = at[0] if at else (box.left + box.right) / 2
        return x, box.bottom + gap + size[1] / 2
    y = at[1] if at else (box.top + box.bottom) / 2
    return box.right + gap + size[0] / 2, y


def at_wire_end(view: EditingView, at: Point, size: Size, output: bool) -> Point:
    """The middle of a node whose port takes the wire that was drawn from an output to `at`.

    Without `output` the wire was drawn from an input, and the node's output takes it.
    """
    side = 1 if output else -1
    if view.canvas.flow == "down":
        return at[0], at[1] + side * size[1] / 2
    return at[0] + side * size[0] / 2, at[1]
