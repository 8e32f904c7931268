"""What a network of a document takes and gives, and where its code lines belong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from netbuilder.compiler.build import Origin, compiled_without_errors, named_network
from netbuilder.compiler.roles import node_names
from netbuilder.exchange.specs import TensorSpec
from netbuilder.graph.document import Document
from netbuilder.layers import dims
from netbuilder.layers.base import Role, TensorType
from netbuilder.layers.blocks import Loop


@dataclass(frozen=True, slots=True)
class Interface:
    """Inputs and outputs in their order, under the users' names."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def of_network(document: Document, name: str) -> Interface:
    """The interface of a network; `ProblemsError` if it has errors or there is none."""
    graph = named_network(document, name)
    inference = compiled_without_errors(document, graph, {}).inferences[graph.id]
    names = node_names(graph)
    inputs, outputs = [], []
    for node in graph.ordered():
        layer = inference.layers.get(node.id)
        if layer is not None and layer.role is Role.INPUT:
            inputs.append(_spec(names[node.id], inference.outputs[node.id]["output"]))
        elif layer is not None and layer.role is Role.OUTPUT:
            outputs.append(_spec(names[node.id], inference.inputs[node.id]["input"]))
    return Interface(tuple(inputs), tuple(outputs))


def loops_freely(document: Document, name: str) -> bool:
    """Whether a loop over time in the network has a length that may change from call to call."""
    graph = named_network(document, name)
    return any(
        isinstance(layer, Loop)
        and any(
            port not in layer.constants
            and -tensor.rank <= layer.dim < tensor.rank
            and not isinstance(tensor.shape[layer.dim], int)
            for port, tensor in known.inputs.get(id, {}).items()
        )
        for known in compiled_without_errors(document, graph, {}).inside(graph)
        for id, layer in known.layers.items()
    )


def _spec(name: str, type: TensorType) -> TensorSpec:
    return TensorSpec(name, tuple(dims.to_json(dim) for dim in type.shape), type.dtype, type.high)


def code_lines(module: nn.Module) -> Mapping[tuple[str, int], str]:
    """Which node's name each line of the module's generated code belongs to.

    A node in a block is told with the block: `BasicBlock.conv1`.
    """
    origin = module.netbuilder_origin
    assert isinstance(origin, Origin)
    file = type(module).forward.__code__.co_filename
    names: dict[str, Mapping[str, str]] = {}
    found = {}
    for line, (id, node) in origin.source.lines.items():
        graph = origin.document.graph(id)
        known = names.setdefault(id, node_names(graph))
        if node in known:
            inside = f"{graph.name}." if id != origin.graph else ""
            found[file, line] = inside + known[node]
    return found
