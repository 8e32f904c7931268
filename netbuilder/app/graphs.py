"""Use cases on the graphs of a project: rename one with all that names it, begin a step."""

from __future__ import annotations

from dataclasses import replace

from netbuilder.data.settings import field_types
from netbuilder.errors import ChangeError, NetbuilderError
from netbuilder.graph import blocks, edits, renaming, rules
from netbuilder.graph.changes import Changed
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.rules import End
from netbuilder.layers import catalogue
from netbuilder.layers.base import Role, TensorType


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
            _wire_up(history, step, networks[0], fields)
    return step


def _wire_up(history: History, step: Graph, network: Graph, fields: dict[str, TensorType]) -> None:
    names = list(fields)
    source, target = names[0], names[-1]
    classes = fields[target].high is not None
    loss = "torch.nn.CrossEntropyLoss" if classes else "torch.nn.MSELoss"

    def add(layer: str, x: float, y: float, name: str, **params: str) -> str:
        values = {**catalogue.layers()[layer].starting, **params}
        return edits.add_node(history, step, layer, name=name, params=values, x=x, y=y).id

    image = add("netbuilder.DataField", 0, 0, rules.identifier(source), field=source)
    call = add("netbuilder.NetworkCall", 0, 120, "net", network=network.name)
    value = add(loss, 0, 240, "criterion")
    objective = add("netbuilder.Objective", 0, 360, "loss")
    answers = image
    if target != source:
        name = rules.unique_name(rules.identifier(target), {"net", "criterion", "loss"})
        answers = add("netbuilder.DataField", 240, 120, name, field=target)

    def connect(start: str, end: str, port: str) -> None:
        outputs = catalogue.ports_of(history.document, step, step.nodes[start]).outputs
        inputs = catalogue.ports_of(history.document, step, step.nodes[end]).inputs
        if outputs and (port or inputs):
            to = End(end, port or inputs[0].name)
            edits.connect(history, step, End(start, outputs[0].name), to, catalogue.ports_of)

    connect(image, call, "")
    connect(call, value, "input")
    connect(answers, value, "target")
    connect(value, objective, "loss")
    if classes:
        metric = add("torchmetrics.Accuracy", -240, 240, "accuracy")
        connect(call, metric, "preds")
        connect(answers, metric, "target")
