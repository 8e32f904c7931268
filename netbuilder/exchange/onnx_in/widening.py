"""Files that compute in 16 bits: the same graph in float32, and how far the two depart.

A project computes in float32; in what a training computes is a setting of its own. Each number of
16 bits is one of 32 bits as well, so that what is drawn begins exactly with the file's weights. It
is held against the graph in float32 as closely as any other file, and that graph against the file
as it is, whose rounding after every node has room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from netbuilder.errors import DocumentError
from netbuilder.exchange.onnx_in import reading
from netbuilder.exchange.onnx_in.inner import all_nodes, inner_graphs

SHORT = {int(TensorProto.FLOAT16): "float16", int(TensorProto.BFLOAT16): "bfloat16"}
"""The types of 16 bits by their numbers in ONNX."""
BOUNDS = {"float16": 0.01, "bfloat16": 0.05}
"""By how much outputs may depart in the root mean square: 11 bits of precision, and 8, with room
for what rounding after every node adds up to."""
_NAMING = frozenset({"to", "dtype", "output_dtype", "output_datatype", "softmax_precision"}) | {
    "stash_type"
}
"""Attributes that name a type."""


def kinds(model: onnx.ModelProto) -> tuple[str, ...]:
    """Which types of 16 bits a model's inputs, weights and nodes are of."""
    found = dict.fromkeys(t.data_type for t in reading.tensors(model))
    found |= dict.fromkeys(t.elem_type for t in _types(model))
    found |= {each.i: None for each in _attributes(model) if _names_a_type(each)}
    return tuple(name for number, name in SHORT.items() if number in found)


def widened(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with float32 in the place of all types of 16 bits; numbers stay.

    `DocumentError` where that is too large for one file.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for tensor in reading.tensors(made):
        if tensor.data_type in SHORT:
            try:
                wide = numpy_helper.to_array(tensor).astype(np.float32)
            except (ValueError, TypeError) as error:
                raise DocumentError(f"The tensor '{tensor.name[:80]}' can't be read.") from error
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(wide, name))
    for each in _types(made):
        if each.elem_type in SHORT:
            each.elem_type = TensorProto.FLOAT
    for attribute in _attributes(made):
        if _names_a_type(attribute):
            attribute.i = TensorProto.FLOAT
    if made.ByteSize() > reading.MAX_BYTES:
        raise DocumentError(
            f"In float32 the weights are larger than {reading.MAX_BYTES / 2**30:.1f} GB.",
            "Import its parts one by one.",
        )
    return made


def between(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model as it is; what it takes and gives in bfloat16 is cast to float32.

    Arrays of numpy have float16, but no bfloat16.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    fixed = {each.name for each in graph.initializer}
    renamed: dict[str, str] = {}
    casts, last = [], []
    for value in graph.input:
        kind = value.type.tensor_type
        if value.name not in fixed and kind.elem_type == TensorProto.BFLOAT16:
            inside = f"{value.name}__short"
            casts.append(helper.make_node("Cast", [value.name], [inside], to=kind.elem_type))
            renamed[value.name] = inside
            kind.elem_type = TensorProto.FLOAT
    _reread(graph, renamed)
    for value in graph.output:
        kind = value.type.tensor_type
        if kind.elem_type == TensorProto.BFLOAT16:
            inside = f"{value.name}__short"
            if value.name not in renamed:
                _rename(graph, value.name, inside)
                last.append(helper.make_node("Cast", [inside], [value.name], to=TensorProto.FLOAT))
            kind.elem_type = TensorProto.FLOAT
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes, *last])
    return made


def _reread(graph: onnx.GraphProto, renamed: dict[str, str]) -> None:
    """Let all nodes, those of inner graphs too, read values under other names."""
    for node in all_nodes(graph):
        for at, name in enumerate(node.input):
            node.input[at] = renamed.get(name, name)
        for inner in inner_graphs(node):
            for value in inner.output:
                value.name = renamed.get(value.name, value.name)


def _rename(graph: onnx.GraphProto, name: str, new: str) -> None:
    _reread(graph, {name: new})
    for node in graph.node:
        for at, made in enumerate(node.output):
            if made == name:
                node.output[at] = new


# -- what is in a model ----------------------------------------------------------------------------


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    yield model.graph
    for node in _nodes(model):
        yield from inner_graphs(node)


def _nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    yield from all_nodes(model.graph)
    for function in model.functions:
        for node in function.node:
            yield node
            for inner in inner_graphs(node):
                yield from all_nodes(inner)


def _attributes(model: onnx.ModelProto) -> Iterator[onnx.AttributeProto]:
    for node in _nodes(model):
        yield from node.attribute


def _names_a_type(attribute: onnx.AttributeProto) -> bool:
    return attribute.name in _NAMING and attribute.i in SHORT


def _types(model: onnx.ModelProto) -> Iterator[onnx.TypeProto.Tensor]:
    values = [v for graph in _graphs(model) for v in (*graph.input, *graph.output)]
    values += [value for graph in _graphs(model) for value in graph.value_info]
    values += [value for function in model.functions for value in function.value_info]
    for value in values:
        yield from _within(value.type)
    for attribute in _attributes(model):
        if attribute.HasField("tp"):
            yield from _within(attribute.tp)


def _within(kind: onnx.TypeProto) -> Iterator[onnx.TypeProto.Tensor]:
    if kind.HasField("tensor_type"):
        yield kind.tensor_type
    elif kind.HasField("sequence_type"):
        yield from _within(kind.sequence_type.elem_type)
    elif kind.HasField("optional_type"):
        yield from _within(kind.optional_type.elem_type)


# -- how far they depart --------------------------------------------------------------------------


Array = np.ndarray[Any, Any]


def departs(found: Sequence[Array], expected: Sequence[Array]) -> float:
    """The largest error of an output, in the root mean square, relative to the output's own.

    Infinite where shapes differ or one has numbers where the other has none.
    """
    worst = 0.0
    for one, other in zip(found, expected, strict=True):
        if one.shape != other.shape:
            return float("inf")
        a, b = one.astype(np.float64), other.astype(np.float64)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(invalid="ignore"):
            error = np.where(same, 0.0, a - b)
        whole = np.sqrt(np.mean(np.square(b[np.isfinite(b)]))) if np.isfinite(b).any() else 0.0
        size = float(np.sqrt(np.mean(np.square(error)))) if error.size else 0.0
        size = size / max(float(whole), 1e-3)
        worst = max(worst, size if size == size else float("inf"))
    return worst
