"""What travels on every wire: a graph's nodes are asked one after the other.

A plain layer is run on PyTorch's meta device (`compiler.probe`); a call of a network takes
that network's types; a block is inferred anew with the types and values of each use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

import torch
from pydantic import ValidationError

from netbuilder.compiler import calls, libraries, own_probe, recurrence
from netbuilder.compiler.check import to_problem
from netbuilder.compiler.inference import Fields, Inference, World
from netbuilder.compiler.probe import Settled, Types
from netbuilder.compiler.remedies import Around, mended
from netbuilder.compiler.report import NodeReport
from netbuilder.compiler.sharing import check_fit
from netbuilder.errors import Fix
from netbuilder.graph import expressions, topology
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Json, Node
from netbuilder.graph.parameters import counts
from netbuilder.layers import trusted
from netbuilder.layers.base import Complaint, Layer, Ports, Role
from netbuilder.layers.blocks import Loop, Turns
from netbuilder.layers.callers import Caller
from netbuilder.layers.catalogue import (
    called_graph,
    graph_ports,
    owner_of,
    parameters_of,
    ports_of,
    read,
)
from netbuilder.layers.own import OwnLayer


def infer(world: World, graph: Graph) -> Inference:
    """Types of all nodes of a network or step."""
    return _infer(world, graph, Inference(graph), {}, ())


def _infer(
    world: World, graph: Graph, result: Inference, given: Types, within: tuple[str, ...]
) -> Inference:
    """`given` are the types of a block's inputs, `within` the ids of the blocks around it."""
    for id in topology.sorted_nodes(graph):
        node = graph.nodes[id]
        layer = read(owner_of(graph, node), result.values)
        if not isinstance(layer, Layer):
            continue
        ports = ports_of(world.document, graph, node)
        inputs, complete = _inputs(graph, node, ports, result)
        result.inputs[id], result.layers[id] = inputs, layer
        known = world.cache.settled(layer, inputs) if complete else None
        if known is not None:
            _take(result, id, known)
        else:
            _Node(world, graph, node, layer, result, given, within).infer(inputs, complete)
    for node in graph.nodes.values():
        if node.shares and node.shares != node.id:
            check_fit(graph, node, result)
    return result


def _inputs(graph: Graph, node: Node, ports: Ports, result: Inference) -> tuple[Types, bool]:
    """Known types by port, and whether all that are needed are known."""
    inputs: Types = {}
    complete = True
    for port in ports.inputs:
        wire = graph.wire_into(node.id, port.name)
        if wire is None:
            complete &= port.optional
            continue
        known = result.outputs.get(wire.source, _NOTHING).get(wire.source_port)
        if known is None:
            complete = False
        else:
            inputs[port.name] = known
    return inputs, complete


_NOTHING: Types = {}


def _take(result: Inference, id: str, known: Settled) -> None:
    """What is remembered of a node that has nothing to complain about."""
    result.settled[id] = known
    result.layers[id] = known.layer
    result.inferred[id] = known.inferred
    result.parameters[id] = known.parameters
    result.outputs[id] = known.outputs


_ALONE = frozenset({Role.LAYER, Role.LOSS})
"""Roles of layers whose outcome follows from their parameters and inputs alone."""


class _Node:
    """The inference of one node."""

    def __init__(
        self,
        world: World,
        graph: Graph,
        node: Node,
        layer: Layer,
        result: Inference,
        given: Types,
        within: tuple[str, ...],
    ) -> None:
        self.world = world
        self.graph = graph
        self.node = node
        self.layer = layer
        self.result = result
        self.given = given
        self.within = within

    def _complain(self, complaint: Complaint) -> None:
        around = Around(self.graph, self.node, self.result.inputs, self.result.layers)
        complaint = mended(self.world.document, around, self.layer, complaint)
        self.result.problems.append(to_problem(complaint, self.graph, self.node))

    def infer(self, inputs: Types, complete: bool) -> None:
        """`complete` is whether the types of all inputs that are needed are known."""
        asked = self.layer
        if not self._fill(inputs, complete):
            return
        quiet = True
        refused = False
        for complaint in self.layer.complaints(inputs):
            self._complain(complaint)
            quiet = False
            refused |= complaint.severity == "error"
        if not complete or refused:
            return
        outputs = self._outputs(inputs)
        if outputs is not None:
            outputs = self.world.cache.shared(outputs)
            self.result.outputs[self.node.id] = outputs
            if quiet and self.layer.role in _ALONE and not isinstance(asked, OwnLayer):
                self._settle(asked, inputs, outputs)

    def _settle(self, asked: Layer, inputs: Types, outputs: Types) -> None:
        inferred = self.result.inferred.get(self.node.id, {})
        parameters = self.result.parameters.get(self.node.id, 0)
        report = NodeReport.of(inputs, outputs, parameters, inferred)
        settled = Settled(asked, self.layer, inputs, inferred, outputs, parameters, report)
        self.world.cache.settle(settled)
        _take(self.result, self.node.id, settled)

    def _fill(self, inputs: Types, complete: bool) -> bool:
        """Puts inferred sizes into `self.layer`; False if that can't be done."""
        open_names = self.layer.open_sizes()
        if not open_names:
            return True
        values = {k: v for k, v in self.layer.infer(inputs).items() if k in open_names}
        try:
            filled = self.layer.with_values(values) if values else self.layer
        except ValidationError as error:
            first = error.errors()[0]
            self._complain(
                Complaint(
                    f"What comes in does not suit {self.layer.title}: {first['msg']}.",
                    "Change what comes in, or set the sizes yourself.",
                )
            )
            return False
        missing = filled.open_sizes()
        if missing and complete and not self._refused(filled, inputs):
            self._complain(
                Complaint(
                    f"{missing[0]} can't be told from what comes in.",
                    f"Set {missing[0]}, or give the input a fixed size there.",
                    code="parameter.unknown_size",
                )
            )
        self.layer = filled
        self.result.layers[self.node.id] = filled
        self.result.inferred[self.node.id] = values
        return not missing

    def _refused(self, layer: Layer, inputs: Types) -> bool:
        """Reports what the layer itself has against inputs that tell no sizes."""
        found = [c for c in layer.complaints(inputs) if c.severity == "error"]
        for complaint in found:
            self._complain(complaint)
        return bool(found)

    def _outputs(self, inputs: Types) -> Types | None:
        if libraries.lacks(self.layer.id):
            self._complain(
                Complaint(
                    f"'{self.node.name}' needs a newer PyTorch: {torch.__version__}, which is "
                    f"installed, has no {self.layer.title}.",
                    "Update PyTorch, or put other layers in its place.",
                    code="layer.newer_torch",
                )
            )
            return None
        ruled = self.layer.output_types(inputs)
        if ruled is not None and not self.layer.is_module():
            return dict(ruled)
        match self.layer.role:
            case Role.INPUT:
                known = self.given.get(self.node.name)
                return None if known is None else {"output": known}
            case Role.DATA:
                return self._field(self.world.fields)
            case Role.CALL:
                return self._network(inputs)
            case Role.BLOCK:
                return self._block(inputs)
            case Role.OUTPUT | Role.OBJECTIVE | Role.METRIC | Role.PREVIEW:
                return {}
        if isinstance(self.layer, OwnLayer):
            if self.layer.sha256 not in trusted.current().sources:
                return None
            outcome = self.world.cache.outcome(self.layer, inputs, own_probe.run)
        else:
            outcome = self.world.cache.outcome(self.layer, inputs)
        self.result.parameters[self.node.id] = outcome.parameters
        if outcome.refusal:
            shapes = ", ".join(f"{port} {tensor}" for port, tensor in inputs.items())
            self._complain(
                Complaint(
                    f"{self.layer.title} can't take {shapes}: {outcome.refusal}",
                    "Change its parameters or what comes in.",
                )
            )
            return None
        return dict(outcome.outputs)

    def _field(self, fields: Fields) -> Types | None:
        name = str(getattr(self.layer, "field", ""))
        if name in fields:
            return {"output": fields[name]}
        if not fields:
            message, hint = "No data set is chosen.", "Choose one in the project's data settings."
        else:
            message = f"The data has no field '{name}'."
            hint = f"Its fields: {', '.join(fields)}."
        near = get_close_matches(name, fields)
        alike = [*near, *(other for other in fields if other not in near)]
        fixes = tuple(
            Fix(f"Use '{other}'", "set_parameter", {"name": "field", "value": other})
            for other in alike[:4]
        )
        self._complain(Complaint(message, hint, code="data.field", fixes=fixes))
        return None

    def _network(self, inputs: Types) -> Types | None:
        name = str(getattr(self.layer, "network", ""))
        inside = self.world.networks.get(name)
        self.result.networks.add(name)
        if inside is None or not isinstance(self.layer, Caller):
            return None
        try:
            return calls.caller_outputs(inside, self.layer, inputs)
        except calls.Misfit as misfit:
            self._complain(misfit.complaint)
            return None

    def _block(self, inputs: Types) -> Types | None:
        """The types that come out of a block, one repetition after the other."""
        block = called_graph(self.world.document, owner_of(self.graph, self.node))
        if block is None or block.id in self.within:
            return None
        values = {**parameters_of(block), **getattr(self.layer, "values", {})}
        if isinstance(self.layer, Loop):
            return self._loop(block, self.layer, values, inputs)
        ports = ports_of(self.world.document, self.graph, self.node)
        inferences: list[Inference] = []
        given, outputs = dict(inputs), None
        counted = counts(owner_of(self.graph, self.node).params.get("values"))
        for index in range(getattr(self.layer, "repeat", 1)):
            if counted and index:
                known = self._values(index)
                if known is None:
                    return None
                values = {**values, **known}
            inside = self._inside(block, values, given)
            inferences.append(inside)
            outputs = calls.outputs_of(inside)
            if outputs is None:
                break
            given |= dict(zip((port.name for port in ports.inputs), outputs.values(), strict=False))
        self._keep(block, inferences, outputs is None)
        return outputs

    def _values(self, index: int) -> Mapping[str, Json] | None:
        """What a use says of its block's parameters in one of its repetitions; None, and why is
        told, where that has no value."""
        owner = owner_of(self.graph, self.node)
        layer = read(owner, {**self.result.values, expressions.INDEX: index})
        for complaint in layer if isinstance(layer, tuple) else ():
            message = f"Where index is {index}: {complaint.message}"
            self._complain(replace(complaint, message=message))
        return getattr(layer, "values", None)

    def _loop(
        self, block: Graph, loop: Loop, values: Mapping[str, Json], inputs: Types
    ) -> Types | None:
        """The types that come out of a loop over time."""
        turns = Turns.of(graph_ports(block), loop.constants)
        try:
            rounds = recurrence.run(
                loop, turns, inputs, lambda given: self._inside(block, values, given)
            )
        except calls.Misfit as misfit:
            self._complain(misfit.complaint)
            return None
        if rounds.complaint is not None:
            self._complain(rounds.complaint)
        self._keep(block, [rounds.inside], rounds.outputs is None and not rounds.complaint)
        return rounds.outputs

    def _keep(self, block: Graph, uses: list[Inference], failed: bool) -> None:
        """Books what is inside a block: one inference for each repetition."""
        self.result.blocks[self.node.id] = tuple(uses)
        self.result.parameters[self.node.id] = sum(
            sum(inside.parameters.values()) for inside in uses
        )
        for inside in uses:
            self.result.networks |= inside.networks
        self._problems_inside(block, uses, failed)

    def _inside(self, block: Graph, values: Mapping[str, Json], given: Types) -> Inference:
        # `repr` keeps 1, 1.0 and True apart, which are equal as keys.
        key = (block.id, repr(values), tuple(given.items()))
        known = self.world.known.get(key)
        if known is None:
            fresh = Inference(block, values)
            known = _infer(self.world, block, fresh, given, (*self.within, block.id))
            self.world.known[key] = known
        return known

    def _problems_inside(self, block: Graph, uses: list[Inference], failed: bool) -> None:
        told = [p.within(self.node.id) for inside in uses for p in inside.problems]
        self.result.problems += told
        first = next((problem for problem in told if problem.severity == "error"), None)
        if first is not None:
            where = self.world.document.graph(first.graph)
            at = f" at '{where.nodes[first.node].name}'" if first.node in where.nodes else ""
            message = f"'{block.name}' does not work here: inside,{at} {first.message}"
        elif (failed and block.id not in self.world.restricted) or block.id in self.world.broken:
            message = f"The block '{block.name}' has problems, so what comes out is not known."
        else:
            return
        hint = "Open the block and mend it, or change what comes in."
        self._complain(Complaint(message, hint, code="block.inside"))
