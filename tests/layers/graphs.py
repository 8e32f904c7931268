"""What parameters of torch_geometric's layers mean there: modules instead of sizes and names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import torch
from torch import nn

from netbuilder.compiler.libraries import quietly

Values = dict[str, Any]

_ACTS = {"relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU, "sigmoid": nn.Sigmoid}


def torch_values(id: str, values: Values) -> Values:
    """The arguments of PyG's constructor for these parameters."""
    name = id.rpartition(".")[2]
    found = dict(values)
    if name in NETWORKS:
        sizes = NETWORKS[name](found)
        found["nn"] = _mlp(sizes, found.pop("norm"))
    if name in ACTIVATIONS and found["act"] is not None:
        found["act"] = _ACTS[found["act"]]()
    if "GNN" in found:
        found["GNN"] = getattr(torch_geometric_nn(), found["GNN"])
    if "deg" in found:
        found["deg"] = torch.tensor(found["deg"])
        found["aggregators"] = list(found["aggregators"])
        found["scalers"] = list(found["scalers"])
    return found


def _mlp(sizes: list[int], norm: str | None) -> nn.Module:
    made: nn.Module = torch_geometric_nn().MLP(sizes, norm=norm)
    return made


def torch_geometric_nn() -> ModuleType:
    """PyG, imported where it is needed only: that takes seconds."""
    return quietly("torch_geometric.nn")


def _network(found: Values, factor: int = 1) -> list[int]:
    """The sizes of a network from the nodes' features to the layer's, one hidden layer."""
    first, hidden = found.pop("in_channels"), found.pop("hidden_channels")
    out = found.pop("out_channels")
    return [factor * first, hidden or out, out]


def _edge_network(found: Values) -> list[int]:
    """The sizes of a network that makes a matrix of each edge's features."""
    matrix = found["in_channels"] * found["out_channels"]
    return [found.pop("edge_dim"), found.pop("hidden_channels"), matrix]


NETWORKS: Mapping[str, Callable[[Values], list[int]]] = {
    "GINConv": _network,
    "GINEConv": _network,
    "EdgeConv": lambda found: _network(found, 2),
    "NNConv": _edge_network,
}
"""Layers that take a network: how its sizes follow from their parameters, which it takes away."""

ACTIVATIONS = ("ARMAConv", "ResGatedGraphConv", "FiLMConv")
"""Layers that take an activation as a module."""

UNUSED: Mapping[str, tuple[str, ...]] = {
    "ARMAConv": ("weight",),
    "MFConv": ("lins_l.0.",),
    "TransformerConv": ("lin_skip.",),
    "PNAConv": ("aggr_module.avg_deg_",),
    "SAGPooling": ("select.weight",),  # one number, of which the sign counts
    "RGATConv": ("w", "l1", "b1", "l2", "b2"),
}
"""Weights that PyG makes and does not use with some parameters: beginnings of their names."""


def unused(id: str, name: str) -> bool:
    """Whether this weight may be without a gradient."""
    return name.startswith(UNUSED.get(id.rpartition(".")[2], ()))
