"""From a graph to a list of calls in the order in which they run.

The order is that of the wires; `variables` says what the values are called, `inner` writes
calls of blocks.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from netbuilder.compiler import text
from netbuilder.compiler.inference import Inference
from netbuilder.compiler.inner import Inner
from netbuilder.compiler.networks import network_arguments
from netbuilder.compiler.program import Call, Classes, Program, Site
from netbuilder.compiler.roles import node_names, role_of, sinks
from netbuilder.compiler.variables import SILENT, Variables
from netbuilder.graph import expressions, topology
from netbuilder.graph.document import Document
from netbuilder.graph.model import Node
from netbuilder.layers import code
from netbuilder.layers.base import Role
from netbuilder.layers.callers import Caller
from netbuilder.layers.catalogue import owner_of, ports_of


def _apart(names: Mapping[str, str], taken: set[str]) -> dict[str, str]:
    """The names, with an underscore where a network has that name."""
    return {id: f"{name}_" if name in taken else name for id, name in names.items()}


def lower(
    document: Document, inference: Inference, classes: Classes, *, scanned: bool = False
) -> Program:
    """The calls of a graph without errors, for a block: of one use of it.

    `classes` has the classes of the blocks that it calls. Nodes that reach nothing are left
    out. `scanned` writes loops over time for exporters that can't unroll a free length.
    """
    return _Lowering(document, inference, classes, scanned).program()


class _Lowering:
    def __init__(
        self, document: Document, inference: Inference, classes: Classes, scanned: bool
    ) -> None:
        graph = inference.graph
        self.document = document
        self.graph = graph
        self.inference = inference
        self.layers = inference.layers
        self.made: set[str] = set()
        """Nodes whose module is made already."""
        self.networks = network_arguments(document, inference)
        names = node_names(graph)
        self.names = names
        self.attributes = _apart(names, set(self.networks.values()))
        used = topology.ancestors(graph, sinks(graph))
        if graph.kind != "step":
            # An unused input is still an argument of forward.
            used |= {node.id for node in graph.nodes.values() if role_of(node) is Role.INPUT}
        self.order = [graph.nodes[id] for id in topology.sorted_nodes(graph, used)]
        self.shown = self._for_previews()
        self.order.sort(key=lambda node: node.id in self.shown)
        self.ports = {node.id: ports_of(document, graph, node) for node in self.order}
        self.variables = Variables(graph, self.layers, self.order, names)
        self.inner = Inner(inference, classes, self.variables, self.networks, scanned)

    def _for_previews(self) -> set[str]:
        """The nodes of a step that previews alone need."""
        previews = {node.id for node in self.order if role_of(node) is Role.PREVIEW}
        if self.graph.kind != "step" or not previews:
            return set()
        needed = topology.ancestors(self.graph, set(sinks(self.graph)) - previews)
        return {node.id for node in self.order} - needed

    def program(self) -> Program:
        program = Program(self.graph, types=self.inference.outputs)
        for node in self.order:
            if self.layers[node.id].role in (Role.INPUT, Role.DATA):
                self._start(program, node)
        for node in self.order:
            if node.id in self.shown and self.layers[node.id].role not in SILENT:
                program.always = len(program.calls) if program.always < 0 else program.always
            if self.layers[node.id].role not in SILENT:
                call = self._call(program, self._site(node))
                if self.graph.kind != "block" and call.trees is not None:
                    call.finish()
                program.calls.append(call)
        for node in sorted(self.order, key=lambda node: (node.order, node.id)):
            layer = self.layers[node.id]
            if layer.role in (Role.OUTPUT, Role.OBJECTIVE, Role.METRIC, Role.PREVIEW):
                program.results.append((node, self._arguments(node)))
            if layer.role is Role.METRIC:
                program.metrics.append((node, layer))
        return program

    def _start(self, program: Program, node: Node) -> None:
        layer = self.layers[node.id]
        wanted = self.names[node.id]
        if layer.role is Role.DATA:
            wanted = str(getattr(layer, "field", ""))
        name = self.variables.begin(node, wanted)
        # Two nodes may read the same field: it is one argument.
        if layer.role is Role.INPUT or all(name != other for _, other in program.inputs):
            program.inputs.append((node, name))

    def _arguments(self, node: Node) -> dict[str, str]:
        result: dict[str, str] = {}
        for port in self.ports[node.id].inputs:
            wire = self.graph.wire_into(node.id, port.name)
            if wire is not None:
                result[port.name] = self.variables[wire.source, wire.source_port]
        return result

    def _site(self, node: Node) -> Site:
        owner = owner_of(self.graph, node)
        ports = self.ports[node.id]
        outputs = tuple(p.name for p in ports.outputs if self.variables.wired(node, p.name))
        return Site(
            node,
            owner,
            self.layers[node.id].for_outputs(frozenset(outputs)),
            self.attributes[owner.id],
            ports,
            self._arguments(node),
            outputs,
        )

    def _call(self, program: Program, site: Site) -> Call:
        layer, made = site.layer, site.owner.id in self.made
        self.made.add(site.owner.id)
        if layer.role is Role.BLOCK:
            return self.inner.call(site, made)
        if layer.role is Role.CALL:
            return self._network(program, site)
        if self.graph.kind == "block" or expressions.holds_expression(site.owner.params):
            return self._written(site, made)
        constructor = text.constructor(layer)
        holder = site.attribute if constructor is not None else ""
        forward = text.forward(layer, holder, tuple(site.arguments.items()))
        targets = self.variables.assign(site)
        return Call.at(site, None if made else constructor, forward, targets)

    def _written(self, site: Site, made: bool) -> Call:
        """A layer whose code shows expressions, or marks for sizes that the use decides."""
        shown = dict(site.owner.params)
        if self.graph.kind == "block":
            at = self.variables.number[site.node.id]
            shown |= {k: f"={mark(at, k)}" for k in self.inference.inferred.get(site.node.id, {})}
        layer = site.layer.written(shown)
        constructor = layer.constructor()
        holder = site.attribute if constructor is not None else ""
        forward = text.forward_tree(layer, holder, tuple(site.arguments.items()))
        targets = self.variables.assign(site)
        return Call.of_trees(site, None if made else constructor, forward, targets)

    def _network(self, program: Program, site: Site) -> Call:
        """A call of a network, in the way that the node says."""
        name = str(getattr(site.layer, "network", ""))
        program.networks[name] = self.networks[name]
        held = code.dotted(f"self.{self.networks[name]}")
        values = {p: ast.Name(v, ast.Load()) for p, v in site.arguments.items()}
        assert isinstance(site.layer, Caller)
        forward = site.layer.call(held, values)
        return Call.of_trees(site, None, forward, self.variables.assign(site))


def mark(number: int, parameter: str) -> str:
    """A name for an inferred size in a block's code until all uses of it have been looked at.

    It begins with an underscore, as no declared parameter does.
    """
    return f"_{number}_{parameter}"
