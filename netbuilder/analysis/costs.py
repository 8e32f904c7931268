"""What a network costs: weights and multiply-accumulates, in all and node by node.

Multiply-accumulates are those of one forward pass of one sample: half the floating point
operations that `torch.utils.flop_counter` counts (matrix products, convolutions,
attention), on PyTorch's meta device, so that no weights are made.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netbuilder.compiler import networks
from netbuilder.compiler.analyse import Compiled
from netbuilder.compiler.build import build_network, compiled_without_errors, named_network
from netbuilder.compiler.emit import Place
from netbuilder.errors import NetbuilderError
from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.layers import catalogue, dims
from netbuilder.layers.base import Role, TensorType

FREE_SIZE = 32
"""The length that counts where the user names none."""
Sizes = Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Costs:
    """Multiply-accumulates in all, and by graph and node id.

    A node that calls a block has those of all that is in it.
    """

    macs: int
    by_node: Mapping[Place, int]


class _Counter(FlopCounterMode):
    """Books every operation with the nodes whose lines of generated code led to it."""

    def __init__(self, file: str, lines: Mapping[int, Place]) -> None:
        super().__init__(display=False)
        self._file = file
        self._lines = lines
        self.by_node: Counter[Place] = Counter()

    def _count_flops(self, func_packet: Any, out: Any, args: Any, kwargs: Any) -> Any:
        before = self.get_total_flops()
        out = super()._count_flops(func_packet, out, args, kwargs)  # type: ignore[no-untyped-call]
        flops = self.get_total_flops() - before
        if flops:
            for place in self._places():
                self.by_node[place] += flops
        return out

    def _places(self) -> set[Place]:
        found = set()
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if frame.f_code.co_filename == self._file and frame.f_lineno in self._lines:
                found.add(self._lines[frame.f_lineno])
            frame = frame.f_back
        return found


def count(module: nn.Module, inputs: Sequence[torch.Tensor]) -> Costs:
    """The costs of `module(*inputs)`; a compiled module, in eval mode."""
    origin: Any = module.netbuilder_origin
    file = type(module).forward.__code__.co_filename
    with _Counter(file, origin.source.lines) as counter:
        module(*inputs)
    return Costs(
        counter.get_total_flops() // 2, {at: flops // 2 for at, flops in counter.by_node.items()}
    )


def summary(document: Document, network: str | None, sizes: Sizes) -> dict[str, Any]:
    """All networks, or the one called `network`, as the `summary` command shows them.

    `sizes` gives whole input shapes by input name, batch first; a fixed size of the network
    that differs is replaced. `ProblemsError` if the network has errors.
    """
    document = _resized(document, sizes)
    names = [network] if network else [graph.name for graph in document.of_kind("network")]
    return {"networks": {name: _network(document, name, sizes) for name in names}}


def _resized(document: Document, sizes: Sizes) -> Document:
    if not sizes:
        return document
    result = document.copy()
    history = History(result)
    found = set()
    for graph in result.of_kind("network"):
        for node in graph.ordered():
            layer = catalogue.read(node)
            if node.name not in sizes or getattr(layer, "role", None) is not Role.INPUT:
                continue
            found.add(node.name)
            given = list(sizes[node.name])
            lead = 1 if getattr(layer, "batched", True) else 0
            old: Sequence[int | str] = getattr(layer, "shape", ())
            if len(given) != len(old) + lead:
                shown = "x".join(map(str, (*["N"][:lead], *old)))
                raise NetbuilderError(
                    f"The input '{node.name}' has {len(old) + lead} sizes: {shown}.",
                    "Give the batch first.",
                )
            shape = [
                here if isinstance(here, str) else new
                for here, new in zip(old, given[lead:], strict=True)
            ]
            edits.set_parameters(history, graph, [node.id], {"shape": shape})
    if missing := sorted(sizes.keys() - found):
        raise NetbuilderError(f"There is no input '{missing[0]}'.")
    return result


def _network(document: Document, name: str, sizes: Sizes) -> dict[str, Any]:
    graph = named_network(document, name)
    compiled = compiled_without_errors(document, graph, {})
    inference = compiled.inferences[graph.id]
    with torch.device("meta"):
        module = build_network(document, name)
    module.eval()
    inputs: dict[str, TensorType] = {}
    outputs: dict[str, TensorType] = {}
    for node in graph.ordered():
        layer = inference.layers.get(node.id)
        if layer is not None and layer.role is Role.INPUT:
            inputs[node.name] = inference.outputs[node.id]["output"]
        elif layer is not None and layer.role is Role.OUTPUT:
            outputs[node.name] = inference.inputs[node.id]["input"]
    costs = count(module, _examples(inputs, sizes))
    weights = list(module.parameters())
    return {
        "parameters": sum(weight.numel() for weight in weights),
        "trainable": sum(weight.numel() for weight in weights if weight.requires_grad),
        "macs": costs.macs,
        "inputs": _shapes(inputs),
        "outputs": _shapes(outputs),
        "nodes": _nodes(graph, compiled, costs),
    }


def _examples(inputs: Mapping[str, TensorType], sizes: Sizes) -> list[torch.Tensor]:
    known: dict[str, int] = {"N": 1}
    for name, tensor in inputs.items():
        for dim, size in zip(tensor.shape, sizes.get(name, ()), strict=False):
            if isinstance(dim, dims.Symbolic):
                known[str(dim)] = size
    free = dims.symbols(dim for tensor in inputs.values() for dim in tensor.shape)
    values = {symbol: known.get(symbol, FREE_SIZE) for symbol in free}
    return [
        torch.empty(
            dims.concrete(tensor.shape, values),
            dtype=getattr(torch, tensor.dtype),
            device="meta",
        )
        for tensor in inputs.values()
    ]


def _shapes(types: Mapping[str, TensorType]) -> dict[str, list[int | str]]:
    return {port: [dims.to_json(dim) for dim in type.shape] for port, type in types.items()}


def _nodes(graph: Graph, compiled: Compiled, costs: Costs) -> list[dict[str, Any]]:
    inference = compiled.inferences[graph.id]
    _, calls = networks.weights(inference, compiled.networks)
    return [
        {
            "id": node.id,
            "name": node.name,
            "layer": node.layer,
            "inputs": _shapes(inference.inputs.get(node.id, {})),
            "outputs": _shapes(inference.outputs.get(node.id, {})),
            "parameters": calls.get(node.id, inference.parameters.get(node.id, 0)),
            "macs": costs.by_node.get((graph.id, node.id), 0),
        }
        for node in graph.ordered()
    ]
