"""Use cases on the graphs of a project: rename one with all that names it, begin a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netbuilder.data import first_step
from netbuilder.data.settings import field_types
from netbuilder.errors import ChangeError, NetbuilderError
from netbuilder.graph import blocks, edits, renaming, rules
from netbuilder.graph.changes import Changed
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json
from netbuilder.layers import catalogue
from netbuilder.layers.base import Role


def rename(history: History, graph: Graph, name: str) -> None:
    """Give a graph another name; calls, settings and weights follow. One step to undo.

    `ChangeError` if another graph of the kind has the name.
    """
    document = history.document
    if graph.kind == "block":
        blocks.rename(history, graph, name)
        return
    name = rules.identifier(name.strip(), graph.kind)
    if name == graph.name:
        return
    if any(other.name == name for other in document.of_kind(graph.kind)):
        raise ChangeError(f"There is another {graph.kind} called '{name}'.")
    old = graph.name
    with history.step(f"Rename {old} to {name}"):
        edits.set_graph(history, graph, name=name)
        if graph.kind == "network":
            _follow(history, old, name)


def remove(history: History, graph: Graph) -> None:
    """Remove a graph with all that is in it; `ChangeError` for a block that is used."""
    if graph.kind == "block":
        blocks.remove(history, graph)
    else:
        edits.remove_graph(history, graph)


def _follow(history: History, old: str, new: str) -> None:
    document = history.document
    renaming.follow(document, old, new)
    if old in (given := document.project.weights):
        # What the file is called stays: only whose it is changes.
        weights = {new if name == old else name: entry for name, entry in given.items()}
        edits.set_project(history, weights=weights)
    for graph in list(document.graphs.values()):
        for node in list(graph.nodes.values()):
            kind = catalogue.find(node.layer)
            if kind is not None and kind.role is Role.CALL and node.params.get("network") == old:
                after = replace(node, params={**node.params, "network": new})
                document.apply(Changed(graph.id, node, after))


def begin_training(history: History, data: Mapping[str, Json]) -> None:
    """Give the project this data and a training step for it, as `begin_step` makes it.

    It takes the place of the data and the steps that there are. One step to undo.
    """
    with history.step("Begin to train"):
        for step in history.document.of_kind("step"):
            edits.remove_graph(history, step)
        edits.set_project(history, data=data)
        begin_step(history)


def begin_step(history: History) -> Graph:
    """A new training step around the first network, as far as data and network tell it.

    The first input field feeds the network, its output and the last field feed a loss:
    cross-entropy for classes, mean squared error for numbers. One step to undo.
    """
    document = history.document
    networks = document.of_kind("network")
    updates = tuple(network.name for network in networks[:1])
    with history.step("Add training step"):
        step = edits.add_graph(history, "step", "train", {"updates": updates})
        try:
            fields = field_types(document.project.data)
        except NetbuilderError:
            fields = {}
        if networks and fields:
            wiring = first_step.usual(networks[0], fields)
            first_step.draw(history, step, networks[0], wiring)
    return step
