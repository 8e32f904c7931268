"""A matrix that a network uses as it is and turned round is in its file once.

The exporter turns it ahead, which makes two of a language model's largest tensor. A runtime does
that as well, when it loads the file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir


def once(model: Any) -> int:
    """Put a `Transpose` in the place of each matrix that is another one turned round; how many."""
    graph = model.graph
    kept: dict[tuple[int, ...], list[Any]] = {}
    count = 0
    for value in list(graph.initializers.values()):
        tensor = value.const_value
        if tensor is None or len(tensor.shape) != 2 or tensor.size < 2:
            continue
        rows, columns = map(int, tensor.shape)
        given = tensor.numpy()
        twin = next((o for o in kept.get((columns, rows), ()) if _turned(o, given)), None)
        if twin is None or value.is_graph_output():
            kept.setdefault((rows, columns), []).append(value)
            continue
        turn = ir.AttrInt64s("perm", [1, 0])
        node = ir.Node("", "Transpose", [twin], [turn], num_outputs=1)
        (made,) = node.outputs
        made.name, made.dtype, made.shape = f"{value.name}_turned", value.dtype, value.shape
        graph.insert_before(graph[0], node)
        value.replace_all_uses_with(made)
        del graph.initializers[value.name]
        count += 1
    return count


def _turned(other: Any, given: np.ndarray[Any, Any]) -> bool:
    known = other.const_value.numpy()
    if known.dtype != given.dtype or given[0, 0] != known[0, 0] or given[-1, 0] != known[0, -1]:
        return False
    return bool(np.array_equal(known.T, given)) and not bool((given == given[0, 0]).all())
