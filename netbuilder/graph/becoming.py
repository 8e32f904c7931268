"""Turning an open document into another one, as a step that can be undone."""

from __future__ import annotations

from typing import Any

from netbuilder.graph import edits
from netbuilder.graph.changes import Added, Changed, Removed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History

_TABLES = ("nodes", "frames", "unreadable")


def become(history: History, target: Document, title: str) -> None:
    """Make the document equal to `target`; what has the same id and contents is not touched."""
    document = history.document
    with history.step(title):
        for graph in list(document.graphs.values()):
            if graph.id not in target.graphs:
                edits.remove_graph(history, graph)
        for id, wanted in target.graphs.items():
            if id not in document.graphs:
                document.apply(Added(id, wanted.info))
            _graph(document, document.graphs[id], wanted)
        if document.project != target.project:
            document.apply(Changed("", document.project, target.project))


def _graph(document: Document, graph: Graph, wanted: Graph) -> None:
    """Wires go first and come last, as they need their nodes."""
    for wire in list(graph.wires.values()):
        if wanted.wires.get(wire.id) != wire:
            document.apply(Removed(graph.id, wire))
    for table in _TABLES:
        here: dict[str, Any] = dict(getattr(graph, table))
        there: dict[str, Any] = dict(getattr(wanted, table))
        for id, item in here.items():
            if id not in there:
                document.apply(Removed(graph.id, item))
        for id, item in there.items():
            if id not in here:
                document.apply(Added(graph.id, item))
            elif here[id] != item:
                document.apply(Changed(graph.id, here[id], item))
    for wire in wanted.wires.values():
        if wire.id not in graph.wires:
            document.apply(Added(graph.id, wire))
    if graph.info != wanted.info:
        document.apply(Changed(graph.id, graph.info, wanted.info))
