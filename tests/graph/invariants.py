"""What must be true of a document after every single edit."""

from __future__ import annotations

from hashlib import blake2b

from netbuilder.graph.document import Document, Graph
from netbuilder.storage import format


def check(document: Document) -> None:
    """Asserts that the document is whole and its indexes equal a scan."""
    for id, graph in document.graphs.items():
        assert graph.id == id
        check_graph(graph)


def check_graph(graph: Graph) -> None:
    tables = (graph.nodes, graph.wires, graph.frames, graph.unreadable)
    ids = [id for table in tables for id in table]
    assert len(ids) == len(set(ids))
    assert all(item.id == id for table in tables for id, item in table.items())
    into: dict[str, dict[str, str]] = {}
    out_of: dict[str, set[str]] = {}
    for wire in graph.wires.values():
        assert wire.source in graph.nodes
        assert wire.target in graph.nodes
        ports = into.setdefault(wire.target, {})
        assert wire.target_port not in ports
        ports[wire.target_port] = wire.id
        out_of.setdefault(wire.source, set()).add(wire.id)
    for node in graph.nodes:
        found = {wire.target_port: wire.id for wire in graph.wires_into(node)}
        assert found == into.get(node, {})
        assert {wire.id for wire in graph.wires_out_of(node)} == out_of.get(node, set())
    assert set(graph._into) | set(graph._out_of) <= set(graph.nodes)


def fingerprint(document: Document) -> str:
    """A digest of the canonical text: equal for equal documents, and short to keep."""
    return blake2b(format.dumps(document).encode(), digest_size=16).hexdigest()
