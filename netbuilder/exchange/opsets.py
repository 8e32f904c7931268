"""Which version of ONNX's operators a file is written in."""

from __future__ import annotations

from typing import Any

import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from netbuilder.errors import ExportError

USUAL = "Leave the opset out to get the usual one."


def refuse(opset: int) -> None:
    """`ExportError` for an opset that no file can be verified in.

    One that does not exist, or that the ONNX Runtime which is installed does not run.
    """
    newest = onnx.defs.onnx_opset_version()
    if not 1 <= opset <= newest:
        raise ExportError(f"There is no opset {opset}.", f"There are 1 to {newest}. {USUAL}")
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "one", [value], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    except Exception as error:
        raise ExportError(
            f"ONNX Runtime {ort.__version__} does not run opset {opset}.",
            f"Choose a lower one. {USUAL}",
        ) from error


def check(model: Any, opset: int) -> None:
    """`ExportError` if PyTorch wrote another opset than was asked for, which it does silently."""
    found = model.graph.opset_imports.get("")
    if found != opset:
        raise ExportError(
            f"This network can't be written in opset {opset}: PyTorch wrote {found} instead.",
            f"Choose another. {USUAL}",
        )
