"""Edits that need to know sizes and places: adding, inserting, making room.

Each is one step to undo. They go through `graph.edits`; `ChangeError` says why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netbuilder.graph import edits, layout, rules, topology
from netbuilder.graph.layout import ALONG, NODE_SIZE
from netbuilder.graph.model import Json, Node
from netbuilder.graph.rules import End
from netbuilder.gui.canvas.places import Box
from netbuilder.layers import catalogue
from netbuilder.layers.catalogue import ports_of

if TYPE_CHECKING:
    from netbuilder.gui.canvas.editing import EditingView

GAP = 16.0


@dataclass(frozen=True, slots=True)
class LooseEnd:
    """The end of a wire that has a port already; `output` says on which side."""

    node: str
    port: str
    output: bool


def starting_parameters(view: EditingView, layer: str) -> dict[str, Json]:
    """The parameters of a fresh node: those of the layer, with the project's own names."""
    kind = catalogue.find(layer)
    values = dict(kind.starting) if kind is not None else {}
    networks = view.past.document.of_kind("network")
    if "network" in values and networks:
        values["network"] = networks[0].name
    return values


def add_layer(
    view: EditingView,
    layer: str,
    middle: tuple[float, float],
    *,
    params: Mapping[str, Json] | None = None,
    end: LooseEnd | None = None,
    wire: str | None = None,
) -> Node:
    """A new node around a point, wired to a loose end or put into a wire."""
    history, graph = view.past, view.shown
    width, height = NODE_SIZE
    x, y = edits.snap(middle[0] - width / 2), edits.snap(middle[1] - height / 2)
    values = starting_parameters(view, layer) | dict(params or {})
    kind = catalogue.find(layer)
    with history.step(f"Add {kind.title if kind else layer}"):
        node = edits.add_node(history, graph, layer, params=values, x=x, y=y)
        if wire is not None:
            insert_and_make_room(view, wire, node.id)
        elif end is not None:
            connect_loose(view, end, node)
    return graph.nodes[node.id]


def connect_loose(view: EditingView, end: LooseEnd, node: Node) -> None:
    """Wire a loose end to the first port of a node that takes it, if there is one."""
    history, graph = view.past, view.shown
    ports = ports_of(history.document, graph, node)
    for port in ports.inputs if end.output else ports.outputs:
        fixed, free = End(end.node, end.port), End(node.id, port.name)
        source, target = (fixed, free) if end.output else (free, fixed)
        if rules.may_connect(history.document, graph, source, target, ports_of) is None:
            edits.connect(history, graph, source, target, ports_of)
            return


def insert_and_make_room(view: EditingView, wire: str, node: str) -> None:
    """Put a node that is there into a wire and push what comes after it out of the way."""
    history, graph = view.past, view.shown
    target = graph.wires[wire].target
    edits.insert_on_wire(history, graph, wire, node, ports_of)
    down = history.document.project.flow == "down"
    place, after = graph.nodes[node], graph.nodes[target]
    item = view.canvas.nodes.get(node)
    size = (item.width, item.height) if item is not None else NODE_SIZE
    lacking = (place.y + size[1] - after.y) if down else (place.x + size[0] - after.x)
    lacking = edits.snap(lacking + ALONG[view.canvas.flow])
    if lacking <= 0:
        return
    pushed = topology.descendants(graph, [target]) - {node}
    before = (after.y, after.x)[0 if down else 1]
    moved = {}
    for id in pushed:
        other = graph.nodes[id]
        if (other.y if down else other.x) >= before:
            moved[id] = (other.x, other.y + lacking) if down else (other.x + lacking, other.y)
    sizes = {id: (other.width, other.height) for id, other in view.canvas.nodes.items()}
    held = layout.held_by_frames(graph, sizes)
    edits.move(history, graph, moved)
    layout.fit_frames(history, graph, sizes, held)


def free_place(view: EditingView, middle: tuple[float, float]) -> tuple[float, float]:
    """The nearest point along the flow around which a usual node covers no other."""
    width, height = NODE_SIZE
    x, y = middle
    down, gap = view.canvas.flow == "down", ALONG[view.canvas.flow]
    for _ in range(200):
        box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2).grown(GAP)
        hits = view.canvas.places.near(box)
        if not hits:
            break
        if down:
            y = max(other.bottom for other in hits.values()) + gap + height / 2
        else:
            x = max(other.right for other in hits.values()) + gap + width / 2
    return x, y


def place_after(view: EditingView, node: str) -> tuple[float, float]:
    """The middle of a free place right after a node."""
    box = view.canvas.nodes[node].box
    width, height = NODE_SIZE
    gap = ALONG[view.canvas.flow]
    if view.canvas.flow == "down":
        return free_place(view, ((box.left + box.right) / 2, box.bottom + gap + height / 2))
    return free_place(view, (box.right + gap + width / 2, (box.top + box.bottom) / 2))


def free_output(view: EditingView, layer: str) -> LooseEnd | None:
    """The selected node's free output, if one node is selected and the layer has an input."""
    chosen = view.canvas.selected_nodes()
    kind = catalogue.find(layer)
    if len(chosen) != 1 or kind is None or not kind.inputs:
        return None
    free = [port for port in view.canvas.nodes[chosen[0]].face.outputs if not port.wired]
    return LooseEnd(chosen[0], free[0].name, True) if free else None
