"""The nodes of an ONNX graph as calls: attributes as plain values, constants as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Unsupported

DTYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    4: torch.uint16,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
    12: torch.uint32,
    13: torch.uint64,
    14: torch.complex64,
    15: torch.complex128,
    16: torch.bfloat16,
}
"""The dtypes of ONNX by their numbers, where torch has them."""


def dtype(number: int) -> torch.dtype:
    """torch's dtype for the number of an ONNX one; `Unsupported` where it has none."""
    if number not in DTYPES:
        known = onnx.TensorProto.DataType.items()
        name = next((name for name, value in known if value == number), str(number))
        raise Unsupported(f"there is no dtype {name.lower()}")
    return DTYPES[number]


def tensor(proto: onnx.TensorProto) -> Tensor:
    """The numbers of a tensor in a file, copied."""
    wanted = dtype(proto.data_type)
    array = numpy_helper.to_array(proto)
    if wanted is torch.bfloat16:
        return torch.from_numpy(array.astype(np.float32)).to(wanted)
    return torch.from_numpy(np.array(array, order="C"))


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes: numbers, texts, tuples of those, tensors; graphs as they are."""
    return {each.name: _attribute(each) for each in node.attribute}


def _attribute(given: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(given)
    if isinstance(value, onnx.TensorProto):
        return tensor(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | tuple) or hasattr(value, "__len__"):
        return tuple(_part(part) for part in value)
    return value


def _part(value: Any) -> Any:
    if isinstance(value, onnx.TensorProto):
        return tensor(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
