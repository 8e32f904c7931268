"""Weights are stored as float16; what is computed with them stays float32.

The file is half as large, runs wherever the whole one does, and just as fast: ONNX Runtime turns
the weights back when it loads them. Half the arithmetic as well would pay on a GPU alone, and
can overflow; on a processor ONNX Runtime computes it in float32 anyway.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_WORTH = 64
"""Smaller tensors stay as they are: a node costs as much."""
_LARGEST = float(np.finfo(np.float16).max)


def halve(model: onnx.ModelProto) -> list[str]:
    """Store float32 weights as float16, each with a `Cast` to its old name; their names.

    The value keeps its name, so that nobody who reads it, in a subgraph or not, needs to be told.
    What float16 can't hold stays as it is.
    """
    graph, stored = model.graph, []
    for weight in list(graph.initializer):
        value = numpy_helper.to_array(weight) if weight.data_type == TensorProto.FLOAT else None
        if value is None or value.size < _WORTH or np.abs(value).max() > _LARGEST:
            continue
        half = f"{weight.name}_half"
        stored.append(weight.name)
        graph.initializer.remove(weight)
        graph.initializer.append(numpy_helper.from_array(value.astype(np.float16), half))
        name = f"{weight.name}_Cast"
        cast = helper.make_node("Cast", [half], [weight.name], name, to=TensorProto.FLOAT)
        graph.node.insert(0, cast)
    return stored
