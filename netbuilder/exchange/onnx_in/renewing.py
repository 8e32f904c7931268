"""Files of the first opsets, whose operators combined tensors by other rules, as newer ones."""

from __future__ import annotations

import math
from pathlib import Path

import onnx
from onnx import version_converter

from netbuilder.errors import DocumentError

OLDEST = 7
"""Before this opset, operators combined tensors of unlike shapes by other rules."""
NEW = 13
"""What files before that are renewed to."""


def renewed(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The model in a newer opset; `DocumentError` where that can't be."""
    _slopes_by_channel(model)
    try:
        return version_converter.convert_version(model, NEW)
    except Exception as error:
        text = " ".join(str(error).split())
        raise DocumentError(
            f"'{path.name}' is of an opset before {OLDEST}, and can't be renewed: {text[:200]}",
            "Export it again with a newer one.",
        ) from error


def _slopes_by_channel(model: onnx.ModelProto) -> None:
    """Give slopes of PRelu the dims that they lie along: before opset 7 they are channels.

    The converter leaves them as they are, and they would lie along the last dim.
    """
    if not any(node.op_type == "PRelu" for node in model.graph.node):
        return
    ranks = {
        value.name: len(value.type.tensor_type.shape.dim)
        for graph in (onnx.shape_inference.infer_shapes(model).graph,)
        for value in (*graph.input, *graph.value_info)
        if value.type.tensor_type.HasField("shape")
    }
    single = {each.name for each in model.graph.initializer if math.prod(each.dims) == 1}
    ranks |= {each.name: len(each.dims) for each in model.graph.initializer}
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for number, node in enumerate(nodes):
        if node.op_type == "PRelu" and node.input[1] not in single:
            rank, slope = ranks.get(node.input[0]), node.input[1]
            if rank is None:
                raise DocumentError(
                    f"The node '{(node.name or slope)[:80]}' has slopes for the channels of a "
                    "value, and nothing tells how many dims that has.",
                    "Export the model again with a newer opset.",
                )
            if rank > 2 and ranks.get(slope) == 1:
                wide, axes = f"{slope}_along_{number}", list(range(1, rank - 1))
                made = onnx.helper.make_node("Unsqueeze", [slope], [wide], axes=axes)
                model.graph.node.append(made)
                node.input[1] = wide
        model.graph.node.append(node)
