"""Losses that weigh classes by how rare they are: counts of the data written into the project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netbuilder.data import datasets
from netbuilder.data import settings as data_settings
from netbuilder.errors import NetbuilderError
from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node
from netbuilder.training import balancing

LOSSES = ("torch.nn.CrossEntropyLoss", "torch.nn.NLLLoss")
"""Losses with a `weight` for each class."""


def look(document: Document, field: str | None = None) -> dict[str, Any]:
    """Class counts of the training part and the weights that make up for them.

    The answer of `weigh-classes`: `field`, `classes`, `counts`, `weights`, and as `losses` the
    nodes that take them. `NetbuilderError` if there is no field of classes or no such loss.
    """
    found = [
        (graph, node)
        for graph in document.of_kind("step")
        for node in graph.ordered()
        if node.layer in LOSSES
    ]
    if not found:
        names = " or ".join(id.rpartition(".")[2] for id in LOSSES)
        raise NetbuilderError("No loss here weighs classes.", f"Use {names} in a training step.")
    dataset = datasets.prepare(data_settings.read(document.project.data))
    answer = balancing.answer(dataset, field)
    losses = [{"graph": graph.id, "node": node.id, "name": node.name} for graph, node in found]
    return {**answer, "losses": losses}


def write(document: Document, answer: Mapping[str, Any]) -> Document:
    """A copy of the project with the weights of an answer in its losses."""
    result = document.copy()
    history = History(result)
    with history.step("Weigh classes"):
        for entry in answer["losses"]:
            graph: Graph = result.graphs[entry["graph"]]
            node: Node = graph.nodes[entry["node"]]
            edits.set_parameters(history, graph, [node.id], {"weight": list(answer["weights"])})
    return result
