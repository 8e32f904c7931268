"""Edits that need to know sizes and places: adding, inserting, making room.

Each is one step to undo. They go through `graph.edits`; `ChangeError` says why not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netbuilder.graph import edits, frames, rules, topology, wiring
from netbuilder.graph.layout import ALONG, NODE_SIZE
from netbuilder.graph.model import Json, Node
from netbuilder.graph.rules import End
from netbuilder.gui.canvas import placing
from netbuilder.gui.canvas.hits import DOT
from netbuilder.gui.canvas.placing import Point
from netbuilder.layers import catalogue
from netbuilder.layers.base import Role
from netbuilder.layers.catalogue import ports_of

if TYPE_CHECKING:
    from netbuilder.gui.canvas.editing import EditingView

MOST_ENDS = 8
"""More selected nodes than these are not meant to feed one new node."""

_THROUGH = frozenset({Role.LAYER, Role.CALL, Role.BLOCK, Role.REROUTE})
"""What a wire may go on through; the rest only takes a copy of what passes."""


@dataclass(frozen=True, slots=True)
class LooseEnd:
    """The end of a wire that has a port already; `output` says on which side."""

    node: str
    port: str
    output: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a new node goes and what it is wired to.

    `at` is its middle, or the end of a wire that was `drawn` from the one loose end; without
    it the node goes right after the nodes of its `ends`. A `wire` is one that it goes into.
    """

    at: Point | None = None
    ends: tuple[LooseEnd, ...] = ()
    wire: str = ""
    drawn: bool = False
    exact: bool = False
    """Whether it stays at `at` even if it covers another node."""


def starting_parameters(view: EditingView, layer: str) -> dict[str, Json]:
    """The parameters of a fresh node: those of the layer, with the project's own names."""
    kind = catalogue.find(layer)
    values = dict(kind.starting) if kind is not None else {}
    document = view.past.document
    if "network" in values and document.of_kind("network"):
        values["network"] = document.of_kind("network")[0].name
    if "block" in values and document.of_kind("block"):
        values["block"] = document.of_kind("block")[0].name
    return values


def add_layer(
    view: EditingView,
    layer: str,
    spot: Spot,
    params: Mapping[str, Json] | None = None,
    *,
    branch: bool = False,
) -> Node:
    """A new node at a spot, wired to its loose ends or put into its wire.

    After an output that feeds something already, the node goes in between; with `branch` it
    is fed beside what is there.
    """
    history, graph = view.past, view.shown
    values = starting_parameters(view, layer) | dict(params or {})
    kind = catalogue.find(layer)
    if len(spot.ends) > 1 and len(placing.face_to_be(view, layer, values).inputs) < 2:
        spot = replace(spot, ends=spot.ends[:1])
    between = not branch and inserts(view, layer, spot)
    middle, size = _middle(view, layer, values, spot, between)
    x, y = placing.corner(middle, size)
    with history.step(f"Add {kind.title if kind else layer}"):
        name = placing.fresh_name(view, layer, values)
        node = edits.add_node(history, graph, layer, name=name, params=values, x=x, y=y)
        if spot.wire in graph.wires:
            insert_and_make_room(view, spot.wire, node.id)
        elif between:
            end = spot.ends[0]
            fed = wiring.insert_after(history, graph, End(end.node, end.port), node.id, ports_of)
            make_room(view, node.id, fed)
        else:
            for end in spot.ends:
                connect_loose(view, end, node)
    return graph.nodes[node.id]


def inserts(view: EditingView, layer: str, spot: Spot) -> bool:
    """Whether a layer would go between its spot's output and what that feeds."""
    kind = catalogue.find(layer)
    if kind is None or kind.role not in _THROUGH or spot.drawn or len(spot.ends) != 1:
        return False
    end = spot.ends[0]
    face = placing.face_to_be(view, layer, starting_parameters(view, layer))
    through = bool(face.inputs and face.outputs) or kind.role in (Role.CALL, Role.BLOCK)
    fed = wiring.wires_at_port(view.shown, end.node, end.port, output=True)
    return end.output and through and bool(fed)


def _middle(
    view: EditingView, layer: str, values: Mapping[str, Json], spot: Spot, between: bool
) -> tuple[Point, tuple[float, float]]:
    size = placing.size_to_be(view, layer, values)
    if spot.at is None:
        end = spot.ends[0]
        middle = placing.after_port(view, end.node, end.port, size)
        if len(spot.ends) > 1 and not _leads(view, end.node, spot):
            middle = _after_all(view, spot, size)
        ignore: Collection[str] = ()
        if between:
            wires = wiring.wires_at_port(view.shown, end.node, end.port, output=True)
            ignore = topology.descendants(view.shown, [wire.target for wire in wires])
        return placing.free_place(view, middle, size, along=True, ignore=ignore), size
    middle = spot.at
    if spot.drawn and spot.ends:
        middle = placing.at_wire_end(view, spot.at, size, spot.ends[0].output)
    if spot.exact or spot.wire:
        return middle, size
    return placing.free_place(view, middle, size), size


def _leads(view: EditingView, node: str, spot: Spot) -> bool:
    """Whether a node comes after all the others of a spot: then it leads on."""
    return topology.ancestors(view.shown, [node]).issuperset(end.node for end in spot.ends)


def _after_all(view: EditingView, spot: Spot, size: tuple[float, float]) -> Point:
    """After the last of several nodes and in the middle between them."""
    box = view.canvas.box_of([end.node for end in spot.ends])
    assert box is not None
    gap = ALONG[view.canvas.flow]
    if view.canvas.flow == "down":
        return (box.left + box.right) / 2, box.bottom + gap + size[1] / 2
    return box.right + gap + size[0] / 2, (box.top + box.bottom) / 2


def connect_loose(view: EditingView, end: LooseEnd, node: Node) -> None:
    """Wire a loose end to the first free port of a node that takes it, if there is one."""
    history, graph = view.past, view.shown
    ports = ports_of(history.document, graph, node)
    for port in ports.inputs if end.output else ports.outputs:
        if end.output and graph.wire_into(node.id, port.name) is not None:
            continue
        fixed, free = End(end.node, end.port), End(node.id, port.name)
        source, target = (fixed, free) if end.output else (free, fixed)
        if rules.may_connect(history.document, graph, source, target, ports_of) is None:
            edits.connect(history, graph, source, target, ports_of)
            return


def insert_and_make_room(view: EditingView, wire: str, node: str) -> None:
    """Put a node that is there into a wire and push what comes after it out of the way."""
    target = view.shown.wires[wire].target
    edits.insert_on_wire(view.past, view.shown, wire, node, ports_of)
    make_room(view, node, [target])


def make_room(view: EditingView, node: str, fed: Collection[str]) -> None:
    """Push what a node feeds, and what comes after that, out of its way."""
    history, graph = view.past, view.shown
    down = view.canvas.flow == "down"
    side = 1 if down else 0
    item = view.canvas.nodes.get(node)
    size = (item.width, item.height) if item is not None else NODE_SIZE
    place = graph.nodes[node]
    first = min(((graph.nodes[id].x, graph.nodes[id].y)[side] for id in fed), default=None)
    if first is None:
        return
    lacking = edits.snap((place.x, place.y)[side] + size[side] - first + ALONG[view.canvas.flow])
    if lacking <= 0:
        return
    moved = {}
    for id in topology.descendants(graph, fed) - {node}:
        other = graph.nodes[id]
        if (other.x, other.y)[side] >= first:
            moved[id] = (other.x, other.y + lacking) if down else (other.x + lacking, other.y)
    sizes = {id: (other.width, other.height) for id, other in view.canvas.nodes.items()}
    held = frames.held_by_frames(graph, sizes)
    edits.move(history, graph, moved)
    frames.fit_frames(history, graph, sizes, held)


def add_dot(view: EditingView, wire: str, at: Point) -> Node:
    """A reroute dot in a wire, around a point."""
    size = placing.size_to_be(view, DOT, {})
    x, y = placing.corner(at, size)
    with view.past.step("Add a reroute dot"):
        node = edits.add_node(view.past, view.shown, DOT, x=x, y=y)
        edits.insert_on_wire(view.past, view.shown, wire, node.id, ports_of)
    return view.shown.nodes[node.id]


def spot_after_selection(view: EditingView) -> Spot | None:
    """Right after the selected nodes, wired to them; None if they have nothing to give."""
    scene, graph = view.canvas, view.shown
    chosen = scene.selected_nodes()
    if not 0 < len(chosen) <= MOST_ENDS:
        return None
    # The end of a chain comes before what skips it; what a network says, before its label.
    before = {id: topology.ancestors(graph, [id]).intersection(chosen) for id in chosen}
    chosen.sort(key=lambda id: (_role(graph.nodes[id]) is Role.DATA, -len(before[id])))
    ends = []
    for id in chosen:
        outputs = scene.nodes[id].face.outputs
        free = [port for port in outputs if not port.wired] or list(outputs)
        if free:
            ends.append(LooseEnd(id, free[0].name, True))
    return Spot(ends=tuple(ends)) if ends else None


def _role(node: Node) -> Role | None:
    kind = catalogue.find(node.layer)
    return kind.role if kind is not None else None
