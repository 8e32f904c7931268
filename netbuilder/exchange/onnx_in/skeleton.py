"""A model without its large tensors, for what asks about the graph alone.

ONNX's checker and its shape inference write the whole model out and read it back; of hundreds of
megabytes of weights they need the types only.
"""

from __future__ import annotations

import math

import onnx

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
