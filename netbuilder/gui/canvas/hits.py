"""What is under the mouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netbuilder.graph.places import Box
from netbuilder.gui.canvas.frame_item import TITLE, Edge
from netbuilder.gui.canvas.node_item import NodeItem
from netbuilder.gui.canvas.scene import CanvasScene

Kind = Literal["port", "node", "wire", "frame", "nothing"]

WIRE_REACH = 6.0
"""How near to a wire a click means it, in pixels."""
SIDE_REACH = 5.0
"""How near to a frame's side a drag takes it, in pixels."""
END_REACH = 24.0
"""How near to its end a drag takes a wire's end, in pixels."""


DOT = "netbuilder.Reroute"
"""The layer of a reroute dot."""
DOT_REACH = 5.0
"""How near to a dot's port, in scene units, a click means it: the rest of a dot moves it."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The thing at a point: its id, and for a port its side and name.

    For a wire, `output` and `port` name the end that is near enough to be taken, if any;
    for a frame, `edge` tells the sides.
    """

    kind: Kind
    id: str = ""
    output: bool = False
    port: str = ""
    edge: Edge = (0, 0)


NOTHING = Hit("nothing")


def port_reach(zoom: float) -> float:
    """How near to a port, in scene units, a click means it."""
    return min(max(9.0, 10.0 / zoom), 20.0)


def hit(scene: CanvasScene, x: float, y: float, zoom: float) -> Hit:
    """The port, node, wire or frame title at a scene point; ports win, then nodes."""
    reach = port_reach(zoom)
    spot = Box(x, y, x + 0.01, y + 0.01)
    near = [scene.nodes[id] for id in scene.places.near(spot.grown(reach))]
    for node in near:
        key = node.port_near(x, y, DOT_REACH if is_dot(scene, node.id) else reach)
        if key is not None:
            return Hit("port", node.id, *key)
    inside = [node for node in near if node.box.meets(spot)]
    if inside:
        on_top = max(inside, key=lambda node: (node.selected, node.zValue(), node.id))
        return Hit("node", on_top.id)
    wire = wire_at(scene, x, y, WIRE_REACH / zoom)
    if wire is not None:
        return _wire_hit(scene, wire, x, y, END_REACH / zoom)
    return _frame_hit(scene, x, y, zoom)


def _frame_hit(scene: CanvasScene, x: float, y: float, zoom: float) -> Hit:
    """The title or a side of a frame, or any part of a note; of several the smallest frame."""
    reach = min(max(4.0, SIDE_REACH / zoom), 16.0)
    found: list[tuple[float, Hit]] = []
    for id, item in scene.frames.items():
        edge, box = item.edge_at(x, y, reach), item.box
        inside = box.left <= x <= box.right and box.top <= y <= box.bottom
        if edge != (0, 0) or (inside and (item.note or y - box.top < TITLE)):
            area = (box.right - box.left) * (box.bottom - box.top)
            found.append((area, Hit("frame", id, edge=edge)))
    return min(found, key=lambda one: one[0])[1] if found else NOTHING


def is_dot(scene: CanvasScene, node: str) -> bool:
    """Whether a node is a reroute dot."""
    return scene.graph is not None and scene.graph.nodes[node].layer == DOT


def port_at(
    scene: CanvasScene, x: float, y: float, reach: float, output: bool
) -> tuple[NodeItem, str] | None:
    """The port of one side that is nearest to a scene point, within `reach`, and its node."""
    spot = Box(x, y, x + 0.01, y + 0.01)
    best, least = None, reach * reach
    for id in scene.places.near(spot.grown(reach)):
        node = scene.nodes[id]
        for port in node.face.ports(output):
            at = node.port(output, port.name)
            distance = (at[0] - x) ** 2 + (at[1] - y) ** 2 if at else least + 1
            if distance <= least:
                best, least = (node, port.name), distance
    return best


def wire_at(
    scene: CanvasScene, x: float, y: float, reach: float, without: frozenset[str] = frozenset()
) -> str | None:
    """The wire nearest to a point within `reach`, leaving out those at nodes `without`."""
    spot = Box(x, y, x, y).grown(reach)
    best, least = None, reach
    for id in scene.wire_places.near(spot):
        item = scene.wires[id]
        if not without & {item.wire.source, item.wire.target}:
            distance = item.distance(x, y)
            if distance <= least:
                best, least = id, distance
    return best


def _wire_hit(scene: CanvasScene, id: str, x: float, y: float, reach: float) -> Hit:
    item = scene.wires[id]
    if item.course is not None:
        for output, (px, py) in ((False, item.course.points[-1]), (True, item.course.points[0])):
            if (px - x) ** 2 + (py - y) ** 2 <= reach * reach:
                port = item.wire.source_port if output else item.wire.target_port
                return Hit("wire", id, output, port)
    return Hit("wire", id)
