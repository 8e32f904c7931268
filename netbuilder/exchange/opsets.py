"""Which version of ONNX's operators a file is written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from netbuilder.errors import ExportError
from netbuilder.graph import rules

USUAL = "Leave the opset out to get the usual one; 18 to 23 work for most networks, 15 for some."
OLDEST = 18
"""The oldest opset that PyTorch's exporter writes itself."""


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


def of_exporter(opset: int | None) -> int | None:
    """What to ask PyTorch for: what it converts to older opsets has lost where it came from."""
    return None if opset is None else max(opset, OLDEST)


def lower(model: Any, opset: int) -> Mapping[str, str]:
    """Turn a whole IR model into an older opset, in place, as far as that is known.

    Nodes that this adds are called after the node that reads them; returned are those, by name,
    with that node's name. `check` tells whether it was done.
    """
    from onnxscript import version_converter

    version_converter.convert_version(model, opset, fallback=True)
    taken = {node.name for node in model.graph}
    added: dict[str, str] = {}
    # Readers stand behind what they read: from the last one on, each reader has its name.
    for node in reversed(list(model.graph)):
        if node.name:
            continue
        readers = [user for value in node.outputs for user, _ in value.uses()]
        reader = next((user.name for user in readers if user.name), None)
        node.name = rules.unique_name(reader or node.op_type.lower(), taken)
        taken.add(node.name)
        if reader:
            added[node.name] = added.get(reader, reader)
    return added


def check(model: Any, opset: int) -> None:
    """`ExportError` if PyTorch wrote another opset than was asked for, which it does silently."""
    found = model.graph.opset_imports.get("")
    if found != opset:
        raise ExportError(
            f"This network can't be written in opset {opset}: PyTorch wrote {found} instead.",
            f"Choose another. {USUAL}",
        )
