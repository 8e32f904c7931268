"""From a graph to a list of calls in the order in which they run.

What lies between the drawing and the source: each node that is needed becomes a `Call`
with the text that makes its module, the text that runs it and the variables its outputs
go to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netbuilder.compiler import text
from netbuilder.compiler.check import node_names, role_of, sinks
from netbuilder.compiler.text import Snippet
from netbuilder.graph import rules, topology
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Layer, Ports, Role, Targets
from netbuilder.layers.catalogue import ports_of

Value = tuple[str, str]
"""A node's id and an output port: what a variable holds."""

CHAIN = "x"
"""The variable that a value goes to when the very next call is all that needs it."""

_TAKEN = frozenset({"self", "torch", "nn", "F", "torchmetrics", "float", "slice"})


@dataclass(slots=True)
class Call:
    """One node as code: `targets = forward`, with `self.attribute = constructor` before."""

    node: Node
    layer: Layer
    attribute: str
    constructor: Snippet | None
    forward: Snippet
    targets: str
    outputs: tuple[str, ...]
    """The output ports that something uses, in port order."""


@dataclass(slots=True)
class Program:
    """A lowered graph: arguments of `forward`, calls, and what it returns.

    `inputs` are nodes with their variables, `results` nodes with variables by port.
    """

    graph: Graph
    inputs: list[tuple[Node, str]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    results: list[tuple[Node, dict[str, str]]] = field(default_factory=list)
    networks: dict[str, str] = field(default_factory=dict)
    """Names of the networks that a step calls, and the attributes that hold them."""
    metrics: list[tuple[Node, Layer]] = field(default_factory=list)


def network_names(document: Document) -> dict[str, str]:
    """Networks' names to legal, unique attribute names."""
    result: dict[str, str] = {}
    for network in document.of_kind("network"):
        wanted = rules.identifier(network.name, "network")
        result.setdefault(network.name, rules.unique_name(wanted, set(result.values())))
    return result


def _apart(names: Mapping[str, str], taken: set[str]) -> dict[str, str]:
    """The names, with an underscore where a network has that name."""
    return {id: f"{name}_" if name in taken else name for id, name in names.items()}


def lower(document: Document, graph: Graph, layers: Mapping[str, Layer]) -> Program:
    """The calls of a graph without errors.

    `layers` holds each node's layer with inferred sizes filled in. Nodes that reach
    nothing are left out.
    """
    return _Lowering(document, graph, layers).program()


class _Lowering:
    def __init__(self, document: Document, graph: Graph, layers: Mapping[str, Layer]) -> None:
        self.document = document
        self.graph = graph
        self.layers = layers
        step = graph.kind == "step"
        self.networks = network_names(document)
        self.names = node_names(graph)
        held = set(self.networks.values()) if step else set()
        self.attributes = _apart(self.names, held)
        self.variables: dict[Value, str] = {}
        used = topology.ancestors(graph, sinks(graph))
        if graph.kind == "network":
            # An unused input is still an argument of forward.
            used |= {node.id for node in graph.nodes.values() if role_of(node) is Role.INPUT}
        self.order = [graph.nodes[id] for id in topology.sorted_nodes(graph, used)]
        self.used = used
        self.ports = {node.id: ports_of(document, graph, node) for node in self.order}
        self.chain = self._free(CHAIN)
        self._number = {node.id: i for i, node in enumerate(self._running())}

    def _free(self, wanted: str) -> str:
        taken = set(self.names.values())
        while wanted in taken:
            wanted += "_"
        return wanted

    def _running(self) -> list[Node]:
        silent = SILENT
        return [node for node in self.order if self.layers[node.id].role not in silent]

    def program(self) -> Program:
        program = Program(self.graph)
        starts = [n for n in self.order if self.layers[n.id].role in (Role.INPUT, Role.DATA)]
        for node in starts:
            self._start(program, node)
        for node in self.order:
            role = self.layers[node.id].role
            if role not in SILENT:
                program.calls.append(self._call(program, node))
        for node in sorted(self.order, key=lambda node: (node.order, node.id)):
            layer = self.layers[node.id]
            if layer.role in (Role.OUTPUT, Role.OBJECTIVE, Role.METRIC, Role.PREVIEW):
                program.results.append((node, self._arguments(node)))
            if layer.role is Role.METRIC:
                program.metrics.append((node, layer))
        return program

    def _start(self, program: Program, node: Node) -> None:
        layer = self.layers[node.id]
        if layer.role is Role.INPUT:
            name = self._legal(self.names[node.id])
            program.inputs.append((node, name))
        else:
            # Two nodes may read the same field: it is one argument.
            name = self._legal(str(getattr(layer, "field", "")))
            if all(name != other for _, other in program.inputs):
                program.inputs.append((node, name))
        self.variables[node.id, "output"] = name

    @staticmethod
    def _legal(name: str) -> str:
        return f"{name}_" if name in _TAKEN else name

    def _arguments(self, node: Node) -> dict[str, str]:
        result: dict[str, str] = {}
        for port in self.ports[node.id].inputs:
            wire = self.graph.wire_into(node.id, port.name)
            if wire is not None:
                result[port.name] = self.variables[wire.source, wire.source_port]
        return result

    def _call(self, program: Program, node: Node) -> Call:
        layer = self.layers[node.id]
        arguments = self._arguments(node)
        attribute = self.attributes[node.id]
        constructor = None
        if layer.role is Role.CALL:
            network = str(getattr(layer, "network", ""))
            program.networks.setdefault(network, self.networks[network])
            called = ", ".join(arguments.values())
            forward = Snippet(f"self.{self.networks[network]}({called})")
        else:
            constructor = text.constructor(layer)
            holder = attribute if constructor is not None else ""
            forward = text.forward(layer, holder, tuple(arguments.items()))
        ports = self.ports[node.id]
        outputs = self._wired(node, ports)
        targets = self._assign(node, layer, ports, outputs)
        return Call(node, layer, attribute, constructor, forward, targets, outputs)

    def _wired(self, node: Node, ports: Ports) -> tuple[str, ...]:
        wired = {w.source_port for w in self.graph.wires_out_of(node.id) if w.target in self.used}
        return tuple(port.name for port in ports.outputs if port.name in wired)

    def _assign(self, node: Node, layer: Layer, ports: Ports, outputs: Sequence[str]) -> str:
        """Chooses the variables of a node's outputs and returns what is assigned to."""
        for port in outputs:
            self.variables[node.id, port] = self._variable(node, port, outputs)
        if layer.role is Role.CALL:
            names = tuple(port.name for port in ports.outputs)
            shape: Targets = names if len(names) != 1 else names[0]
        else:
            shape = layer.targets()
        return self._targets(node, shape)

    def _targets(self, node: Node, shape: Targets) -> str:
        if isinstance(shape, str):
            return self.variables.get((node.id, shape), "_")
        parts = [self._targets(node, part) for part in shape]
        if all(part == "_" for part in parts):
            return "_"
        inner = [part if "," not in part else f"({part})" for part in parts]
        return ", ".join(inner)

    def _variable(self, node: Node, port: str, outputs: Sequence[str]) -> str:
        wires = [
            wire
            for wire in self.graph.wires_out_of(node.id)
            if wire.source_port == port and wire.target in self.used
        ]
        readers = {wire.target for wire in wires}
        if len(outputs) == 1 and self._only_next(node, readers):
            return self.chain
        name = self.names[node.id] if len(outputs) == 1 else f"{self.names[node.id]}_{port}"
        taken = {variable for key, variable in self.variables.items() if key[0] != node.id}
        name = self._legal(name)
        while name in taken:
            name += "_"
        return name

    def _only_next(self, node: Node, readers: set[str]) -> bool:
        """Whether the value is read by the next call alone, or at the very end alone."""
        if len(readers) != 1:
            return False
        (reader,) = readers
        at = self._number[node.id]
        if reader in self._number:
            return self._number[reader] == at + 1
        if self.layers[reader].role is not Role.OUTPUT:
            return False
        return at + 1 == len(self._number)


SILENT = frozenset({Role.INPUT, Role.DATA, Role.OUTPUT, Role.OBJECTIVE, Role.METRIC, Role.PREVIEW})
"""Roles that are arguments or results of `forward` rather than calls in it."""
