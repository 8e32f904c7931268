"""Attention over graphs: each node decides which of its neighbours count."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar, Literal

from netbuilder.layers.base import (
    Complaint,
    Inferred,
    Port,
    Positive,
    Probability,
    Real,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import bad_parameter, set_to
from netbuilder.layers.graph_base import (
    ATTRIBUTES,
    EDGES,
    NO_SIZES,
    WEIGHTS,
    GraphLayer,
    X,
    needs_attributes,
)

FillValue = Real | Literal["add", "mean", "min", "max", "mul"]


class _Attention(GraphLayer):
    """Attention with several heads of `out_channels` each."""

    starting = start_with(out_channels=8, heads=4)

    def subtitle(self) -> str:
        heads = getattr(self, "heads", 1)
        out = getattr(self, "out_channels", 0)
        return f"{heads}×{out}" if heads > 1 else str(out)


class GATConv(_Attention):
    """Graph attention: weighs neighbours by what they and the node itself hold.

    `heads` of them stand side by side (`concat`) or give their mean. `edge_dim` is the size
    of `edge_attr`, which counts too. `dropout` drops neighbours. Veličković and others, 2018.
    """

    id = "torch_geometric.nn.GATConv"
    title = "GATConv"
    keywords = "gat graph attention network heads gnn"
    inputs = (X, EDGES, ATTRIBUTES)
    edge_size = "edge_dim"

    in_channels: Inferred = None
    out_channels: Size
    heads: Size = 1
    concat: bool = True
    negative_slope: Real = 0.2
    dropout: Probability = 0.0
    add_self_loops: bool = True
    edge_dim: Size | None = None
    fill_value: FillValue = "mean"
    bias: bool = True
    residual: bool = False


class GATv2Conv(_Attention):
    """Graph attention in which each node may rank its neighbours by itself; mends GATConv.

    Parameters as in GATConv; `share_weights` uses the same for source and target. Brody and
    others, 2022.
    """

    id = "torch_geometric.nn.GATv2Conv"
    title = "GATv2Conv"
    keywords = "gat dynamic graph attention network heads gnn"
    inputs = (X, EDGES, ATTRIBUTES)
    edge_size = "edge_dim"

    in_channels: Inferred = None
    out_channels: Size
    heads: Size = 1
    concat: bool = True
    negative_slope: Real = 0.2
    dropout: Probability = 0.0
    add_self_loops: bool = True
    edge_dim: Size | None = None
    fill_value: FillValue = "mean"
    bias: bool = True
    share_weights: bool = False
    residual: bool = False


class TransformerConv(_Attention):
    """A transformer's attention along the edges: queries, keys and values of the nodes.

    `beta` lets a gate decide between the node and its neighbours, `root_weight` keeps the
    node itself. `edge_dim` is the size of `edge_attr`. Shi and others, 2021.
    """

    id = "torch_geometric.nn.TransformerConv"
    title = "TransformerConv"
    keywords = "graph transformer attention heads query key value gnn"
    inputs = (X, EDGES, ATTRIBUTES)
    edge_size = "edge_dim"

    in_channels: Inferred = None
    out_channels: Size
    heads: Size = 1
    concat: bool = True
    beta: bool = False
    dropout: Probability = 0.0
    edge_dim: Size | None = None
    bias: bool = True
    root_weight: bool = True

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        return needs_attributes(self, inputs)


class SuperGATConv(_Attention):
    """Graph attention that also learns which edges there are.

    `attention_type` is MX or SD; the loss on the edges is the module's
    get_attention_loss(). Kim and Oh, 2021.
    """

    id = "torch_geometric.nn.SuperGATConv"
    title = "SuperGATConv"
    keywords = "self-supervised graph attention link prediction gnn"

    in_channels: Inferred = None
    out_channels: Size
    heads: Size = 1
    concat: bool = True
    negative_slope: Real = 0.2
    dropout: Probability = 0.0
    add_self_loops: bool = True
    bias: bool = True
    attention_type: Literal["MX", "SD"] = "MX"
    neg_sample_ratio: Positive = 0.5
    edge_sample_ratio: Positive = 1.0
    is_undirected: bool = False

    def choices(self) -> Iterator[Complaint]:
        if self.edge_sample_ratio > 1:
            yield bad_parameter(
                "edge_sample_ratio is the share of edges that are looked at: at most 1.",
                "Choose a number from 0 to 1.",
                set_to("edge_sample_ratio", 1.0),
            )


class AGNNConv(GraphLayer):
    """The mean of the neighbours, weighed by how alike they are to the node.

    One number is learnt: how sharply. Thekumparampil and others, 2018.
    """

    id = "torch_geometric.nn.AGNNConv"
    title = "AGNNConv"
    keywords = "attention cosine similarity graph gnn"
    positional = ()
    sizes = NO_SIZES
    weightless = True

    requires_grad: bool = True
    add_self_loops: bool = True


class FAConv(GraphLayer):
    """Attention that may subtract neighbours as well as add them, with a share of `x_0`.

    For graphs whose neighbours differ. `eps` is the share of the first features. Bo and
    others, 2021.
    """

    id = "torch_geometric.nn.FAConv"
    title = "FAConv"
    keywords = "frequency adaptive heterophily attention fagcn gnn"
    inputs = (X, Port("x_0", "V×features: what the first layer took in."), EDGES, WEIGHTS)
    positional = ("channels",)
    sizes = MappingProxyType({"channels": "x"})
    node_ports = ("x", "x_0")

    channels: Inferred = None
    eps: Real = 0.1
    dropout: Probability = 0.0
    cached: bool = False
    add_self_loops: bool = True
    normalize: bool = True

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        if "edge_weight" in inputs and self.normalize:
            yield Complaint(
                "FAConv computes the edges' weights itself where it normalises.",
                "Take the wire to edge_weight away, or switch normalize off.",
                "edge_weight",
                fixes=(set_to("normalize", False),),
            )
        elif "edge_weight" not in inputs and not self.normalize:
            yield Complaint(
                "FAConv needs edge_weight where it does not normalise.",
                "Wire edge_weight, or switch normalize on.",
                fixes=(set_to("normalize", True),),
            )


class FeaStConv(GraphLayer):
    """Filters whose weights depend on the difference of the nodes: for meshes and shapes.

    `heads` sets of weights are mixed for each edge. Verma and others, 2018.
    """

    id = "torch_geometric.nn.FeaStConv"
    title = "FeaStConv"
    keywords = "feature steered mesh shape graph convolution gnn"
    starting = start_with(out_channels=16, heads=2)

    in_channels: Inferred = None
    out_channels: Size
    heads: Size = 1
    add_self_loops: bool = True
    bias: bool = True

    def choices(self) -> Iterator[Complaint]:
        if self.heads == 1:
            yield Complaint(
                "FeaStConv with one head weighs all neighbours alike: there is nothing to mix.",
                "Use 2 heads or more.",
                code="parameter.invalid",
                severity="warning",
                fixes=(set_to("heads", 2),),
            )


class GeneralConv(GraphLayer):
    """Graph convolution from a kit: choose how messages are made, weighed and joined.

    `attention` weighs neighbours, `skip_linear` keeps the node itself, `directed_msg` looks
    at the source alone. `in_edge_channels` is the size of `edge_attr`. You and others, 2020.
    """

    id = "torch_geometric.nn.GeneralConv"
    title = "GeneralConv"
    keywords = "design space graphgym attention graph convolution gnn"
    inputs = (X, EDGES, ATTRIBUTES)
    edge_size = "in_edge_channels"
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    in_edge_channels: Size | None = None
    aggr: Literal["sum", "add", "mean", "min", "max", "mul"] = "add"
    skip_linear: bool = False
    directed_msg: bool = True
    heads: Size = 1
    attention: bool = False
    attention_type: Literal["additive", "dot_product"] = "additive"
    l2_normalize: bool = False
    bias: bool = True


class HypergraphConv(_Attention):
    """Convolution over edges that join any number of nodes: hyperedges.

    `hyperedge_index` pairs nodes with the hyperedges that they are in. With `use_attention`
    the features of the hyperedges, `hyperedge_attr`, weigh their nodes. Bai and others, 2021.
    """

    id = "torch_geometric.nn.HypergraphConv"
    title = "HypergraphConv"
    keywords = "hyperedges hypergraph attention incidence gnn"
    inputs = (
        X,
        Port("hyperedge_index", "2×E, int64: a node, and a hyperedge that it is in."),
        Port("hyperedge_weight", "M: a number for each hyperedge.", optional=True),
        Port("hyperedge_attr", "M×features: a row for each hyperedge.", optional=True),
    )
    edge_list: ClassVar[str] = "hyperedge_index"
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    use_attention: bool = False
    attention_mode: Literal["node", "edge"] = "node"
    heads: Size = 1
    concat: bool = True
    negative_slope: Real = 0.2
    dropout: Probability = 0
    bias: bool = True

    def choices(self) -> Iterator[Complaint]:
        if self.heads > 1 and not self.use_attention:
            yield bad_parameter(
                "HypergraphConv has several heads only with use_attention.",
                "Set heads to 1, or switch use_attention on.",
                set_to("heads", 1),
            )

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        weights, rows = inputs.get("hyperedge_weight"), inputs.get("hyperedge_attr")
        if weights is not None and (weights.rank != 1 or weights.dtype != "float32"):
            yield Complaint(
                f"HypergraphConv takes one number (float32) for each hyperedge, gets {weights}.",
                "Reshape it, or switch the batch dim of its Input off.",
                "hyperedge_weight",
            )
        elif rows is not None and not (
            rows.rank == 2 and rows.dtype == "float32" and rows.shape[1] == self.in_channels
        ):
            yield Complaint(
                f"HypergraphConv takes rows of {self.in_channels} features (float32) for the "
                f"hyperedges, gets {rows}.",
                "They need as many features as the nodes.",
                "hyperedge_attr",
            )
        elif self.use_attention and rows is None:
            yield Complaint(
                "HypergraphConv with use_attention needs hyperedge_attr.",
                "Wire it, or switch use_attention off.",
                fixes=(set_to("use_attention", False),),
            )
