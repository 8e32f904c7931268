"""From a graph to a list of calls in the order in which they run.

The order is that of the wires; variables get the nodes' names, or `x` in a chain.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from netbuilder.compiler import text
from netbuilder.compiler.check import node_names, role_of, sinks
from netbuilder.compiler.inference import Inference
from netbuilder.compiler.program import Call, Classes, Program
from netbuilder.compiler.text import ALIAS_NAMES, Snippet
from netbuilder.graph import expressions, rules, topology
from netbuilder.graph.document import Document
from netbuilder.graph.model import Json, Node
from netbuilder.layers import code
from netbuilder.layers.base import Layer, Ports, Role, Targets
from netbuilder.layers.catalogue import owner_of, ports_of

Value = tuple[str, str]
"""A node's id and an output port: what a variable holds."""

CHAIN = "x"
"""The variable that a value goes to when the very next call is all that needs it."""

_TAKEN = ALIAS_NAMES | {"self", "torch", "torchmetrics", "math", "float", "slice", "module"}


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


def lower(document: Document, inference: Inference, classes: Classes) -> Program:
    """The calls of a graph without errors, for a block: of one use of it.

    `classes` has the classes of the blocks that it calls. Nodes that reach nothing are left
    out.
    """
    return _Lowering(document, inference, classes).program()


class _Lowering:
    def __init__(self, document: Document, inference: Inference, classes: Classes) -> None:
        graph = inference.graph
        self.document = document
        self.graph = graph
        self.inference = inference
        self.classes = classes
        self.layers = inference.layers
        self.made: set[str] = set()
        """Nodes whose module is made already."""
        step = graph.kind == "step"
        self.networks = network_names(document)
        self.names = node_names(graph)
        held = set(self.networks.values()) if step else set()
        self.attributes = _apart(self.names, held)
        self.variables: dict[Value, str] = {}
        used = topology.ancestors(graph, sinks(graph))
        if graph.kind != "step":
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
        program = Program(self.graph, types=self.inference.outputs)
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
        arguments = self._arguments(node)
        owner = owner_of(self.graph, node)
        attribute = self.attributes[owner.id]
        ports = self.ports[node.id]
        outputs = self._wired(node, ports)
        layer = self.layers[node.id].for_outputs(frozenset(outputs))
        if layer.role is Role.BLOCK:
            return self._block(node, owner, layer, arguments, ports, outputs)
        if layer.role is Role.CALL:
            network = str(getattr(layer, "network", ""))
            program.networks.setdefault(network, self.networks[network])
            called = ", ".join(arguments.values())
            forward = Snippet(f"self.{self.networks[network]}({called})")
            targets = self._assign(node, layer, ports, outputs)
            return Call(node, layer, attribute, None, forward, targets, outputs)
        if self.graph.kind == "block" or expressions.holds_expression(owner.params):
            return self._written(node, owner, layer, arguments, ports, outputs)
        constructor = text.constructor(layer)
        holder = attribute if constructor is not None else ""
        forward = text.forward(layer, holder, tuple(arguments.items()))
        if constructor is not None and owner.id in self.made:
            constructor = None
        self.made.add(owner.id)
        targets = self._assign(node, layer, ports, outputs)
        return Call(node, layer, attribute, constructor, forward, targets, outputs)

    def _written(
        self,
        node: Node,
        owner: Node,
        layer: Layer,
        arguments: Mapping[str, str],
        ports: Ports,
        outputs: tuple[str, ...],
    ) -> Call:
        """A layer whose code shows expressions, or marks for sizes that the use decides."""
        shown = dict(owner.params)
        if self.graph.kind == "block":
            at = self._number[node.id]
            shown |= {k: f"={mark(at, k)}" for k in self.inference.inferred.get(node.id, {})}
        shown_layer = layer.written(shown)
        constructor = shown_layer.constructor()
        attribute = self.attributes[owner.id]
        holder = attribute if constructor is not None else ""
        forward = text.forward_tree(shown_layer, holder, tuple(arguments.items()))
        if constructor is not None and owner.id in self.made:
            constructor = None
        self.made.add(owner.id)
        targets = self._assign(node, layer, ports, outputs)
        return self._from_trees(node, layer, attribute, constructor, forward, targets, outputs)

    def _from_trees(
        self,
        node: Node,
        layer: Layer,
        attribute: str,
        constructor: ast.expr | None,
        forward: ast.expr,
        targets: str,
        outputs: tuple[str, ...],
        loop: str = "",
    ) -> Call:
        empty = Snippet("")
        call = Call(node, layer, attribute, None, empty, targets, outputs, loop)
        if self.graph.kind == "block":
            call.trees = (constructor, forward)
        else:
            call.constructor = text.snippet(constructor) if constructor is not None else None
            call.forward = text.snippet(forward)
        return call

    # -- blocks ----------------------------------------------------------------------------

    def _block(
        self,
        node: Node,
        owner: Node,
        layer: Layer,
        arguments: Mapping[str, str],
        ports: Ports,
        outputs: tuple[str, ...],
    ) -> Call:
        """A call of a block: one module, or as many as it is repeated."""
        attribute = self.attributes[owner.id]
        repeat = owner.params.get("repeat", 1)
        repeated = getattr(layer, "repeat", 1) > 1 or expressions.is_expression(repeat)
        plain = len(ports.inputs) == 1 and len(ports.outputs) == 1
        constructor: ast.expr | None = None
        if owner.id not in self.made:
            constructor = self._modules(owner, layer, repeated, plain)
        self.made.add(owner.id)
        values: list[ast.expr] = [ast.Name(name, ast.Load()) for name in arguments.values()]
        if not repeated or plain:
            forward = code.call(f"self.{attribute}", *values)
            targets = self._assign(node, layer, ports, outputs)
            return self._from_trees(node, layer, attribute, constructor, forward, targets, outputs)
        every = tuple(port.name for port in ports.outputs)
        # What every module gets besides must outlive the first of them.
        kept = list(arguments.values())[len(every) :]
        targets = self._assign(node, layer, ports, every, kept)
        back: list[ast.expr] = [ast.Name(name.strip(), ast.Load()) for name in targets.split(",")]
        forward = code.call("module", *back, *values[len(back) :])
        begin = ", ".join(list(arguments.values())[: len(back)])
        return self._from_trees(
            node, layer, attribute, constructor, forward, targets, outputs, begin
        )

    def _modules(self, owner: Node, layer: Layer, repeated: bool, plain: bool) -> ast.expr:
        """`BasicBlock(channels=64)`, or a container of several of them."""
        values = owner.params.get("values", {})
        declared = {k: code.const(v) for k, v in values.items()}
        uses = self.inference.blocks[owner.id]
        runs: list[tuple[ast.expr, str, int]] = []
        for use in uses:
            made = self.classes[id(use)]
            further = {k: code.const(v) for k, v in made.further.items()}
            tree = code.call(made.class_name, **further, **declared)
            same = ast.dump(tree)
            if runs and runs[-1][1] == same:
                runs[-1] = (tree, same, runs[-1][2] + 1)
            else:
                runs.append((tree, same, 1))
        if not repeated:
            return runs[0][0]
        return _container(runs, owner.params.get("repeat", 1), plain)

    def _wired(self, node: Node, ports: Ports) -> tuple[str, ...]:
        wired = {w.source_port for w in self.graph.wires_out_of(node.id) if w.target in self.used}
        return tuple(port.name for port in ports.outputs if port.name in wired)

    def _assign(
        self,
        node: Node,
        layer: Layer,
        ports: Ports,
        outputs: Sequence[str],
        kept: Sequence[str] = (),
    ) -> str:
        """Chooses the variables of a node's outputs, none of them `kept`, and returns what is
        assigned to."""
        for port in outputs:
            self.variables[node.id, port] = self._variable(node, port, outputs, kept)
        if layer.role in (Role.CALL, Role.BLOCK):
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

    def _variable(
        self, node: Node, port: str, outputs: Sequence[str], kept: Sequence[str] = ()
    ) -> str:
        wires = [
            wire
            for wire in self.graph.wires_out_of(node.id)
            if wire.source_port == port and wire.target in self.used
        ]
        readers = {wire.target for wire in wires}
        chained = len(outputs) == 1 and self._only_next(node, readers)
        if chained and self.chain not in kept:
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


def mark(number: int, parameter: str) -> str:
    """A name for an inferred size in a block's code until all uses of it have been looked at.

    It begins with an underscore, as no declared parameter does.
    """
    return f"_{number}_{parameter}"


def _container(runs: list[tuple[ast.expr, str, int]], repeat: Json, plain: bool) -> ast.expr:
    """`nn.Sequential(first, *(other for _ in range(2)))`; a list of modules if not `plain`."""
    parts: list[ast.expr] = []
    done = 0
    for at, (tree, _, count) in enumerate(runs):
        length = code.const(count)
        if at == len(runs) - 1 and expressions.is_expression(repeat):
            length = expressions.python(str(repeat) if not done else f"={repeat[1:]} - {done}")
        elif count == 1:
            parts.append(tree)
            done += 1
            continue
        target = ast.comprehension(
            ast.Name("_", ast.Store()), code.call("range", length), [], is_async=0
        )
        parts.append(ast.Starred(ast.GeneratorExp(tree, [target]), ast.Load()))
        done += count
    if plain:
        return code.call("torch.nn.Sequential", *parts)
    return code.call("torch.nn.ModuleList", ast.List(parts, ast.Load()))
