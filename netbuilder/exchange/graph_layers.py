"""Layers of torch_geometric as the exporters take them; see `graph_edges`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType, MethodType
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.compiler.libraries import quietly
from netbuilder.exchange.graph_edges import beside, chosen, exchanged, one_more, removed, shifted

Way = Callable[..., Any]
_LOOPS = frozenset({"remove_self_loops", "add_remaining_self_loops", "gcn_norm"})
"""What takes loops away, where a layer's `add_self_loops` says so."""
_KINDS = "masked_edge_index"
"""What takes all but one kind of edges away."""


def exported(module: nn.Module, export: Callable[[], Any]) -> Any:
    """What `export` makes of a module whose layers of graphs keep all edges, if it can.

    Where another layer has a size that follows from numbers, such as a mean by graph, PyTorch
    follows the code line by line; that it can do with the layers' own alone.
    """
    with kept(module) as changed:
        try:
            return export()
        except Exception:
            if not changed:
                raise
    return export()


@contextmanager
def kept(module: nn.Module) -> Iterator[bool]:
    """In here the layers of graphs in a module keep all edges; their results are the same.

    Whether there are such layers is told.
    """
    changed: list[tuple[nn.Module, str]] = []
    try:
        for part in module.modules():
            for name, way in _ways(part).items():
                # Not by setattr, which is for parameters, buffers and parts.
                part.__dict__[name] = MethodType(way, part)
                changed.append((part, name))
        yield bool(changed)
    finally:
        for part, name in changed:
            del part.__dict__[name]


def _ways(part: nn.Module) -> Mapping[str, Way]:
    """What a layer does otherwise, by the names of its methods."""
    kind = type(part)
    if not kind.__module__.startswith("torch_geometric."):
        return {}
    if kind.__name__ in _WAYS:
        return _WAYS[kind.__name__]
    names = set(inspect.unwrap(kind.forward).__code__.co_names)
    if getattr(part, "cached", False):
        return {}  # what it keeps is not for a graph with one more
    loops = names & _LOOPS and getattr(part, "add_self_loops", False)
    return {"forward": beside} if loops or _KINDS in names else {}


def _chebyshev(
    self: Any,
    edge_index: Tensor,
    num_nodes: int,
    edge_weight: Tensor | None,
    normalization: str | None,
    lambda_max: Any = None,
    dtype: torch.dtype | None = None,
    batch: Any = None,
) -> tuple[Tensor, Tensor]:
    """Edges and numbers of the scaled Laplacian: its largest number comes to 1, loops less 1."""
    if edge_weight is None:
        # Else edges that are taken away would weigh 1.
        edge_weight = torch.ones(edge_index.shape[1], dtype=dtype)
    laplacian = exchanged(
        quietly("torch_geometric.utils.laplacian").get_laplacian, remove_self_loops=removed
    )
    edges, weights = laplacian(edge_index, edge_weight, normalization, dtype, num_nodes)
    largest = 2.0 * weights.max() if lambda_max is None else lambda_max
    scaled = 2.0 * weights / largest
    scaled = scaled.masked_fill(scaled == torch.inf, 0)
    shifted: Tensor = torch.where(edges[0] == edges[1], scaled - 1, scaled)
    return edges, shifted


def _cluster(self: Any, x: Tensor, edge_index: Tensor) -> Tensor:
    """The loops, which the layer counts for more, are the last edges."""
    utils = quietly("torch_geometric.utils")
    x = one_more(x)
    edges, _ = removed(shifted(edge_index))
    count = edges.shape[1]
    edges, _ = utils.add_self_loops(edges, num_nodes=x.shape[0])
    share = 1.0 / utils.degree(edges[1], x.shape[0]).clamp(min=1.0)
    more = torch.cat([share.new_zeros(count), self.diag_lambda * share])
    weights = share.index_select(0, edges[1]) + more
    result: Tensor = self.lin_out(self.propagate(edges, x=x, edge_weight=weights))
    result = result + self.lin_root(x)
    return result[1:]


def _by_degree(self: Any, x: Tensor, edge_index: Tensor) -> Tensor:
    """MFConv: each degree's weights for all nodes, and of those the ones that fit."""
    degree = quietly("torch_geometric.utils").degree
    found = degree(edge_index[1], x.shape[0], dtype=torch.int64).clamp(max=self.max_degree)
    h = self.propagate(edge_index, x=(x, x), size=None)
    result: Tensor = self.lins_l[0](h) + self.lins_r[0](x)
    for at in range(1, self.max_degree + 1):
        made = self.lins_l[at](h) + self.lins_r[at](x)
        result = torch.where((found == at).unsqueeze(1), made, result)
    return result


def _modulated(self: Any, x: Tensor, edge_index: Tensor, edge_type: Tensor | None = None) -> Tensor:
    """FiLMConv: each kind of edges after the other."""
    if self.num_relations <= 1 or edge_type is None:
        only: Tensor = type(self).forward(self, x, edge_index, edge_type)
        return only
    x, edges = one_more(x), shifted(edge_index)
    beta, gamma = self.film_skip(x).split(self.out_channels, dim=-1)
    out: Tensor = gamma * self.lin_skip(x) + beta
    out = out if self.act is None else self.act(out)
    for kind, (lin, film) in enumerate(zip(self.lins, self.films, strict=True)):
        beta, gamma = film(x).split(self.out_channels, dim=-1)
        only = chosen(edges, edge_type == kind)
        out = out + self.propagate(only, x=lin(x), beta=beta, gamma=gamma)
    return out[1:]


def _within(self: Any, **given: Any) -> Tensor:
    """RGATConv: where each kind of edges has a softmax of its own, it is by kind and node."""
    message = type(self).message
    before = self.attention_mechanism
    if before != "within-relation":
        result: Tensor = message(self, **given)
        return result
    softmax, kinds, nodes = (
        quietly("torch_geometric.utils").softmax,
        self.num_relations,
        given["size_i"],
    )
    groups = given["index"] * kinds + given["edge_type"]

    def each(scores: Tensor, *_: Any) -> Any:
        return softmax(scores, groups, num_nodes=nodes * kinds)

    self.attention_mechanism = "across-relation"
    try:
        return exchanged(message, softmax=each)(self, **given)  # type: ignore[no-any-return]
    finally:
        self.attention_mechanism = before


def _hyper(
    self: Any,
    x: Tensor,
    hyperedge_index: Tensor,
    hyperedge_weight: Tensor | None = None,
    hyperedge_attr: Tensor | None = None,
) -> Tensor:
    """There are as many hyperedges as have a weight or a row, where they have."""
    rows = hyperedge_weight if hyperedge_weight is not None else hyperedge_attr
    count = None if rows is None else rows.shape[0]
    forward = inspect.unwrap(type(self).forward)
    result: Tensor = forward(
        self, x, hyperedge_index, hyperedge_weight, hyperedge_attr, num_edges=count
    )
    return result


_WAYS: Mapping[str, Mapping[str, Way]] = MappingProxyType(
    {
        "ChebConv": {"forward": beside, "__norm__": _chebyshev},
        "ClusterGCNConv": {"forward": _cluster},
        "FiLMConv": {"forward": _modulated},
        "HypergraphConv": {"forward": _hyper},
        "MFConv": {"forward": _by_degree},
        "RGATConv": {"message": _within},
    }
)
"""Layers that take edges away, or look for nodes, in ways of their own."""
