"""Convolutions over graphs: each node collects from its neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Literal

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Count,
    Inferred,
    Port,
    Positive,
    Probability,
    Real,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    set_to,
)
from netbuilder.layers.graph_base import (
    EDGES,
    NO_SIZES,
    WEIGHTED,
    WEIGHTS,
    Act,
    Aggregation,
    GraphLayer,
    X,
)


class GCNConv(GraphLayer):
    """Graph convolution: the mean of a node and its neighbours, weighed by degrees.

    The usual first choice. `improved` counts the node itself twice, `normalize` divides by
    the roots of both degrees. `cached` keeps what follows from the edges, for networks that
    see one graph only. Kipf and Welling, 2017.
    """

    id = "torch_geometric.nn.GCNConv"
    title = "GCNConv"
    keywords = "gcn graph convolution spectral message passing gnn"
    inputs = WEIGHTED
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    improved: bool = False
    cached: bool = False
    add_self_loops: bool | None = None
    normalize: bool = True
    bias: bool = True

    def choices(self) -> Iterator[Complaint]:
        if self.add_self_loops and not self.normalize:
            yield bad_parameter(
                "GCNConv adds self loops only where it normalises.",
                "Leave add_self_loops empty, or switch normalize on.",
                set_to("normalize", True),
            )


class GCN2Conv(GraphLayer):
    """Graph convolution for deep networks: mixes in the first layer's features `x_0`.

    `alpha` is the share of `x_0`; `theta` and `layer` (the number of this layer, from 1)
    say how much its weights change. Chen and others, 2020.
    """

    id = "torch_geometric.nn.GCN2Conv"
    title = "GCN2Conv"
    keywords = "gcnii deep graph convolution residual oversmoothing gnn"
    inputs = (X, Port("x_0", "V×features: what came out of the first layer."), EDGES, WEIGHTS)
    positional = ("channels", "alpha")
    sizes = MappingProxyType({"channels": "x"})
    node_ports = ("x", "x_0")
    starting = start_with(alpha=0.1)

    channels: Inferred = None
    alpha: Probability
    theta: Positive | None = None
    layer: Size | None = None
    shared_weights: bool = True
    cached: bool = False
    add_self_loops: bool = True
    normalize: bool = True

    def choices(self) -> Iterator[Complaint]:
        if (self.theta is None) != (self.layer is None):
            yield bad_parameter(
                "GCN2Conv needs theta and layer together, or neither.",
                "Set layer to the number of this layer, from 1, or leave theta empty.",
                set_to("layer", 1) if self.layer is None else set_to("theta", 0.5),
            )


class SAGEConv(GraphLayer):
    """GraphSAGE: the node's own features and the mean of its neighbours', weighed apart.

    Also for graphs that were not there in training. `aggr` says how neighbours are joined,
    `normalize` makes rows of length 1, `root_weight` keeps the node itself, `project` sends
    neighbours through a layer first. Hamilton and others, 2017.
    """

    id = "torch_geometric.nn.SAGEConv"
    title = "SAGEConv"
    keywords = "graphsage sample aggregate inductive gnn"
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    aggr: Aggregation | None = "mean"
    normalize: bool = False
    root_weight: bool = True
    project: bool = False
    bias: bool = True

    def choices(self) -> Iterator[Complaint]:
        if self.aggr is None:
            yield bad_parameter(
                "SAGEConv has no aggr: it can't join the neighbours.",
                "Choose one, such as mean.",
                set_to("aggr", "mean"),
            )


class GraphConv(GraphLayer):
    """The node's own features plus the sum of its neighbours', each with weights.

    Tells apart what GCNConv can't: sums keep how many neighbours there are. Morris and
    others, 2019.
    """

    id = "torch_geometric.nn.GraphConv"
    title = "GraphConv"
    keywords = "higher-order weisfeiler leman graph convolution gnn"
    inputs = WEIGHTED
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    aggr: Aggregation = "add"
    bias: bool = True


class GatedGraphConv(GraphLayer):
    """Sends messages `num_layers` times, each node with a GRU's memory of what came.

    `out_channels` must be no less than the features that come in, which zeros fill up. Li
    and others, 2016.
    """

    id = "torch_geometric.nn.GatedGraphConv"
    title = "GatedGraphConv"
    keywords = "ggnn gru recurrent gated graph gnn"
    inputs = WEIGHTED
    positional = ("out_channels", "num_layers")
    sizes = NO_SIZES
    starting = start_with(out_channels=64, num_layers=2)

    out_channels: Size
    num_layers: Size
    aggr: Aggregation = "add"
    bias: bool = True

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("x")
        size = None if tensor is None else tensor.shape[-1]
        if isinstance(size, int) and size > self.out_channels:
            yield Complaint(
                f"GatedGraphConv can't make {self.out_channels} features of {size}.",
                f"Set out_channels to {size} or more.",
                "x",
                fixes=(set_to("out_channels", size),),
            )

    def subtitle(self) -> str:
        return f"{self.out_channels}, {self.num_layers} steps"


class MFConv(GraphLayer):
    """Weights of its own for each number of neighbours up to `max_degree`, as for molecules.

    Duvenaud and others, 2015.
    """

    id = "torch_geometric.nn.MFConv"
    title = "MFConv"
    keywords = "molecular fingerprint degree graph convolution chemistry gnn"
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    max_degree: Count = 10
    bias: bool = True


class LEConv(GraphLayer):
    """Compares each node with its neighbours: finds local extremes, as for graph pooling.

    Ranjan and others, 2020.
    """

    id = "torch_geometric.nn.LEConv"
    title = "LEConv"
    keywords = "local extremum difference graph convolution gnn"
    inputs = WEIGHTED
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    bias: bool = True


class ClusterGCNConv(GraphLayer):
    """Graph convolution for large graphs cut into clusters, with weight on the node itself.

    `diag_lambda` is how much more the node itself counts. Chiang and others, 2019.
    """

    id = "torch_geometric.nn.ClusterGCNConv"
    title = "ClusterGCNConv"
    keywords = "cluster gcn large scale graph convolution gnn"
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    diag_lambda: Real = 0.0
    add_self_loops: Literal[True] = True  # without, PyG counts on one loop at each node
    bias: bool = True


class AntiSymmetricConv(GraphLayer):
    """Steps of a stable differential equation over the graph, so that deep networks hold.

    Sizes stay. `num_iters` steps of size `epsilon`, with damping `gamma`. Messages are those
    of a GCNConv. Gravina and others, 2023.
    """

    id = "torch_geometric.nn.AntiSymmetricConv"
    title = "AntiSymmetricConv"
    keywords = "anti-symmetric dgn ode stable deep gnn"
    positional = ("in_channels",)

    in_channels: Inferred = None
    num_iters: Size = 1
    epsilon: Real = 0.1
    gamma: Real = 0.1
    act: Act | None = "tanh"
    bias: bool = True


class SignedConv(GraphLayer):
    """Graph convolution over edges of trust and of distrust: friends and foes.

    The first layer of a network has `first_aggr`; it makes out_channels for each kind, twice
    as many in all. Later ones take what the one before made. Derr and others, 2018.
    """

    id = "torch_geometric.nn.SignedConv"
    title = "SignedConv"
    keywords = "signed network trust balance theory gnn"
    inputs = (
        X,
        Port("pos_edge_index", "2×E, int64: edges of trust."),
        Port("neg_edge_index", "2×E, int64: edges of distrust."),
    )
    positional = ("in_channels", "out_channels", "first_aggr")
    edge_list = "pos_edge_index"
    starting = start_with(out_channels=16, first_aggr=True)

    in_channels: Inferred = None
    out_channels: Size
    first_aggr: bool
    bias: bool = True

    def infer(self, inputs: Types) -> dict[str, Json]:
        found = super().infer(inputs)
        size = found.get("in_channels")
        # A later layer takes both halves of what the one before made.
        if self.first_aggr or not isinstance(size, int):
            return found
        return {"in_channels": size // 2} if size > 1 else {}

    def _last_sizes(self, inputs: Types) -> Iterator[Complaint]:
        tensor, size = inputs.get("x"), self.in_channels
        wanted = size if size is None or self.first_aggr else 2 * size
        if tensor is not None and wanted is not None and tensor.shape[-1] != wanted:
            yield Complaint(
                f"SignedConv expects {wanted} features in x, gets {tensor.shape[-1]}.",
                "A first layer has first_aggr; others take two halves of the same size.",
                "x",
                fixes=(set_to("first_aggr", True),) if not self.first_aggr else (),
            )
