"""Wires in bulk: insert after a port, move a port's wires, take nodes out of their wires.

Each is one step to undo and keeps the rules of `graph.rules`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from netbuilder.errors import ChangeError
from netbuilder.graph import edits
from netbuilder.graph.changes import Added, Removed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Wire, new_id
from netbuilder.graph.rules import End, PortsOf


def wires_at_port(graph: Graph, node: str, port: str, *, output: bool) -> list[Wire]:
    """The wires that leave an output port, or the one that feeds an input port."""
    if output:
        return [wire for wire in graph.wires_out_of(node) if wire.source_port == port]
    wire = graph.wire_into(node, port)
    return [] if wire is None else [wire]


def free_input(document: Document, graph: Graph, node: str, ports_of: PortsOf) -> str | None:
    """The first input of a node that no wire feeds, else its first; None if it has none."""
    names = [port.name for port in ports_of(document, graph, graph.nodes[node]).inputs]
    free = [name for name in names if graph.wire_into(node, name) is None]
    return next(iter(free or names), None)


def insert_after(
    history: History, graph: Graph, source: End, node: str, ports_of: PortsOf
) -> list[str]:
    """Put a node between an output and all that it feeds; the ids of what it feeds then."""
    document = history.document
    wires = wires_at_port(graph, source.node, source.port, output=True)
    outputs = ports_of(document, graph, graph.nodes[node]).outputs
    port = free_input(document, graph, node, ports_of)
    if port is None or not outputs:
        raise ChangeError(f"'{graph.nodes[node].name}' has no input or no output.")
    with history.step(f"Insert {graph.nodes[node].name}"):
        take_wires(history, graph, wires, End(node, outputs[0].name), True, ports_of)
        edits.connect(history, graph, source, End(node, port), ports_of)
    return list(dict.fromkeys(wire.target for wire in wires))


def take_wires(
    history: History,
    graph: Graph,
    wires: Collection[Wire],
    end: End,
    output: bool,
    ports_of: PortsOf,
) -> None:
    """Let wires begin at another output (`output`), or end at another input."""
    some = "wire" if len(wires) == 1 else f"{len(wires)} wires"
    with history.step(f"Move {some}"):
        for wire in wires:
            history.document.apply(Removed(graph.id, wire))
        for wire in wires:
            source = end if output else End(wire.source, wire.source_port)
            target = End(wire.target, wire.target_port) if output else end
            edits.connect(history, graph, source, target, ports_of)


def crossing(graph: Graph, nodes: Iterable[str]) -> list[Wire]:
    """The wires between these nodes and others."""
    inside = set(nodes)
    return [w for w in graph.wires_at(inside) if (w.source in inside) != (w.target in inside)]


def take_out(history: History, graph: Graph, nodes: Collection[str], ports_of: PortsOf) -> None:
    """Take nodes out of their wires: what fed them feeds what they fed; they stay, unwired.

    Wires among the nodes are kept. What comes in first is what goes on to all that is fed.
    """
    wires = crossing(graph, nodes)
    inside = set(nodes)
    coming = [wire for wire in wires if wire.target in inside]
    going = [wire for wire in wires if wire.source in inside]
    first = _first_of(history.document, graph, coming, ports_of)
    with history.step("Disconnect and join" if first and going else "Disconnect"):
        for wire in wires:
            history.document.apply(Removed(graph.id, wire))
        for wire in going if first is not None else ():
            assert first is not None
            bridge = Wire(
                id=new_id("w"),
                source=first.source,
                source_port=first.source_port,
                target=wire.target,
                target_port=wire.target_port,
            )
            history.document.apply(Added(graph.id, bridge))


def _first_of(
    document: Document, graph: Graph, wires: Collection[Wire], ports_of: PortsOf
) -> Wire | None:
    """Of the wires that come in, that of the first node's first port."""

    def rank(wire: Wire) -> tuple[int, str, int]:
        node = graph.nodes[wire.target]
        names = [port.name for port in ports_of(document, graph, node).inputs]
        place = names.index(wire.target_port) if wire.target_port in names else len(names)
        return node.order, node.id, place

    return min(wires, key=rank, default=None)
