"""Sizes that a graph asks for, and that the file has declared."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Call
from netbuilder.exchange.onnx_in.placeholder import Types


def sizes(call: Call, types: Types) -> Tensor | None:
    """What is taken of a shape, where all of it is declared as numbers.

    So what is cut out of weights by such a size is known before anything runs.
    """
    shape = call.maker(0)
    if call.op not in ("Gather", "Slice") or shape is None or shape.op != "Shape":
        return None
    known = types.known.get(shape.inputs[0], (0, None))[1]
    rest = [call.constant(at) if call.has(at) else None for at in range(1, len(call.inputs))]
    missing = any(call.has(at) and call.constant(at) is None for at in range(1, len(call.inputs)))
    if known is None or missing or shape.attributes or not rest:
        return None
    whole = np.array([size if isinstance(size, int) else -1 for size in known], dtype=np.int64)
    numbers = [each.reshape(-1).tolist() if each is not None else None for each in rest]
    try:
        if call.op == "Gather":
            assert rest[0] is not None
            made = whole[rest[0].numpy()]
        else:
            begin, end = numbers[0], numbers[1]
            step = (numbers[3] if len(numbers) > 3 else None) or [1]
            assert begin is not None
            assert end is not None
            made = whole[slice(begin[0], end[0], step[0])]
    except (IndexError, AssertionError, ValueError):
        return None
    found = torch.from_numpy(np.array(made, dtype=np.int64))
    return found if found.numel() and bool((found >= 0).all()) else None
