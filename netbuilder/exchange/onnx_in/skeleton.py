"""A model without its large tensors, for what asks about the graph alone.

ONNX's checker and its shape inference write the whole model out and read it back; of hundreds of
megabytes of weights they need the types only.
"""

from __future__ import annotations

import math

import onnx

from netbuilder.exchange.onnx_in.inner import all_nodes, inner_graphs

LARGE = 1024
"""Tensors of so many numbers are neither sizes nor axes."""


def of(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with inputs in the place of its large initializers."""
    made = onnx.ModelProto()
    for field, value in model.ListFields():
        if field.name != "graph":
            _copy(made, field.name, value)
    for field, value in model.graph.ListFields():
        if field.name != "initializer":
            _copy(made.graph, field.name, value)
    known = {each.name for each in model.graph.input}
    for tensor in model.graph.initializer:
        if not is_large(tensor):
            made.graph.initializer.append(tensor)
        elif tensor.name not in known:
            value = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            made.graph.input.append(value)
    return made


_RANK = 16
MOST_FOLLOWED = 2**21
"""Values of sizes that are followed through a graph; ONNX keeps some hundred bytes of each."""


def inferred(model: onnx.ModelProto) -> onnx.GraphProto:
    """The graph with the shapes of its values, and without its large tensors.

    Raises what ONNX's shape inference raises.
    """
    light = of(model)
    follow = followed(light.graph) <= MOST_FOLLOWED
    return onnx.shape_inference.infer_shapes(light, data_prop=follow).graph


def followed(graph: onnx.GraphProto) -> int:
    """How many values there are at most in rows that ONNX follows through the graph.

    A row that is put behind itself again and again is longer than any memory.
    """
    known: dict[str, int] = {}
    for each in (graph, *(g for node in all_nodes(graph) for g in inner_graphs(node))):
        for value in each.input:
            dims = value.type.tensor_type.shape.dim
            if value.type.tensor_type.HasField("shape") and len(dims) < 2:
                known[value.name] = math.prod(max(1, dim.dim_value) for dim in dims)
        known |= {t.name: math.prod(t.dims) for t in each.initializer if len(t.dims) < 2}
    total = 0
    for node in all_nodes(graph):
        if node.op_type in ("Shape", "Size"):
            length = _RANK
        elif node.op_type == "Constant":
            length = max((math.prod(each.t.dims) for each in node.attribute), default=1)
        elif all(name in known for name in node.input if name):
            lengths = [known[name] for name in node.input if name] or [1]
            length = sum(lengths) if node.op_type == "Concat" else max(lengths)
        else:
            continue
        known |= dict.fromkeys(node.output, length)
        total += length
        if total > MOST_FOLLOWED:
            break
    return total


def is_large(tensor: onnx.TensorProto) -> bool:
    """Whether a tensor is left out."""
    return bool(math.prod(tensor.dims) >= LARGE)


def _copy(to: object, name: str, value: object) -> None:
    target = getattr(to, name)
    if hasattr(target, "extend"):
        target.extend(value)
    elif hasattr(target, "CopyFrom"):
        target.CopyFrom(value)
    else:
        setattr(to, name, value)
