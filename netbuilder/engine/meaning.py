"""What a network's inputs and outputs mean in the data that it was trained on.

Torch-free. Read off the training steps: a data field that is wired to a network's input
feeds it; a data field that is compared with a network's output is its target. A network that no
step calls gets what the networks in it get, where it hands its inputs on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from netbuilder.compiler.resolve import resolve
from netbuilder.graph.document import Document, Graph
from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer, Role
from netbuilder.layers.gathering import IndexSelect

_COMPARING = frozenset({Role.LOSS, Role.METRIC, Role.PREVIEW})


@dataclass(frozen=True, slots=True)
class Meaning:
    """Data fields by port of a network.

    `rows` are those that choose a sample's rows of an output, as the number of a graph's node.
    """

    inputs: dict[str, str] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)


def of_network(document: Document, name: str) -> Meaning:
    """Which data fields feed a network's inputs, and which its outputs are compared with."""
    return _of(resolve(document).document, name, frozenset())


def _of(document: Document, name: str, outer: frozenset[str]) -> Meaning:
    meaning = Meaning()
    network = document.network(name)
    for step in document.of_kind("step"):
        roles = dict(_roles(step))
        for id, layer in roles.items():
            if layer.role is Role.CALL and getattr(layer, "network", "") == name:
                for wire in step.wires_into(id):
                    source = roles.get(wire.source)
                    # What a sampler begins with is no input of the network that it asks.
                    own = network is None or network.named(wire.target_port) is not None
                    if own and source is not None and source.role is Role.DATA:
                        meaning.inputs.setdefault(wire.target_port, _field(source))
                for wire in step.wires_out_of(id):
                    chosen = _chosen(step, roles, wire.target)
                    ends = [(wire.target, id)]
                    if chosen:
                        meaning.rows.setdefault(wire.source_port, chosen)
                        ends = [(w.target, wire.target) for w in step.wires_out_of(wire.target)]
                    for end, source_id in ends:
                        target = _target(step, roles, end, source_id)
                        if target:
                            meaning.targets.setdefault(wire.source_port, target)
    if network is not None and name not in outer:
        _hand_on(document, network, meaning, outer | {name})
    return meaning


def _hand_on(document: Document, network: Graph, meaning: Meaning, outer: frozenset[str]) -> None:
    """The fields of inputs that lead straight into a network that is called in this one."""
    roles = dict(_roles(network))
    for id, layer in roles.items():
        called = str(getattr(layer, "network", "")) if layer.role is Role.CALL else ""
        inner = _of(document, called, outer) if called else Meaning()
        for wire in network.wires_into(id):
            source = roles.get(wire.source)
            if (
                source is not None
                and source.role is Role.INPUT
                and wire.target_port in inner.inputs
            ):
                own = network.nodes[wire.source].name
                meaning.inputs.setdefault(own, inner.inputs[wire.target_port])


def _chosen(step: Graph, roles: dict[str, Layer], node: str) -> str:
    """The data field by which `node` chooses rows, or an empty string."""
    layer = roles.get(node)
    if not isinstance(layer, IndexSelect) or layer.dim != 0:
        return ""
    wires = [wire for wire in step.wires_into(node) if wire.target_port == "index"]
    sources = [roles.get(wire.source) for wire in wires]
    return next((_field(s) for s in sources if s is not None and s.role is Role.DATA), "")


def _roles(step: Graph) -> Iterator[tuple[str, Layer]]:
    for node in step.nodes.values():
        layer = catalogue.read(node)
        if isinstance(layer, Layer):
            yield node.id, layer


def _target(step: Graph, roles: dict[str, Layer], node: str, call: str) -> str:
    """The data field that `node` compares the call's output with, or an empty string."""
    layer = roles.get(node)
    if layer is None or layer.role not in _COMPARING:
        return ""
    if getattr(layer, "kind", "") == "embedding":
        return ""  # coloured by it, not compared with it
    others = (roles.get(wire.source) for wire in step.wires_into(node) if wire.source != call)
    return next((_field(layer) for layer in others if layer and layer.role is Role.DATA), "")


def _field(layer: Layer) -> str:
    return str(getattr(layer, "field", ""))
