"""All layers by id, and what a node is in their light."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from netbuilder.errors import Fix
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Complaint, Layer, Port, Ports, Role

FAMILIES = (
    "io",
    "linear",
    "convolution",
    "pooling",
    "normalisation",
    "dropout",
    "activation",
    "recurrent",
    "attention",
    "reshape",
    "arithmetic",
    "losses",
    "metrics",
    "steps",
)
"""The modules of this package that hold layers, in the order of the palette."""


@cache
def layers() -> Mapping[str, type[Layer]]:
    """Every layer by id, in the order of the palette."""
    found: dict[str, type[Layer]] = {}
    for family in FAMILIES:
        module = importlib.import_module(f"netbuilder.layers.{family}")
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Layer)
                and value.__module__ == module.__name__
                and "id" in vars(value)
            ):
                if value.id in found:
                    raise TypeError(f"two layers have the id {value.id}")
                found[value.id] = value
    return MappingProxyType(found)


def find(id: str) -> type[Layer] | None:
    """The layer with this id, or None."""
    return layers().get(id)


@cache
def _parse(id: str, key: tuple[Any, ...]) -> Layer | tuple[Complaint, ...]:
    kind = layers()[id]
    try:
        return kind.model_validate(_thaw(key))
    except ValidationError as error:
        return tuple(_complaint(kind, entry) for entry in error.errors())


def _key(value: Any) -> Any:
    # The type is part of the key: 1, 1.0 and True are different parameters but equal keys.
    if isinstance(value, Mapping):
        return ("{}", *((name, _key(item)) for name, item in sorted(value.items())))
    if isinstance(value, tuple | list):
        return ("()", *(_key(item) for item in value))
    return (type(value).__name__, value)


def _thaw(key: Any) -> Any:
    head, *rest = key
    if head == "{}":
        return {name: _thaw(item) for name, item in rest}
    if head == "()":
        return tuple(_thaw(item) for item in rest)
    return rest[0]


def read(node: Node) -> Layer | tuple[Complaint, ...] | None:
    """The node's parameters as a layer; complaints if they are wrong; None if unknown."""
    if node.layer not in layers():
        return None
    return _parse(node.layer, _key(node.params))


def _complaint(kind: type[Layer], entry: Any) -> Complaint:
    name = str(entry["loc"][0]) if entry["loc"] else ""
    if entry["type"] == "extra_forbidden":
        known = ", ".join(kind.model_fields) or "none"
        return Complaint(
            f"{kind.title} has no parameter '{name}'.",
            f"Its parameters: {known}.",
            code="parameter.unknown",
            fixes=(Fix(f"Remove {name}", "unset_parameter", {"name": name}),),
        )
    if entry["type"] == "missing":
        return Complaint(
            f"{kind.title} needs a value for '{name}'.", "Set it.", code="parameter.missing"
        )
    shown = repr(entry["input"])
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    reason = entry["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    verb = "must be" if entry["msg"].startswith("Input should be ") else "is not right:"
    text = f"'{name}' {verb} {reason}, not {shown}." if name else f"{reason}."
    fixes = (Fix(f"Use the default for {name}", "unset_parameter", {"name": name}),) if name else ()
    return Complaint(text, "Change the value.", code="parameter.invalid", fixes=fixes)


def ports_of(document: Document, graph: Graph, node: Node) -> Ports:
    """The ports that a node has now.

    A network call has the ports of its network; a variadic port shows one more than is
    wired, two at least; a placeholder has the ports that its wires name.
    """
    layer = read(node)
    if isinstance(layer, Layer):
        ports = network_ports(document, layer) if layer.role is Role.CALL else layer.ports()
    else:
        kind = find(node.layer)
        if kind is None:
            return _wired_ports(graph, node)
        ports = Ports(kind.inputs, kind.outputs)
    if not any(port.variadic for port in ports.inputs):
        return ports
    expanded: list[Port] = []
    for port in ports.inputs:
        expanded += _expand(graph, node, port) if port.variadic else [port]
    return replace(ports, inputs=tuple(expanded))


def _expand(graph: Graph, node: Node, port: Port) -> list[Port]:
    wired = [-1]
    for wire in graph.wires_into(node.id):
        stem, _, number = wire.target_port.rpartition("_")
        if stem == port.name and number.isdecimal():
            wired.append(int(number))
    shown = max(2, max(wired) + 2)
    return [
        Port(f"{port.name}_{i}", port.help, optional=i > 0 and i not in wired)
        for i in range(min(shown, 1024))
    ]


def _wired_ports(graph: Graph, node: Node) -> Ports:
    inputs = sorted({wire.target_port for wire in graph.wires_into(node.id)})
    outputs = sorted({wire.source_port for wire in graph.wires_out_of(node.id)})
    return Ports(
        tuple(Port(name, optional=True) for name in inputs), tuple(Port(name) for name in outputs)
    )


def network_ports(document: Document, layer: Layer) -> Ports:
    """The ports of a call of a network: its Input and Output nodes in their order."""
    network = document.network(getattr(layer, "network", ""))
    if network is None:
        return Ports((), ())
    inputs, outputs = [], []
    for node in network.ordered():
        kind = find(node.layer)
        if kind is None:
            continue
        if kind.role is Role.INPUT:
            inputs.append(Port(node.name))
        elif kind.role is Role.OUTPUT:
            outputs.append(Port(node.name))
    return Ports(tuple(inputs), tuple(outputs))
