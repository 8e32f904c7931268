"""Edges of a graph whose number does not follow from numbers, for the exporters.

Layers of torch_geometric take edges away: those from a node to itself, or all but one kind. How
many are left depends on the numbers, and a file in which a size does so can't be read as a
drawing. Here all edges stay. Those that a layer takes away lead from and to a node of their own
that comes before all others; nothing else leads there, and its row is cut off the result. So what
is computed is the same, whatever a layer does with the rest: sums, maxima, a softmax.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netbuilder.compiler.libraries import quietly

Edges = tuple[Tensor, Tensor | None]
"""2×E, and a number or a row for each edge."""
_ROWS = ("x", "x_0")
"""Arguments with a row for each node."""


def one_more(rows: Tensor) -> Tensor:
    """Rows, or numbers, with one of zeros at the front."""
    return F.pad(rows, (0, 0) * (rows.dim() - 1) + (1, 0))


def shifted(edge_index: Tensor) -> Tensor:
    """Edges between the same nodes, of which each has one more before it.

    That none is negative, which would count from the end in ONNX, is said so that it is known.
    """
    return (edge_index + 1).clamp(min=0)


def chosen(edge_index: Tensor, mask: Tensor) -> Tensor:
    """All edges; those that the mask leaves out are at the first node."""
    return edge_index.masked_fill(~mask, 0)


def removed(edge_index: Tensor, edge_attr: Tensor | None = None) -> Edges:
    """All edges; loops are at the first node, and weigh nothing."""
    apart = edge_index[0] != edge_index[1]
    if edge_attr is not None:
        edge_attr = edge_attr.masked_fill(~_beside_rows(apart, edge_attr), 0)
    return chosen(edge_index, apart), edge_attr


def beside(self: nn.Module, *args: Any, **more: Any) -> Tensor:
    """A layer's own forward with one node more, at the front."""
    forward = inspect.unwrap(type(self).forward)
    given = inspect.signature(forward).bind(self, *args, **more).arguments
    for name in _ROWS:
        if name in given:
            given[name] = one_more(given[name])
    given["edge_index"] = shifted(given["edge_index"])
    result: Tensor = exchanged(forward, **_helpers(given["x"].shape[0]))(**given)
    return result[1:]


def exchanged(function: Callable[..., Any], **helpers: Any) -> Callable[..., Any]:
    """A function for which some of the names of its module mean something else."""
    made = FunctionType(
        function.__code__,
        {**function.__globals__, **helpers},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _helpers(nodes: int) -> dict[str, Any]:
    """What forwards call, for a graph of so many nodes, of which the first is the one more."""
    library = quietly("torch_geometric")

    def remaining(
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        fill_value: Any = None,
        num_nodes: int | None = None,
    ) -> Edges:
        ids = torch.arange(nodes)
        if num_nodes is None:
            # PyG gives a loop then to nodes up to the last one that an edge names.
            ids = ids.masked_fill(ids > F.pad(edge_index, (1, 0)).max(), 0)
        edges, attr = removed(edge_index, edge_attr)
        if edge_attr is not None and attr is not None:
            fill = quietly("torch_geometric.utils.loop").compute_loop_attr
            filled = fill(edge_index, edge_attr, nodes, False, fill_value)
            attr = torch.cat([attr, _of_loops(edge_index, edge_attr, filled)])
        return torch.cat([edges, torch.stack([ids, ids])], dim=1), attr

    norm = quietly("torch_geometric.nn.conv.gcn_conv").gcn_norm
    return {
        "remove_self_loops": removed,
        "add_remaining_self_loops": remaining,
        "gcn_norm": exchanged(norm, add_remaining_self_loops=remaining),
        "masked_edge_index": chosen,
        # RGCNConv else looks at the edges to choose between two ways.
        "torch_geometric": SimpleNamespace(
            backend=SimpleNamespace(use_segment_matmul=False), typing=library.typing
        ),
    }


def _of_loops(edge_index: Tensor, edge_attr: Tensor, filled: Tensor) -> Tensor:
    """What each node's last loop has; of those without loops what is in `filled`."""
    loop = edge_index[0] == edge_index[1]
    # Edges are counted from 1: 0 is none.
    count = torch.arange(1, edge_index.shape[1] + 1)
    none = torch.zeros(filled.shape[0], dtype=torch.int64)
    last = none.scatter_reduce(0, edge_index[0], count.masked_fill(~loop, 0), "amax")
    own = one_more(edge_attr).index_select(0, last)
    return torch.where(_beside_rows(last > 0, own), own, filled)


def _beside_rows(mask: Tensor, rows: Tensor) -> Tensor:
    """A mask of one dim with dims of size 1 behind it, so that it fits rows."""
    return mask.view(-1, *[1] * (rows.dim() - 1))
