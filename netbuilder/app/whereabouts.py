"""Which graph of a document is shown, and how one came there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from netbuilder.app.events import GraphShown, TrailMoved
from netbuilder.app.trail import Entered, Trail, entered, still_leads, trail_of
from netbuilder.graph import blocks
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import GraphInfo


class Whereabouts:
    """A place in one document. `tell` hears when it becomes another."""

    def __init__(self, document: Document, tell: Callable[[GraphShown | TrailMoved], None]) -> None:
        self._document = document
        self._tell = tell
        self.shown = _first(document)
        """The id of the shown graph; empty if the document has none."""
        self.trail: Trail = ()
        """The uses of blocks through which one came, the outermost first; see `Session.trail`."""

    @property
    def graph(self) -> Graph:
        """The shown graph; without any, an empty one that is part of no document."""
        graph = self._document.graphs.get(self.shown)
        return graph or Graph(GraphInfo(id="", kind="network", name=""))

    def go(self, graph: str, trail: Trail = ()) -> None:
        """Show a graph, reached like this; ids of no graph are ignored."""
        if graph and graph not in self._document.graphs:
            return
        before, self.shown = self.shown, graph
        moved, self.trail = trail != self.trail, trail
        if before != graph:
            self._tell(GraphShown(graph))
        elif moved:
            self._tell(TrailMoved())

    def catch_up(self) -> None:
        """The document has changed: what is gone is neither shown nor on the way any more."""
        if self.shown not in self._document.graphs:
            self._step_back()
        elif not still_leads(self._document, self.trail, self.shown):
            self.go(self.shown)

    def _step_back(self) -> None:
        """The shown graph is gone: show the last of those that led to it that is there."""
        for at in reversed(range(len(self.trail))):
            graph, trail = self.trail[at].graph, self.trail[:at]
            if graph in self._document.graphs and still_leads(self._document, trail, graph):
                self.go(graph, trail)
                return
        self.go(_first(self._document))

    def enter(self, node: str) -> bool:
        """Show the block that a node of the shown graph uses; whether it uses one."""
        block = entered(self._document, self.shown, node)
        if block is not None:
            self.go(block.id, (*self.trail, Entered(self.shown, node)))
        return block is not None

    def enter_by(self, path: str) -> None:
        """Show a block through a use, by its path in `Report.uses`."""
        trail = trail_of(self._document, path)
        block = entered(self._document, trail[-1].graph, trail[-1].node) if trail else None
        if block is not None:
            self.go(block.id, trail)

    @contextmanager
    def following_changes(self) -> Iterator[None]:
        """Show a graph that is changed in the body, unless one of them is shown already."""
        touched: list[str] = []
        unsubscribe = self._document.subscribe(lambda change: touched.append(change.graph))
        try:
            yield
        finally:
            unsubscribe()
        there = [id for id in touched if id in self._document.graphs]
        if there and self.shown not in touched:
            self._visit(there[0])

    def _visit(self, graph: str) -> None:
        """Show a graph, by the way one came or by a use in the shown graph if there is one."""
        for at, step in enumerate(self.trail):
            if step.graph == graph:
                self.go(graph, self.trail[:at])
                return
        for node in blocks.blocks_in(self.graph):
            block = blocks.block_of(self._document, node)
            if block is not None and block.id == graph:
                self.enter(node.id)
                return
        self.go(graph)

    def leave(self, levels: int) -> str:
        """Back by so many levels; the id of the node that was entered there, or nothing.

        From a block that was shown directly the way leads to its first use.
        """
        trail = self.trail
        if not trail and self.graph.kind == "block":
            found = blocks.uses(self._document, self.graph)
            trail = (Entered(found[0][0].id, found[0][1].id),) if found else ()
        if not trail or levels < 1:
            return ""
        at = max(0, len(trail) - levels)
        self.go(trail[at].graph, trail[:at])
        return trail[at].node


def _first(document: Document) -> str:
    """The graph to show first: a network if there is one; empty if there is no graph."""
    for kind in ("network", "step", "block"):
        for graph in document.of_kind(kind):
            return graph.id
    return ""
