"""Convolutions over graphs in which the edges count, or several means are mixed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import MappingProxyType
from typing import Literal

from netbuilder.layers.base import (
    Complaint,
    Count,
    Inferred,
    Positive,
    Real,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    set_to,
    size_at,
)
from netbuilder.layers.graph_base import (
    ATTRIBUTES,
    EDGE_ROWS,
    EDGES,
    Act,
    Aggregation,
    GraphLayer,
    X,
    needs_attributes,
    with_activation,
)


class CGConv(GraphLayer):
    """Crystal graph convolution: a gate and a softplus of both nodes and the edge, added.

    Sizes stay. `dim` is the size of `edge_attr`, 0 if there is none. Xie and Grossman, 2018.
    """

    id = "torch_geometric.nn.CGConv"
    title = "CGConv"
    keywords = "crystal materials gated residual graph convolution gnn"
    inputs = (X, EDGES, ATTRIBUTES)
    positional = ("channels",)
    sizes = MappingProxyType({"channels": "x"})

    channels: Inferred = None
    dim: Count = 0
    aggr: Aggregation = "add"
    batch_norm: bool = False
    bias: bool = True

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        found = size_at(inputs, "edge_attr", -1) if "edge_attr" in inputs else 0
        if found is not None and found != self.dim:
            yield Complaint(
                f"CGConv expects {self.dim} features in edge_attr, gets {found}.",
                f"Set dim to {found}.",
                "edge_attr" if "edge_attr" in inputs else "",
                fixes=(set_to("dim", found),),
            )


class GMMConv(GraphLayer):
    """Filters laid over positions: `kernel_size` Gaussians over the edges' coordinates.

    `edge_attr` holds `dim` coordinates an edge, such as the difference of its ends. Monti
    and others, 2017.
    """

    id = "torch_geometric.nn.GMMConv"
    title = "GMMConv"
    keywords = "monet gaussian mixture pseudo coordinates mesh graph gnn"
    inputs = (X, EDGES, EDGE_ROWS)
    positional = ("in_channels", "out_channels", "dim", "kernel_size")
    sizes = MappingProxyType({"in_channels": "x", "dim": "edge_attr"})
    starting = start_with(out_channels=16, kernel_size=4)

    in_channels: Inferred = None
    out_channels: Size
    dim: Inferred = None
    kernel_size: Size
    separate_gaussians: bool = False
    aggr: Aggregation = "mean"
    root_weight: Literal[True] = True  # without, PyG looks for a weight that is not there
    bias: bool = True


class GENConv(GraphLayer):
    """Softmax or power mean of the neighbours, then a network: for very deep networks.

    `t` sharpens the softmax, `p` is the power; `learn_t` and `learn_p` learn them. The
    network has `num_layers` of `expansion` times the size. Li and others, 2020.
    """

    id = "torch_geometric.nn.GENConv"
    title = "GENConv"
    keywords = "deepergcn generalized aggregation softmax power mean gnn"
    inputs = (X, EDGES, ATTRIBUTES)
    edge_size = "edge_dim"
    starting = start_with(out_channels=32)

    in_channels: Inferred = None
    out_channels: Size
    aggr: Literal["softmax", "powermean", "add", "mean", "max"] | None = "softmax"
    t: Real = 1.0
    learn_t: bool = False
    p: Real = 1.0
    learn_p: bool = False
    msg_norm: bool = False
    learn_msg_scale: bool = False
    norm: Literal["batch", "layer", "instance"] = "batch"
    num_layers: Size = 2
    expansion: Size = 2
    eps: Positive = 1e-07
    bias: bool = False
    edge_dim: Size | None = None

    def choices(self) -> Iterator[Complaint]:
        if self.aggr is None:
            yield bad_parameter(
                "GENConv has no aggr: it can't join the neighbours.",
                "Choose one, such as softmax.",
                set_to("aggr", "softmax"),
            )

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        return needs_attributes(self, inputs)


class PDNConv(GraphLayer):
    """Learns from the edges' features how easily each lets messages pass.

    A network with a hidden layer of `hidden_channels` weighs the edges; then as GCNConv.
    Rozemberczki and others, 2021.
    """

    id = "torch_geometric.nn.PDNConv"
    title = "PDNConv"
    keywords = "pathfinder discovery edge weights graph convolution gnn"
    inputs = (X, EDGES, EDGE_ROWS)
    positional = ("in_channels", "out_channels", "edge_dim", "hidden_channels")
    sizes = MappingProxyType({"in_channels": "x", "edge_dim": "edge_attr"})
    starting = start_with(out_channels=16, hidden_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    edge_dim: Inferred = None
    hidden_channels: Size
    add_self_loops: bool = True
    normalize: bool = True
    bias: bool = True


class ResGatedGraphConv(GraphLayer):
    """Each edge has a gate that both its nodes decide; the node itself is added.

    `act` is the gate's function, `edge_dim` the size of `edge_attr`. Bresson and Laurent,
    2017.
    """

    id = "torch_geometric.nn.ResGatedGraphConv"
    title = "ResGatedGraphConv"
    keywords = "residual gated graph convolution gnn"
    inputs = (X, EDGES, ATTRIBUTES)
    edge_size = "edge_dim"
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    act: Act = "sigmoid"
    edge_dim: Size | None = None
    root_weight: bool = True
    bias: bool = True

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        return needs_attributes(self, inputs)

    def constructor(self) -> ast.expr | None:
        return with_activation(self, super().constructor())


class EGConv(GraphLayer):
    """Several ways to join the neighbours, mixed anew for each node; light and strong.

    `num_heads` must divide out_channels; `num_bases` sets of weights are shared. Left empty,
    `aggregators` is symnorm, as in GCNConv. Tailor and others, 2022.
    """

    id = "torch_geometric.nn.EGConv"
    title = "EGConv"
    keywords = "efficient graph convolution adaptive filters gnn"
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    aggregators: (
        tuple[Literal["sum", "mean", "symnorm", "min", "max", "var", "std"], ...] | None
    ) = None
    num_heads: Size = 8
    num_bases: Size = 4
    cached: bool = False
    add_self_loops: bool = True
    bias: bool = True

    def choices(self) -> Iterator[Complaint]:
        if self.out_channels % self.num_heads:
            heads = max(
                h for h in range(1, min(self.num_heads, 4096) + 1) if self.out_channels % h == 0
            )
            yield bad_parameter(
                f"{self.out_channels} out_channels can't be split into {self.num_heads} heads.",
                "Choose num_heads so that it divides out_channels.",
                set_to("num_heads", heads),
            )
