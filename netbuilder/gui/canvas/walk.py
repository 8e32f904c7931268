"""Go from node to node along the wires, by key."""

from __future__ import annotations

from typing import Literal

from netbuilder.gui.canvas.scene import CanvasScene

Way = Literal["back", "on", "before", "after"]
"""Against the flow, with it, and to the neighbours beside."""


def neighbour(scene: CanvasScene, node: str, way: Way) -> str | None:
    """The node that lies this way; None if there is none.

    With and against the flow the wires lead, in the order of the ports; to the sides the
    nearest node whose middle lies within the height of this one.
    """
    graph = scene.graph
    if graph is None or node not in scene.nodes:
        return None
    face = scene.nodes[node].face
    if way == "back":
        wires = {wire.target_port: wire.source for wire in graph.wires_into(node)}
        return next((wires[port.name] for port in face.inputs if port.name in wires), None)
    if way == "on":
        fed = sorted(
            (wire.target for wire in graph.wires_out_of(node)),
            key=lambda id: (graph.nodes[id].order, id),
        )
        return fed[0] if fed else None
    return _beside(scene, node, 1 if way == "after" else -1)


def _beside(scene: CanvasScene, node: str, side: int) -> str | None:
    down = scene.flow == "down"
    own = scene.nodes[node].box if down else scene.nodes[node].box.turned()
    best, least = None, float("inf")
    for id, item in scene.nodes.items():
        box = item.box if down else item.box.turned()
        distance = side * (box.left - own.left)
        level = (box.top + box.bottom) / 2
        if id != node and 0 < distance < least and own.top <= level <= own.bottom:
            best, least = id, distance
    return best
