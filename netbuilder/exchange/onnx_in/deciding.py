"""A number that comes in and decides which branch of an If runs: fixed, it is one network.

A speech detector asks for the rate of its sound, and has a network for each. What is drawn runs the
same way for all numbers, so that the first of them is taken.
"""

from __future__ import annotations

import onnx
from onnx import helper, numpy_helper

from netbuilder.exchange.onnx_in.inner import OURS, all_nodes

_HANDED_ON = frozenset({"Cast", "Identity", "Not", "Reshape", "Squeeze", "Unsqueeze"})
_WHOLE = frozenset({onnx.TensorProto.BOOL, onnx.TensorProto.INT32, onnx.TensorProto.INT64})


def fix(model: onnx.ModelProto) -> list[str]:
    """Make constants of such inputs, in the model itself; which, and what they are."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output if name}
    wanted: dict[str, int] = {}
    for node in graph.node:
        if node.op_type == "If" and node.domain in OURS:
            _decides(node.input[0], makers, _constants(graph), wanted)
    found = []
    held = {each.name for each in graph.initializer}
    for value in [value for value in graph.input if value.name in wanted]:
        if value.name in held:
            continue  # files of before 2018 list their constants among what comes in
        kind = value.type.tensor_type
        single = all(dim.dim_value == 1 for dim in kind.shape.dim)
        if kind.elem_type not in _WHOLE or not kind.HasField("shape") or not single:
            continue
        number = wanted[value.name]
        shape = [1] * len(kind.shape.dim)
        graph.input.remove(value)
        graph.initializer.append(helper.make_tensor(value.name, kind.elem_type, shape, [number]))
        found.append(f"{value.name[:80]} = {number}")
    return found


def _constants(graph: onnx.GraphProto) -> dict[str, int]:
    """Whole numbers of a graph that stand alone."""
    held = {each.name: each for each in graph.initializer}
    for node in all_nodes(graph):
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.HasField("t"):
                held[node.output[0]] = attribute.t
    return {
        name: int(numpy_helper.to_array(tensor).reshape(-1)[0])
        for name, tensor in held.items()
        if tensor.data_type in _WHOLE and list(tensor.dims) in ([], [1])
    }


def _decides(
    name: str,
    makers: dict[str, onnx.NodeProto],
    constants: dict[str, int],
    wanted: dict[str, int],
) -> None:
    """Note the number that an input is compared with for a condition; a truth says nothing."""
    number: int | None = None
    while name in makers:
        node = makers[name]
        given = list(node.input)
        if node.op_type in ("Equal", "Greater", "GreaterOrEqual", "Less") and len(given) == 2:
            known = [each for each in given if each in constants]
            if len(known) != 1:
                return
            number = constants[known[0]]
            name = given[1 - given.index(known[0])]
        elif node.op_type in _HANDED_ON:
            name = given[0]
        else:
            return
    if number is not None:
        wanted.setdefault(name, number)
