"""Use cases on the list of a project's graphs: their order, and copies of them."""

from __future__ import annotations

from netbuilder.graph import edits, rules
from netbuilder.graph.changes import Added
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History


def ordered(document: Document) -> list[Graph]:
    """All graphs in the order in which they are shown: networks, blocks, training steps."""
    return [*document.of_kind("network"), *document.of_kind("block"), *document.of_kind("step")]


def move_to(history: History, graph: Graph, place: int) -> None:
    """Put a graph at a place among those of its kind, counted from 0. One step to undo."""
    same = [other for other in history.document.of_kind(graph.kind) if other.id != graph.id]
    place = max(0, min(place, len(same)))
    wanted = [*same[:place], graph, *same[place:]]
    if wanted != history.document.of_kind(graph.kind):
        with history.step(f"Move {graph.name}"):
            _number(history, wanted)


def _number(history: History, graphs: list[Graph]) -> None:
    """Give graphs of one kind the orders that they have together, so that this is their order."""
    last = -1
    for graph, order in zip(graphs, sorted(graph.info.order for graph in graphs), strict=True):
        last = max(order, last + 1)
        if graph.info.order != last:
            edits.set_graph(history, graph, order=last)


def duplicate(history: History, graph: Graph) -> Graph:
    """A second graph with the same contents right after it. One step to undo."""
    document = history.document
    with history.step(f"Duplicate {graph.name}"):
        copy = edits.add_graph(history, graph.kind, graph.name, graph.info.settings)
        for item in list(graph.contents()):
            document.apply(Added(copy.id, item))
        same = [other for other in document.of_kind(graph.kind) if other.id != copy.id]
        at = 1 + [other.id for other in same].index(graph.id)
        _number(history, [*same[:at], copy, *same[at:]])
    return copy


def name_refusal(document: Document, graph: Graph, name: str) -> str | None:
    """Why a graph can't be called so; None if it can."""
    if not name.strip():
        return "A graph needs a name."
    legal = rules.identifier(name.strip(), graph.kind)
    taken = any(
        other.name == legal and other.id != graph.id for other in document.of_kind(graph.kind)
    )
    return f"There is another {graph.kind} called '{legal}'." if taken else None


def calls(document: Document, graph: Graph) -> list[str]:
    """Names of the graphs in which a network is called, each once."""
    if graph.kind != "network":
        return []
    found = []
    for other in ordered(document):
        names = {node.params.get("network") for node in other.nodes.values()}
        if graph.name in names:
            found.append(other.name)
    return found
