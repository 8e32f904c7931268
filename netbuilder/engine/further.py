"""What an exported file says of the training of its network: see `exchange.further`.

Torch-free.
"""

from __future__ import annotations

from collections.abc import Mapping

from netbuilder.compiler.resolve import resolve
from netbuilder.data.first_step import ACCURACY, Wiring
from netbuilder.exchange import further
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer, Role


def told(document: Document, network: str) -> str:
    """The text for the metadata; empty where the project has no data."""
    data = document.project.data
    if not data.get("source"):
        return ""
    return further.written(data, wiring_of(document, network))


def wiring_of(document: Document, network: str) -> Wiring | None:
    """The project's training step, if it is one network between data and one loss; else None.

    Half of a step would train something else.
    """
    document = resolve(document).document
    steps = document.of_kind("step")
    graph = document.network(network)
    return _wiring(steps[0], graph) if len(steps) == 1 and graph is not None else None


def _wiring(step: Graph, network: Graph) -> Wiring | None:
    layers = {node.id: catalogue.read(node) for node in step.nodes.values()}
    roles = {id: layer.role for id, layer in layers.items() if isinstance(layer, Layer)}
    if any(node.mute for node in step.nodes.values()):
        return None
    calls = [id for id, role in roles.items() if role is Role.CALL]
    objectives = [id for id, role in roles.items() if role is Role.OBJECTIVE]
    if len(calls) != 1 or len(objectives) != 1:
        return None
    [call], call_layer = calls, layers[calls[0]]
    called = getattr(call_layer, "network", ""), getattr(call_layer, "mode", "")
    sources = {wire.source for wire in step.wires_into(objectives[0])}
    loss = next(iter(sources), "")
    if called != (network.name, "train") or len(sources) != 1 or roles.get(loss) is not Role.LOSS:
        return None
    # What only metrics and previews are made of changes nothing of what is learnt.
    compared = {wire.target_port: (wire.source, wire.source_port) for wire in step.wires_into(loss)}
    if set(compared) != {"input", "target"} or compared["input"][0] != call:
        return None
    given = {wire.target_port: wire.source for wire in step.wires_into(call)}
    fields = {id: _field(layers[id]) for id in (*given.values(), compared["target"][0])}
    if not all(fields.values()):
        return None
    answers = {"preds": compared["input"], "target": compared["target"]}
    node = step.nodes[loss]
    return Wiring(
        {port: fields[source] for port, source in given.items()},
        compared["input"][1],
        fields[compared["target"][0]],
        node.layer,
        node.params,
        accuracy=any(_is_accuracy(step, metric, answers) for metric in step.nodes.values()),
    )


def _is_accuracy(step: Graph, node: Node, answers: Mapping[str, tuple[str, str]]) -> bool:
    """Whether a node is the accuracy, as it usually is, of what the loss compares."""
    if node.layer != ACCURACY or dict(node.params) != catalogue.layers()[ACCURACY].starting:
        return False
    wires = step.wires_into(node.id)
    return {wire.target_port: (wire.source, wire.source_port) for wire in wires} == answers


def _field(layer: object) -> str:
    """The data field that a node reads, or an empty string."""
    known = isinstance(layer, Layer) and layer.role is Role.DATA
    return str(getattr(layer, "field", "")) if known else ""
