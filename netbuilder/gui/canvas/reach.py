"""Which ports a port can be wired to, by name: for connecting without a mouse. No Qt here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from netbuilder.graph import rules, topology
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node, Wire
from netbuilder.graph.rules import End
from netbuilder.layers.catalogue import ports_of

MOST = 60
"""Nodes whose ports are offered at once: who looks for more types another letter."""

Score = Callable[[str, str], float | None]


@dataclass(frozen=True, slots=True)
class Reach:
    """A port that a wire could begin or end at.

    `refusal` tells why it can't, `wire` is what it holds already (inputs).
    """

    end: End
    output: bool
    title: str
    refusal: str = ""
    wire: Wire | None = None


def own_ports(document: Document, graph: Graph, node: Node) -> list[Reach]:
    """The ports of a node: what wants a wire first, then what has one."""
    ports = ports_of(document, graph, node)
    fed = {wire.target_port: wire for wire in graph.wires_into(node.id)}
    used = {wire.source_port for wire in graph.wires_out_of(node.id)}
    found = [
        (port.name in used, Reach(End(node.id, port.name), True, titled("Output", port.name)))
        for port in ports.outputs
    ]
    found += [
        (
            port.name in fed or port.optional,
            Reach(
                End(node.id, port.name), False, titled("Input", port.name), wire=fed.get(port.name)
            ),
        )
        for port in ports.inputs
    ]
    return [reach for _, reach in sorted(found, key=lambda pair: pair[0])]


def _input(node: Node, port: str, wire: Wire | None) -> Reach:
    return Reach(End(node.id, port), False, titled("Input", port), wire=wire)


def titled(side: str, port: str) -> str:
    """The name of a port; most are called like their side."""
    return side if port == side.lower() else f"{side} {port}"


def others(document: Document, graph: Graph, start: Reach, query: str, score: Score) -> list[Reach]:
    """The ports at the other side that fit the query: free ones that take the wire first.

    Nearer nodes come before farther ones where the query does not tell; refused ports come
    last, with the reason.
    """
    here = graph.nodes[start.end.node]
    walk = topology.ancestors if start.output else topology.descendants
    circular = walk(graph, [here.id])
    values = {id: score(query, node.name) for id, node in graph.nodes.items()}
    if all(value is None for value in values.values()):
        # The name of a port may be typed too: "add.other".
        for id, node in graph.nodes.items():
            names = " ".join(_names(document, graph, node, start))
            values[id] = score(query, f"{node.name}.{names}")
    ranks: list[tuple[bool, float, float, Node]] = []
    for id, value in values.items():
        node = graph.nodes[id]
        if value is not None and id != here.id:
            distance = abs(node.x - here.x) + abs(node.y - here.y)
            ranks.append((id in circular, -value if query else 0.0, distance, node))
    ranks.sort(key=lambda rank: rank[:3])
    # What is free is worth a look at each: only among those that may be shown at all.
    best = [
        (circle, value, start.output and _full(document, graph, node), distance, node)
        for circle, value, distance, node in ranks[:MOST]
    ]
    best.sort(key=lambda rank: rank[:4])
    found: list[Reach] = []
    for *_, node in best:
        found += _ports(document, graph, start, node)
    return sorted(found, key=lambda reach: bool(reach.refusal))


def _names(document: Document, graph: Graph, node: Node, start: Reach) -> list[str]:
    ports = ports_of(document, graph, node)
    return [port.name for port in (ports.inputs if start.output else ports.outputs)]


def _full(document: Document, graph: Graph, node: Node) -> bool:
    """Whether every input of a node has its wire."""
    return all(
        graph.wire_into(node.id, port.name) is not None
        for port in ports_of(document, graph, node).inputs
    )


def _ports(document: Document, graph: Graph, start: Reach, node: Node) -> list[Reach]:
    names = _names(document, graph, node, start)
    found = []
    for name in names:
        end = End(node.id, name)
        source, target = (start.end, end) if start.output else (end, start.end)
        refusal = rules.may_connect(document, graph, source, target, ports_of) or ""
        title = node.name if len(names) == 1 else f"{node.name}.{name}"
        wire = graph.wire_into(node.id, name) if start.output else None
        found.append(Reach(end, not start.output, title, refusal, wire))
    return sorted(found, key=lambda reach: reach.wire is not None)
