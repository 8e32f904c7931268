"""What people do to a graph, as functions over `History`. Each is one step to undo.

All of them keep the rules of `graph.rules`; a refused edit raises `ChangeError` with the
reason in words and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from netbuilder.errors import ChangeError
from netbuilder.graph import loops, renaming, rules, sharing
from netbuilder.graph.changes import Added, Changed, Removed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import (
    Frame,
    GraphInfo,
    GraphKind,
    Json,
    Mute,
    Node,
    ProjectInfo,
    Wire,
    freeze,
    new_id,
)
from netbuilder.graph.rules import End, PortsOf

GRID = 8.0


def snap(value: float) -> float:
    """The nearest point of the grid."""
    return round(value / GRID) * GRID


# -- graphs ----------------------------------------------------------------------------


def add_graph(
    history: History, kind: GraphKind, name: str, settings: Mapping[str, Json] | None = None
) -> Graph:
    """A new empty graph; its name is made unique among those of its kind."""
    document = history.document
    same = document.of_kind(kind)
    # A network becomes an attribute of the modules that call it; nothing holds a step.
    reserved = frozenset[str]() if kind == "step" else rules.RESERVED_NAMES
    legal = rules.identifier(name, kind, reserved)
    name = rules.unique_name(legal, {graph.name for graph in same})
    order = 1 + max((graph.info.order for graph in document.graphs.values()), default=-1)
    info = GraphInfo(
        id=new_id("g"), kind=kind, name=name, order=order, settings=freeze(settings or {})
    )
    with history.step(f"Add {kind} {name}"):
        document.apply(Added(info.id, info))
    return document.graph(info.id)


def remove_graph(history: History, graph: Graph) -> None:
    """Remove a graph with all that is in it."""
    document = history.document
    with history.step(f"Remove {graph.kind} {graph.name}"):
        for item in reversed(list(graph.contents())):
            document.apply(Removed(graph.id, item))
        document.apply(Removed(graph.id, graph.info))


def set_graph(history: History, graph: Graph, title: str = "", /, **fields: Any) -> None:
    """Change fields of a graph's `GraphInfo` (`name`, `settings`)."""
    after = replace(graph.info, **{key: freeze(value) for key, value in fields.items()})
    with history.step(title or f"Change {graph.name}", merge=("graph", graph.id, *fields)):
        history.document.apply(Changed(graph.id, graph.info, after))


def set_project(history: History, title: str = "Change settings", /, **fields: Any) -> None:
    """Change fields of the `ProjectInfo` (`title`, `data`, `training`, ...)."""
    before = history.document.project
    after: ProjectInfo = replace(before, **{key: freeze(value) for key, value in fields.items()})
    with history.step(title, merge=("project", *fields)):
        history.document.apply(Changed("", before, after))


# -- nodes -----------------------------------------------------------------------------


def add_node(
    history: History,
    graph: Graph,
    layer: str,
    *,
    name: str = "",
    params: Mapping[str, Json] | None = None,
    x: float = 0.0,
    y: float = 0.0,
) -> Node:
    """A new node; without a name it gets one from its layer. A given name must be free."""
    if name:
        refusal = rules.name_refusal(graph, name)
        if refusal:
            raise ChangeError(refusal)
    else:
        name = rules.unique_name(
            rules.default_name(layer), {node.name for node in graph.nodes.values()}
        )
    order = 1 + max((node.order for node in graph.nodes.values()), default=-1)
    node = Node(
        id=new_id("n"), layer=layer, name=name, params=freeze(params or {}), x=x, y=y, order=order
    )
    with history.step(f"Add {name}"):
        history.document.apply(Added(graph.id, node))
    return node


def set_parameters(
    history: History, graph: Graph, nodes: Iterable[str], values: Mapping[str, Json]
) -> None:
    """Set parameters of one or several nodes; a value of None leaves the parameter out.

    Typing in one field merges into one step.
    """
    ids = tuple(nodes)
    names = ", ".join(values)
    with history.step(f"Set {names}", merge=("params", ids, *values)):
        for id in ids:
            before = graph.nodes[id]
            params = {**before.params, **freeze(values)}
            for key, value in values.items():
                if value is None:
                    params.pop(key)
            if params != before.params:
                history.document.apply(Changed(graph.id, before, replace(before, params=params)))


def rename(history: History, graph: Graph, node: str, name: str) -> None:
    """Give a node another name; `ChangeError` says why not.

    The inputs and outputs of a network or block are ports of its calls: wires there follow, and
    so do the parts of steps.
    """
    before = graph.nodes[node]
    if before.name == name:
        return
    refusal = rules.name_refusal(graph, name, node)
    if refusal:
        raise ChangeError(refusal)
    with history.step(f"Rename {before.name} to {name}"):
        history.document.apply(Changed(graph.id, before, replace(before, name=name)))
        if graph.kind != "step":
            rename_ports(history.document, graph, before.name, name)
        if graph.kind == "network":
            old, new = (f"{graph.name}.{each}" for each in (before.name, name))
            renaming.follow(history.document, old, new)
        if graph.kind == "block":
            pair = loops.follow(history.document, graph, before.name, name)
            if pair is not None:
                rename_ports(history.document, graph, *pair)


def rename_ports(document: Document, called: Graph, old: str, new: str) -> None:
    """Let the wires at all calls of a network or block follow the new name of a port."""
    for graph in list(document.graphs.values()):
        for node in list(graph.nodes.values()):
            if node.params.get(called.kind) != called.name:
                continue
            for wire in graph.wires_at([node.id]):
                after = wire
                if (wire.target, wire.target_port) == (node.id, old):
                    after = replace(after, target_port=new)
                if (wire.source, wire.source_port) == (node.id, old):
                    after = replace(after, source_port=new)
                if after != wire:
                    document.apply(Changed(graph.id, wire, after))


def set_mute(history: History, graph: Graph, nodes: Iterable[str], mute: Mute) -> None:
    """Mute nodes, bypass them, or (with an empty text) let them run again."""
    titles = {"muted": "Mute", "bypassed": "Bypass", "": "Switch on"}
    ids = [id for id in nodes if id in graph.nodes]
    what = graph.nodes[ids[0]].name if len(ids) == 1 else f"{len(ids)} nodes"
    with history.step(f"{titles[mute]} {what}"):
        for id in ids:
            before = graph.nodes[id]
            if before.mute != mute:
                history.document.apply(Changed(graph.id, before, replace(before, mute=mute)))


def set_node(history: History, graph: Graph, node: str, **fields: Any) -> None:
    """Change fields that have no rule of their own (`note`, `collapsed`, `shares`)."""
    before = graph.nodes[node]
    with history.step(f"Change {before.name}", merge=("node", node, *fields)):
        history.document.apply(Changed(graph.id, before, replace(before, **fields)))


def move(
    history: History,
    graph: Graph,
    places: Mapping[str, tuple[float, float]],
    *,
    merge: object = None,
) -> None:
    """Put nodes and frames (by id) at new places; one `merge` key makes one step of a drag."""
    some = f"{len(places)} nodes"
    if len(places) == 1:
        (only,) = places
        some = graph.nodes[only].name if only in graph.nodes else "frame"
    with history.step(f"Move {some}", merge=("move", merge) if merge is not None else None):
        for id, (x, y) in places.items():
            before: Node | Frame = graph.nodes[id] if id in graph.nodes else graph.frames[id]
            if (before.x, before.y) != (x, y):
                history.document.apply(Changed(graph.id, before, replace(before, x=x, y=y)))


def delete(
    history: History,
    graph: Graph,
    items: Iterable[str],
    *,
    reconnect: bool = False,
    ports_of: PortsOf | None = None,
) -> None:
    """Delete nodes, wires, frames and unreadable entries by id, and wires of deleted nodes.

    With `reconnect`, what fed a deleted node's first input feeds what its outputs fed;
    without `ports_of` the first input is the one that was wired first. Weights that others
    use stay with the first of those.
    """
    ids = list(items)
    nodes = [id for id in ids if id in graph.nodes]
    what = graph.nodes[nodes[0]].name if len(nodes) == 1 else f"{len(ids)} items"
    document = history.document
    with history.step(f"Delete {what}"):
        sharing.hand_over(document, graph, nodes)
        for node in nodes:
            feeding = _by_port(document, graph, node, ports_of)
            fed = graph.wires_out_of(node)
            for wire in graph.wires_at([node]):
                document.apply(Removed(graph.id, wire))
            if reconnect and feeding:
                first = feeding[0]
                for wire in fed:
                    bridge = replace(
                        wire, id=new_id("w"), source=first.source, source_port=first.source_port
                    )
                    document.apply(Added(graph.id, bridge))
            document.apply(Removed(graph.id, graph.nodes[node]))
        for id in ids:
            item = graph.item(id)
            if item is not None:
                document.apply(Removed(graph.id, item))


def _by_port(document: Document, graph: Graph, node: str, ports_of: PortsOf | None) -> list[Wire]:
    """The wires into a node, those of its first ports first."""
    wires = graph.wires_into(node)
    if ports_of is None:
        return wires
    ports = ports_of(document, graph, graph.nodes[node]).inputs
    rank = {port.name: number for number, port in enumerate(ports)}
    return sorted(wires, key=lambda wire: rank.get(wire.target_port, len(rank)))


# -- wires -----------------------------------------------------------------------------


def connect(history: History, graph: Graph, source: End, target: End, ports_of: PortsOf) -> Wire:
    """Wire an output to an input; a wire that is there already is replaced."""
    document = history.document
    refusal = rules.may_connect(document, graph, source, target, ports_of)
    if refusal:
        raise ChangeError(refusal)
    wire = Wire(
        id=new_id("w"),
        source=source.node,
        source_port=source.port,
        target=target.node,
        target_port=target.port,
    )
    names = f"{graph.nodes[source.node].name} to {graph.nodes[target.node].name}"
    with history.step(f"Connect {names}"):
        old = graph.wire_into(target.node, target.port)
        if old is not None:
            document.apply(Removed(graph.id, old))
        document.apply(Added(graph.id, wire))
    return wire


def insert_on_wire(history: History, graph: Graph, wire: str, node: str, ports_of: PortsOf) -> None:
    """Put a node that is there into a wire: through its first free input and first output."""
    document = history.document
    old, middle = graph.wires[wire], graph.nodes[node]
    ports = ports_of(document, graph, middle)
    if not ports.inputs or not ports.outputs:
        raise ChangeError(f"'{middle.name}' has no input or no output.")
    with history.step(f"Insert {middle.name}"):
        document.apply(Removed(graph.id, old))
        free = [port for port in ports.inputs if graph.wire_into(node, port.name) is None]
        into = End(node, (free or ports.inputs)[0].name)
        connect(history, graph, End(old.source, old.source_port), into, ports_of)
        out_of = End(node, ports.outputs[0].name)
        connect(history, graph, out_of, End(old.target, old.target_port), ports_of)


def insert_layer(
    history: History,
    graph: Graph,
    wire: str,
    layer: str,
    params: Mapping[str, Json] | None,
    ports_of: PortsOf,
) -> Node:
    """A new node in the middle of a wire."""
    ends = graph.nodes[graph.wires[wire].source], graph.nodes[graph.wires[wire].target]
    x, y = (snap(sum(values) / 2) for values in zip(*((n.x, n.y) for n in ends), strict=True))
    with history.step(f"Insert {rules.default_name(layer)}"):
        node = add_node(history, graph, layer, params=params, x=x, y=y)
        insert_on_wire(history, graph, wire, node.id, ports_of)
    return node


# -- frames ----------------------------------------------------------------------------


def add_frame(history: History, graph: Graph, frame: Frame) -> Frame:
    """A frame with a title."""
    with history.step("Add frame"):
        history.document.apply(Added(graph.id, frame))
    return frame


def set_frame(history: History, graph: Graph, frame: str, **fields: Any) -> None:
    """Change fields of a frame (`title`, `width`, ...)."""
    before = graph.frames[frame]
    after = replace(before, **fields)
    with history.step("Change frame", merge=("frame", frame, *fields)):
        if after != before:
            history.document.apply(Changed(graph.id, before, after))
