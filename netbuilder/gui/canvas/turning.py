"""Turn the direction in which data flows: down or to the right, in all graphs of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.graph import edits, tidying
from netbuilder.graph.document import Graph
from netbuilder.graph.layout import Flow, Size
from netbuilder.gui.background import in_background
from netbuilder.gui.canvas.arrange import AT_ONCE
from netbuilder.gui.canvas.face import face_of
from netbuilder.gui.canvas.node_item import NodeItem

if TYPE_CHECKING:
    from netbuilder.gui.canvas.editing import EditingView


def turn(view: EditingView) -> None:
    """Let data flow the other way and lay out all graphs for it, as one step to undo."""
    flow: Flow = "right" if view.past.document.project.flow == "down" else "down"
    _lay_out(view, f"Let data flow {flow}", flow)


def lay_out(view: EditingView) -> None:
    """Lay out all graphs for the sizes that their nodes have here, as one step to undo."""
    _lay_out(view, "Tidy up", view.past.document.project.flow)


def _lay_out(view: EditingView, title: str, flow: Flow) -> None:
    if not view.editable:
        return
    history, document = view.past, view.past.document
    graphs = [graph for graph in document.graphs.values() if graph.nodes]
    sizes = {graph.id: measured(view, graph, flow) for graph in graphs}
    shots = {graph.id: tidying.snapshot(graph, sizes[graph.id], flow) for graph in graphs}

    def plan() -> dict[str, dict[str, tuple[float, float]]]:
        return {id: tidying.planned(shot) for id, shot in shots.items()}

    many = sum(len(shot.nodes) for shot in shots.values()) > AT_ONCE
    places = in_background(plan) if many else plan()

    def change() -> None:
        with history.step(title):
            if document.project.flow != flow:
                edits.set_project(history, flow=flow)
            for graph in graphs:
                id = graph.id
                if id in document.graphs:
                    tidying.apply(history, graph, sizes[id], shots[id], places[id])

    view.edit(change)
    view.frame_all()


def measured(view: EditingView, graph: Graph, flow: Flow) -> dict[str, Size]:
    """Width and height that the nodes of a graph have in this flow."""
    document, report = view.past.document, view.canvas.report
    # Of a block, what its first use came to.
    uses = report.uses.get(graph.id, {}) if report is not None else {}
    known = report.graphs.get(graph.id, next(iter(uses.values()), None)) if report else None
    result = {}
    for node in graph.nodes.values():
        told = known.nodes.get(node.id) if known is not None else None
        item = NodeItem(node.id, face_of(document, graph, node, told, ()), flow)
        result[node.id] = (item.width, item.height)
    return result
