"""The first look at each graph: as a whole where it can be read, else from its beginning."""

from __future__ import annotations

from netbuilder.graph.document import Graph
from netbuilder.gui.canvas.view import CanvasView

READABLE = 0.8
"""The zoom under which texts on nodes get hard to read."""


class FirstLook:
    """Moves the canvas once for each graph of a project."""

    def __init__(self, canvas: CanvasView) -> None:
        self._canvas = canvas
        self._seen: set[str] = set()
        """Graphs of this project that were on the screen."""

    def forget(self) -> None:
        """Another project is open."""
        self._seen.clear()

    def decided(self, graph: Graph) -> None:
        """Somebody else has said where to look at this graph."""
        self._seen.add(graph.id)

    def take(self, graph: Graph) -> None:
        """Look at a graph that is on the screen now, if it was not before."""
        canvas, nodes = self._canvas, graph.nodes.values()
        if graph.id in self._seen or not canvas.isVisible():
            return
        self._seen.add(graph.id)
        if not nodes or canvas.zoom >= READABLE:
            return
        first = min(nodes, key=lambda node: (node.y, node.x))
        room = canvas.viewport().rect()
        canvas.set_zoom(READABLE)
        middle = canvas.mapToScene(room.center())
        top = canvas.mapToScene(room.topLeft())
        canvas.centerOn(middle.x(), first.y - 32 + middle.y() - top.y())
