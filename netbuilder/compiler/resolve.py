"""What is drawn but not computed goes first: reroutes, muted and bypassed nodes.

All later passes see a document without them; wires lead from what computes to what reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from netbuilder.graph.changes import Added
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node, Wire
from netbuilder.graph.rules import End
from netbuilder.layers.base import Role
from netbuilder.layers.catalogue import find, ports_of, special_nodes


@dataclass(frozen=True, slots=True)
class Resolved:
    """The document without what does not compute.

    `passed` tells by graph and node id where a reroute or bypassed node has its value from.
    """

    document: Document
    passed: Mapping[str, Mapping[str, End]] = field(default_factory=dict)


def resolve(document: Document) -> Resolved:
    """Dissolve reroutes and bypassed nodes, leave out muted ones with their wires.

    A document without any comes back itself.
    """
    graphs = [graph for graph in document.graphs.values() if _is_odd(graph)]
    if not graphs:
        return Resolved(document)
    items: list[Added] = []
    passed: dict[str, dict[str, End]] = {}
    for graph in document.graphs.values():
        items.append(Added(graph.id, graph.info))
        if graph not in graphs:
            items += [Added(graph.id, item) for item in graph.contents()]
            continue
        tracer = _Tracer(document, graph)
        items += [Added(graph.id, node) for node in graph.nodes.values() if not _odd(node)]
        items += [Added(graph.id, wire) for wire in tracer.wires()]
        items += [Added(graph.id, entry) for entry in graph.unreadable.values()]
        passed[graph.id] = tracer.passed()
    return Resolved(Document.of(document.project, items), passed)


def _is_odd(graph: Graph) -> bool:
    # A reroute is no plain layer.
    muted = any(node.mute for node in graph.nodes.values())
    return muted or any(map(_odd, special_nodes(graph)))


def _odd(node: Node) -> bool:
    if node.mute:
        return True
    kind = find(node.layer)
    return kind is not None and kind.role is Role.REROUTE


class _Tracer:
    """Follows wires back through one graph to what computes."""

    def __init__(self, document: Document, graph: Graph) -> None:
        self.document = document
        self.graph = graph

    def wires(self) -> list[Wire]:
        found = []
        for wire in self.graph.wires.values():
            if _odd(self.graph.nodes[wire.target]):
                continue
            start = self.origin(wire)
            if start is not None:
                found.append(replace(wire, source=start.node, source_port=start.port))
        return found

    def passed(self) -> dict[str, End]:
        result = {}
        for node in self.graph.nodes.values():
            if _odd(node) and node.mute != "muted":
                wire = self._entry(node)
                start = self.origin(wire) if wire is not None else None
                if start is not None:
                    result[node.id] = start
        return result

    def origin(self, wire: Wire) -> End | None:
        """The output that a wire's value comes from; None if it comes from nowhere."""
        here: Wire | None = wire
        seen = set()
        while here is not None and here.id not in seen:
            seen.add(here.id)
            source = self.graph.nodes[here.source]
            if not _odd(source):
                return End(source.id, here.source_port)
            if source.mute == "muted":
                return None
            here = self._entry(source)
        return None

    def _entry(self, node: Node) -> Wire | None:
        """The wire into a node's first wired input."""
        for port in ports_of(self.document, self.graph, node).inputs:
            wire = self.graph.wire_into(node.id, port.name)
            if wire is not None:
                return wire
        return None
