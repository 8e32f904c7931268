"""What flows through an imported graph: tensors, and numbers that are known while it is traced.

The sizes of a tensor (`Shape`) and what is worked out from them are arrays of Python's numbers
and the tracer's free sizes: they go into the calls of torch as numbers, and leave no node.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Numbers, Unsupported

Known = np.ndarray[Any, np.dtype[Any]]
"""An array of numbers (dtype object), among them free sizes."""
Value = Tensor | Known | None
MAX_KNOWN = 4096
"""Constants of more numbers than these are no sizes."""


def known(numbers: Any) -> Known:
    """Numbers in nested lists, or one, as an array of them as they are."""
    return np.array(numbers, dtype=object)


def of_constant(tensor: Tensor) -> Known:
    """The numbers of a constant; `Unsupported` where they are too many to be sizes."""
    if tensor.numel() > MAX_KNOWN:
        raise Unsupported("sizes are given by a large constant")
    return known(tensor.tolist()).reshape(tuple(tensor.shape))


def numbers(value: Value) -> Numbers | None:
    """The numbers of a value, flat; `Unsupported` where they are worked out from the data."""
    if value is None:
        return None
    if isinstance(value, Tensor):
        raise Unsupported("sizes depend on the numbers that come in")
    return tuple(value.reshape(-1).tolist())


def tensor(value: Value) -> Tensor | None:
    """A value as a tensor: free sizes become whole numbers of a tensor."""
    if not isinstance(value, np.ndarray):
        return value
    given = value.reshape(-1).tolist()
    if any(isinstance(one, torch.SymInt) for one in given):
        parts = [torch.scalar_tensor(one, dtype=torch.int64) for one in given]
        return torch.stack(parts).reshape(value.shape)
    if not given:
        return torch.zeros(value.shape, dtype=torch.int64)
    return torch.tensor(value.tolist())


def given(value: Value) -> Tensor:
    """A value as a tensor; `Unsupported` where it is left out."""
    x = tensor(value)
    if x is None:
        raise Unsupported("it is given something that is left out")
    return x


def highest(a: Any, b: Any) -> Any:
    """The larger of two numbers, one of which may be a free size."""
    return torch.sym_max(a, b)  # type: ignore[no-untyped-call]


def lowest(a: Any, b: Any) -> Any:
    """The smaller of two numbers."""
    return torch.sym_min(a, b)  # type: ignore[no-untyped-call]
