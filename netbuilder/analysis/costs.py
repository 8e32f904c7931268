"""What a network costs: weights, multiply-accumulates and memory, in all and node by node.

Multiply-accumulates are those of one forward pass of one sample (`analysis.counting` says
what counts); memory is what training keeps of a batch (`analysis.memory`) and what comes out
of the nodes. All is found on PyTorch's meta device, so that no weights are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from netbuilder.analysis.counting import Booked, count
from netbuilder.analysis.memory import kept
from netbuilder.compiler import networks
from netbuilder.compiler.analyse import Compiled
from netbuilder.compiler.build import build_network, compiled_without_errors, named_network
from netbuilder.compiler.inference import Inference
from netbuilder.compiler.probe import example, fill_with_zeros
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
    """Multiply-accumulates and bytes kept for the gradient, by node and use.

    `values` are the sizes of the symbols for which they hold.
    """

    macs: Booked
    kept: Booked
    values: Mapping[str, int]


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
    inputs: dict[str, TensorType] = {}
    outputs: dict[str, TensorType] = {}
    for node in graph.ordered():
        layer = inference.layers.get(node.id)
        if layer is not None and layer.role is Role.INPUT:
            inputs[node.name] = inference.outputs[node.id]["output"]
        elif layer is not None and layer.role is Role.OUTPUT:
            outputs[node.name] = inference.inputs[node.id]["input"]
    costs = _costs(module, inputs, sizes, _device(module, compiled))
    weights = list(module.parameters())
    nodes = _nodes(inference, graph.id, costs)
    _, calls = networks.weights(inference, compiled.networks)
    for entry in nodes:
        entry["parameters"] = calls.get(entry["id"], entry["parameters"])
    return {
        "parameters": sum(weight.numel() for weight in weights),
        "trainable": sum(weight.numel() for weight in weights if weight.requires_grad),
        "macs": costs.macs.total,
        "kept_bytes": costs.kept.total,
        "output_bytes": sum(_made(inference, node) for node in nodes),
        "inputs": _shapes(inputs),
        "outputs": _shapes(outputs),
        "nodes": nodes,
        "blocks": _blocks(compiled, graph, costs),
    }


def _device(module: nn.Module, compiled: Compiled) -> str:
    """Where the module can be run; where that takes numbers its weights are zeros now."""
    layers = (layer for known in compiled.inferences.values() for layer in known.layers.values())
    if not any(layer.needs_values for layer in layers):
        return "meta"
    fill_with_zeros(module)
    return "cpu"


def _costs(module: nn.Module, inputs: Mapping[str, TensorType], sizes: Sizes, device: str) -> Costs:
    values = _values(inputs, sizes)
    macs = count(module.eval(), _examples(inputs, values, device))
    # Statistics of a batch need two samples, so that what a batch keeps is worked out from two
    # and from three: a fixed part, and one for each sample.
    # On the CPU dropout would draw random numbers, which a training that runs meanwhile misses.
    module.train(device == "meta")
    two, three = (kept(module, _examples(inputs, {**values, "N": n}, device)) for n in (2, 3))
    batch = values.get("N", 2)
    return Costs(macs, two.scaled(three, 3 - batch, batch - 2), values)


def _values(inputs: Mapping[str, TensorType], sizes: Sizes) -> dict[str, int]:
    """The sizes of the symbols: those of the given shapes, else one sample and `FREE_SIZE`."""
    known: dict[str, int] = {"N": 1}
    for name, tensor in inputs.items():
        for dim, size in zip(tensor.shape, sizes.get(name, ()), strict=False):
            if isinstance(dim, dims.Symbolic):
                known[str(dim)] = size
    free = dims.symbols(dim for tensor in inputs.values() for dim in tensor.shape)
    return {symbol: known.get(symbol, FREE_SIZE) for symbol in free}


def _examples(
    inputs: Mapping[str, TensorType], values: Mapping[str, int], device: str
) -> list[torch.Tensor]:
    return [example(tensor, values, device) for tensor in inputs.values()]


def _shapes(types: Mapping[str, TensorType]) -> dict[str, list[int | str]]:
    return {port: [dims.to_json(dim) for dim in type.shape] for port, type in types.items()}


def _nodes(inference: Inference, use: str, costs: Costs) -> list[dict[str, Any]]:
    """The nodes of a network, or of a block in one use."""
    return [
        {
            "id": node.id,
            "name": node.name,
            "layer": node.layer,
            "inputs": _shapes(inference.inputs.get(node.id, {})),
            "outputs": _shapes(inference.outputs.get(node.id, {})),
            "parameters": inference.parameters.get(node.id, 0),
            "macs": costs.macs.at(use, node.id),
            "kept_bytes": costs.kept.at(use, node.id),
            "output_bytes": _bytes(inference.outputs.get(node.id, {}), costs.values),
        }
        for node in inference.graph.ordered()
    ]


def _bytes(types: Mapping[str, TensorType], values: Mapping[str, int]) -> int:
    """How much memory tensors of these types take."""
    total = 0
    for type in types.values():
        size = dims.at(dims.product(type.shape), values)
        width = getattr(torch, type.dtype).itemsize
        total += size * width if isinstance(size, int) else 0
    return total


def _made(inference: Inference, node: Mapping[str, Any]) -> int:
    """The bytes that a node makes itself: not what is given, nor another form of the same."""
    layer = inference.layers.get(node["id"])
    if layer is None or layer.is_view or layer.role is Role.INPUT:
        return 0
    made: int = node["output_bytes"]
    return made


def _blocks(compiled: Compiled, graph: Graph, costs: Costs) -> list[dict[str, Any]]:
    """The uses of blocks in a network, each with its path and what its nodes cost there."""
    return [
        {
            "path": path,
            "block": use.graph.name,
            "nodes": _nodes(use, path, costs),
        }
        for uses in compiled.uses.values()
        for path, use in uses.items()
        if path.split("/")[0] == graph.id
    ]
