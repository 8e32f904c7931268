"""Weights, and where it pays what they meet, as 8-bit integers.

Operators of the standard alone: the file runs wherever ONNX does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from netbuilder.exchange import fresh

Array = np.ndarray[Any, Any]
Feed = Mapping[str, Array]

_FIXED = ("Conv", "MatMul", "Gemm")
"""What multiplies weights, and has a form in integers with the standard's operators."""
_MEASURED = ("MatMul", "Gemm", "Gather")
"""The same where ranges are found as it runs. A convolution is not among them: measuring its
input costs several times what it saves, so that only its weights are stored as integers."""
_PASSING = ("Relu", "MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten")
"""What integers may go through on their way between those: none of them computes."""
_WORTH = 1024
"""Smaller tensors stay as they are: a scale and a node cost as much."""


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Samples one call after the other."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._left: Iterator[Feed] = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._left, None)


def quantise(model: onnx.ModelProto, calibration: Sequence[Feed] | None) -> onnx.ModelProto:
    """The model with 8-bit weights.

    With `calibration`, inputs by name for each call, the ranges of activations are fixed by what
    these calls showed; without, each batch is measured as it comes.
    """
    # Notes of shapes would contradict the tool where it turns weights round.
    del model.graph.value_info[:]
    with fresh.folder() as folder, _quiet():
        given, made = Path(folder) / "given.onnx", Path(folder) / "made.onnx"
        onnx.save(model, given)
        if calibration is None:
            quantize_dynamic(
                given,
                made,
                weight_type=QuantType.QInt8,
                per_channel=True,
                op_types_to_quantize=list(_MEASURED),
            )
        else:
            quantize_static(
                given,
                made,
                _Reader(calibration),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                weight_type=QuantType.QInt8,
                activation_type=QuantType.QUInt8,
                op_types_to_quantize=[*_FIXED, *_PASSING],
            )
        found = onnx.load(made)
    store_as_integers(found)
    return found


class _quiet:
    """The tool gives advice to everybody; it is about files that others have made."""

    def __enter__(self) -> None:
        self._before = logging.root.manager.disable
        logging.disable(logging.WARNING)

    def __exit__(self, *args: object) -> None:
        logging.disable(self._before)


def store_as_integers(model: onnx.ModelProto) -> list[str]:
    """Weights that are still floats become integers and a `DequantizeLinear`; their names.

    For what has no arithmetic in integers (LSTM, GRU, look-up tables). The value keeps its name,
    so that nobody who reads it, in a subgraph or not, needs to be told.
    """
    graph = model.graph
    stored = []
    for weight in list(graph.initializer):
        value = numpy_helper.to_array(weight) if weight.data_type == TensorProto.FLOAT else None
        if value is None or value.ndim < 2 or value.size < _WORTH or not np.isfinite(value).all():
            continue
        axis = int(value.ndim > 2 and _is_recurrent(graph, weight.name))
        others = tuple(at for at in range(value.ndim) if at != axis)
        scale = np.abs(value).max(axis=others) / 127
        scale = np.where(scale > 0, scale, 1).astype(np.float32)
        shape = [-1 if at == axis else 1 for at in range(value.ndim)]
        whole = np.clip(np.rint(value / scale.reshape(shape)), -127, 127).astype(np.int8)
        stored.append(weight.name)
        graph.initializer.remove(weight)
        names = [f"{weight.name}_quantized", f"{weight.name}_scale"]
        graph.initializer.append(numpy_helper.from_array(whole, names[0]))
        graph.initializer.append(numpy_helper.from_array(scale, names[1]))
        node = helper.make_node(
            "DequantizeLinear", names, [weight.name], f"{weight.name}_DequantizeLinear", axis=axis
        )
        graph.node.insert(0, node)
    return stored


def _is_recurrent(graph: onnx.GraphProto, name: str) -> bool:
    """Whether a weight's first dim is the direction, as ONNX has it for recurrent layers."""
    kinds = ("LSTM", "GRU", "RNN")
    return any(node.op_type in kinds and name in node.input[1:3] for node in graph.node)
