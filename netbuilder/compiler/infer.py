"""What travels on every wire, found by running each layer on PyTorch's meta device.

A node is run at a few sizes of the symbols in its inputs; each output size is fitted by a
polynomial with integer coefficients and the fit is checked at further sizes. Where it does
not hold (a strided convolution over `T`), the formula comes from PyTorch's symbolic shapes
instead. Results are cached by layer, parameters and input types.
"""

from __future__ import annotations

import contextlib
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import ValidationError

from netbuilder.compiler import fit
from netbuilder.compiler.check import to_problem
from netbuilder.compiler.execute import function
from netbuilder.compiler.text import call_inputs
from netbuilder.errors import Fix, Problem
from netbuilder.graph import topology
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.layers import code, dims
from netbuilder.layers.base import Complaint, Layer, Ports, Role, Targets, TensorType
from netbuilder.layers.catalogue import ports_of, read

Types = dict[str, TensorType]
Fields = Mapping[str, TensorType]

CACHE_SIZE = 20_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running one layer on meta gave: output types and weights, or torch's refusal."""

    outputs: Mapping[str, TensorType]
    parameters: int = 0
    refusal: str = ""


class Cache:
    """Outcomes by (layer, parameters, input types); the least recently used go first."""

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._size = size
        self._known: OrderedDict[Any, Outcome] = OrderedDict()

    def outcome(self, layer: Layer, inputs: Types) -> Outcome:
        key = (layer.id, layer, tuple(inputs.items()))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = run_layer(layer, inputs)
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return known


@dataclass(slots=True)
class Inference:
    """What is known of one graph. Nodes that could not be understood are missing."""

    layers: dict[str, Layer] = field(default_factory=dict)
    inputs: dict[str, Types] = field(default_factory=dict)
    outputs: dict[str, Types] = field(default_factory=dict)
    inferred: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def infer(
    document: Document,
    graph: Graph,
    fields: Fields,
    networks: Mapping[str, Inference],
    cache: Cache,
) -> Inference:
    """Types of all nodes of `graph`.

    `fields` are the data's fields, which steps read; `networks` the results for the
    networks (by name), which steps call.
    """
    result = Inference()
    for id in topology.sorted_nodes(graph):
        node = graph.nodes[id]
        layer = read(node)
        if isinstance(layer, Layer):
            _Node(document, graph, node, layer, result).infer(fields, networks, cache)
    return result


class _Node:
    """The inference of one node."""

    def __init__(
        self, document: Document, graph: Graph, node: Node, layer: Layer, result: Inference
    ) -> None:
        self.document = document
        self.graph = graph
        self.node = node
        self.layer = layer
        self.result = result

    def _complain(self, complaint: Complaint) -> None:
        self.result.problems.append(to_problem(complaint, self.graph, self.node))

    def infer(self, fields: Fields, networks: Mapping[str, Inference], cache: Cache) -> None:
        ports = ports_of(self.document, self.graph, self.node)
        inputs, complete = self._inputs(ports)
        self.result.inputs[self.node.id] = inputs
        self.result.layers[self.node.id] = self.layer
        if not self._fill(inputs, complete):
            return
        refused = False
        for complaint in self.layer.complaints(inputs):
            self._complain(complaint)
            refused |= complaint.severity == "error"
        if not complete or refused:
            return
        outputs = self._outputs(inputs, fields, networks, cache)
        if outputs is not None:
            self.result.outputs[self.node.id] = outputs

    def _inputs(self, ports: Ports) -> tuple[Types, bool]:
        """Known types by port, and whether all that are needed are known."""
        inputs: Types = {}
        complete = True
        for port in ports.inputs:
            wire = self.graph.wire_into(self.node.id, port.name)
            if wire is None:
                complete &= port.optional
                continue
            known = self.result.outputs.get(wire.source, {}).get(wire.source_port)
            if known is None:
                complete = False
            else:
                inputs[port.name] = known
        return inputs, complete

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

    def _outputs(
        self,
        inputs: Types,
        fields: Fields,
        networks: Mapping[str, Inference],
        cache: Cache,
    ) -> Types | None:
        ruled = self.layer.output_types(inputs)
        if ruled is not None:
            return dict(ruled)
        match self.layer.role:
            case Role.DATA:
                return self._field(fields)
            case Role.CALL:
                return self._network(inputs, networks)
            case Role.OUTPUT | Role.OBJECTIVE | Role.METRIC | Role.PREVIEW:
                return {}
        outcome = cache.outcome(self.layer, inputs)
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
        fixes = tuple(
            Fix(f"Use '{other}'", "set_parameter", {"name": "field", "value": other})
            for other in list(fields)[:4]
        )
        self._complain(Complaint(message, hint, code="data.field", fixes=fixes))
        return None

    def _network(self, inputs: Types, networks: Mapping[str, Inference]) -> Types | None:
        name = str(getattr(self.layer, "network", ""))
        network, inside = self.document.network(name), networks.get(name)
        if network is None or inside is None:
            return None
        values: dict[str, dims.Dim] = {}
        for start in network.ordered():
            wanted = inside.outputs.get(start.id, {}).get("output")
            layer = inside.layers.get(start.id)
            if layer is None or layer.role is not Role.INPUT or wanted is None:
                continue
            found = inputs.get(start.name)
            if found is None:
                return None
            misfit = _misfit(wanted, found, values)
            if misfit:
                self._complain(self._wrong_data(network, start, layer, wanted, found, misfit))
                return None
        outputs: Types = {}
        for end in network.ordered():
            layer = inside.layers.get(end.id)
            if layer is not None and layer.role is Role.OUTPUT:
                known = inside.inputs[end.id].get("input")
                if known is None:
                    return None
                shape = tuple(dims.at(dim, values) for dim in known.shape)
                outputs[end.name] = TensorType(shape, known.dtype, known.high)
        return outputs

    @staticmethod
    def _wrong_data(
        network: Graph,
        start: Node,
        layer: Layer,
        wanted: TensorType,
        found: TensorType,
        misfit: str,
    ) -> Complaint:
        fixes: tuple[Fix, ...] = ()
        sample = found.shape[1:] if getattr(layer, "batched", True) else found.shape
        sizes = [dims.to_json(dim) for dim in sample]
        text = dims.text(sample)
        arguments = {"graph": network.id, "node": start.id, "name": "shape", "value": sizes}
        if wanted.shape != found.shape:
            fixes = (Fix(f"Set the shape of '{start.name}' to {text}", "set_parameter", arguments),)
        elif wanted.dtype != found.dtype:
            arguments |= {"name": "dtype", "value": found.dtype}
            fixes = (Fix(f"Set '{start.name}' to {found.dtype}", "set_parameter", arguments),)
        return Complaint(
            f"The network '{network.name}' takes {wanted} {wanted.dtype} as '{start.name}', "
            f"gets {found} {found.dtype}: {misfit}.",
            "Change the network's Input, or wire data of that shape to it.",
            start.name,
            code="data.misfit",
            fixes=fixes,
        )


def _misfit(wanted: TensorType, found: TensorType, values: dict[str, dims.Dim]) -> str:
    """Why `found` can't go into an input of type `wanted`; binds symbols in `values`."""
    if wanted.rank != found.rank:
        return f"{found.rank} dims instead of {wanted.rank}"
    for i, (want, have) in enumerate(zip(wanted.shape, found.shape, strict=True)):
        if isinstance(want, int):
            if want != have:
                return f"dim {i} is {have} instead of {want}"
        else:
            name = str(want)
            if values.setdefault(name, have) != have:
                return f"'{name}' is {values[name]} and {have}"
    if wanted.dtype != found.dtype:
        return f"{found.dtype} instead of {wanted.dtype}"
    if wanted.high is not None and (found.high or 0) > wanted.high:
        return f"ids up to {(found.high or 0) - 1}, the network knows {wanted.high}"
    return ""


# -- running one layer ---------------------------------------------------------------------


def run_layer(layer: Layer, inputs: Types) -> Outcome:
    """Runs a layer on the meta device at several sizes and fits the output sizes."""
    with warnings.catch_warnings():
        # What PyTorch has to say about a value it accepts, the layer's complaints say better.
        warnings.simplefilter("ignore")
        return _run_layer(layer, inputs)


def _run_layer(layer: Layer, inputs: Types) -> Outcome:
    names = sorted(frozenset().union(*(dims.symbols(t.shape) for t in inputs.values())))
    try:
        runner = Runner(layer, tuple(inputs))
        with torch.device("meta"):
            runner.make()
        probes = _probe_all(runner, inputs, names)
    except Exception as error:
        return Outcome({}, refusal=_first_line(error))
    parameters = sum(p.numel() for p in runner.parameters())
    first = probes[0][1]
    outputs: dict[str, TensorType] = {}
    try:
        for path, port in flatten_targets(layer.targets()):
            tensor = _pick(first, path)
            if tensor is None:
                continue
            sizes = [(at, tuple(_pick(result, path).shape)) for at, result in probes]
            shape = fit.shape(sizes, names) or fit.exact(runner, inputs, path, port)
            outputs[port] = TensorType(shape, str(tensor.dtype).removeprefix("torch."))
    except Exception as error:
        return Outcome({}, parameters, refusal=_first_line(error))
    return Outcome(outputs, parameters)


def _probe_all(runner: Runner, inputs: Types, names: Sequence[str]) -> list[tuple[fit.Sizes, Any]]:
    """Results at several sizes; at larger ones if the layer can't take the usual ones."""
    try:
        return [(sizes, _probe(runner, inputs, sizes)) for sizes in fit.probe_sizes(names)]
    except Exception:
        if set(names) <= {"N"}:
            raise
        larger = fit.probe_sizes(names, fit.LARGE)
        return [(sizes, _probe(runner, inputs, sizes)) for sizes in larger]


def _probe(runner: Runner, inputs: Types, sizes: Mapping[str, int]) -> Any:
    tensors = [
        torch.empty(dims.concrete(t.shape, sizes), dtype=getattr(torch, t.dtype), device="meta")
        for t in inputs.values()
    ]
    with torch.no_grad():
        return runner(*tensors)


def flatten_targets(
    shape: Targets, path: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], str]]:
    """Where in a result each output port is: `((), "output")`, `((1, 0), "h_n")`."""
    if isinstance(shape, str):
        yield path, shape
    else:
        for i, part in enumerate(shape):
            yield from flatten_targets(part, (*path, i))


def _pick(result: Any, path: tuple[int, ...]) -> Any:
    for i in path:
        result = result[i]
    return result


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


class Runner:
    """A layer as a callable: its module, if it is one, and its forward expression."""

    def __init__(self, layer: Layer, ports: tuple[str, ...]) -> None:
        """`ports` are the wired input ports, in port order."""
        constructor = layer.constructor()
        arguments: dict[str, Any] = {
            port: code.dotted(f"input_{i}") for i, port in enumerate(ports)
        }
        holder = code.dotted("module") if constructor is not None else None
        body = layer.forward(holder, call_inputs(layer, arguments))
        names = ["module", *(f"input_{i}" for i in range(len(ports)))]
        self._make = (
            function(constructor, [], {"torch": torch}) if constructor is not None else None
        )
        self._run = function(body, names, {"torch": torch})
        self.module: Any = None

    def make(self) -> None:
        """Create the module, on whichever device is the default."""
        if self._make is not None:
            self.module = self._make()
            with contextlib.suppress(AttributeError):
                self.module.eval()

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The module's weights; none for a function."""
        return iter(()) if self.module is None else self.module.parameters()

    def __call__(self, *inputs: Any) -> Any:
        return self._run(self.module, *inputs)
