"""A training step for a network and data, drawn: fields into the network, its output into a loss.

Torch-free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netbuilder.graph import edits, rules
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json
from netbuilder.graph.rules import End
from netbuilder.layers import catalogue
from netbuilder.layers.base import TensorType

CROSS_ENTROPY, SQUARED = "torch.nn.CrossEntropyLoss", "torch.nn.MSELoss"
ACCURACY = "torchmetrics.Accuracy"
_OWN = frozenset({"net", "criterion", "loss", "accuracy"})
"""Names of what every such step has."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a step does: `inputs` are data fields by the network's inputs, its `output` is held
    against the field `target` by a `loss`, a layer with inputs `input` and `target`. With
    `accuracy` that is measured, too."""

    inputs: Mapping[str, str]
    output: str
    target: str
    loss: str
    params: Mapping[str, Json] = field(default_factory=dict)
    accuracy: bool = False


def usual(network: Graph, fields: Mapping[str, TensorType]) -> Wiring:
    """The first field feeds the network's first input, the last is what its first output should be.

    Cross-entropy for classes, mean squared error for numbers. A network may lack ends yet: their
    names are empty then. There must be a field.
    """
    ports = catalogue.graph_ports(network)
    names = list(fields)
    source, target = names[0], names[-1]
    classes = fields[target].high is not None
    return Wiring(
        {ports.inputs[0].name if ports.inputs else "": source},
        ports.outputs[0].name if ports.outputs else "",
        target,
        CROSS_ENTROPY if classes else SQUARED,
        accuracy=classes,
    )


def draw(history: History, step: Graph, network: Graph, wiring: Wiring) -> None:
    """Fill an empty step."""
    document = history.document

    def add(layer: str, x: float, y: float, name: str, params: Mapping[str, Json]) -> str:
        values = {**catalogue.layers()[layer].starting, **params}
        return edits.add_node(history, step, layer, name=name, params=values, x=x, y=y).id

    def connect(start: str, source_port: str, end: str, port: str) -> None:
        # An empty name is of an end that the network does not have yet.
        if source_port and port:
            ends = End(start, source_port), End(end, port)
            edits.connect(history, step, *ends, catalogue.ports_of)

    def data(name: str, x: float, y: float) -> str:
        taken = _OWN | {node.name for node in step.nodes.values()}
        shown = rules.unique_name(rules.identifier(name), set(taken))
        return add("netbuilder.DataField", x, y, shown, {"field": name})

    known = dict.fromkeys(wiring.inputs.values(), "")
    for at, name in enumerate(known):
        known[name] = data(name, at * 240, 0)
    call = add("netbuilder.NetworkCall", 0, 120, "net", {"network": network.name})
    value = add(wiring.loss, 0, 240, "criterion", wiring.params)
    objective = add("netbuilder.Objective", 0, 360, "loss", {})
    answers = known.get(wiring.target) or data(wiring.target, 240, 120)
    for port, name in wiring.inputs.items():
        connect(known[name], "output", call, port)
    connect(call, wiring.output, value, "input")
    connect(answers, "output", value, "target")
    given = catalogue.ports_of(document, step, step.nodes[value]).outputs
    connect(value, given[0].name, objective, "loss")
    if wiring.accuracy:
        metric = add(ACCURACY, -240, 240, "accuracy", {})
        connect(call, wiring.output, metric, "preds")
        connect(answers, "output", metric, "target")
