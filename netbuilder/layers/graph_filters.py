"""Filters over graphs: what spreads from node to node in several steps."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from netbuilder.layers.base import (
    Complaint,
    Count,
    Inferred,
    Probability,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    set_to,
)
from netbuilder.layers.graph_base import (
    NO_SIZES,
    WEIGHTED,
    Act,
    Aggregation,
    GraphLayer,
    with_activation,
)


class ChebConv(GraphLayer):
    """Chebyshev filters of order `K`: reaches the neighbours K - 1 steps away at once.

    `normalization` is that of the Laplacian: sym, rw or none. Without sym, PyG takes its
    largest eigenvalue for 2. Defferrard and others, 2016.
    """

    id = "torch_geometric.nn.ChebConv"
    title = "ChebConv"
    keywords = "chebyshev spectral polynomial graph convolution gnn"
    inputs = WEIGHTED
    positional = ("in_channels", "out_channels", "K")
    starting = start_with(out_channels=16, K=3)

    in_channels: Inferred = None
    out_channels: Size
    K: Size
    normalization: Literal["sym", "rw"] | None = "sym"
    bias: bool = True

    def choices(self) -> Iterator[Complaint]:
        if self.K == 1:
            yield Complaint(
                "ChebConv with K 1 looks at no neighbours.",
                "Use 2 or more.",
                code="parameter.invalid",
                severity="warning",
                fixes=(set_to("K", 2),),
            )

    def subtitle(self) -> str:
        return f"{self.out_channels}, K {self.K}"


class TAGConv(GraphLayer):
    """Filters that see the neighbours 0 to `K` steps away, each with weights of its own.

    Du and others, 2017.
    """

    id = "torch_geometric.nn.TAGConv"
    title = "TAGConv"
    keywords = "topology adaptive polynomial graph convolution gnn"
    inputs = WEIGHTED
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    K: Count = 3
    bias: bool = True
    normalize: bool = True

    def choices(self) -> Iterator[Complaint]:
        if self.K == 0:
            yield Complaint(
                "TAGConv with K 0 looks at no neighbours.",
                "Use 1 or more.",
                code="parameter.invalid",
                severity="warning",
                fixes=(set_to("K", 3),),
            )


class ARMAConv(GraphLayer):
    """Recursive filters: `num_stacks` of them side by side, each of `num_layers` steps.

    Steeper than ChebConv's with fewer weights. Bianchi and others, 2021.
    """

    id = "torch_geometric.nn.ARMAConv"
    title = "ARMAConv"
    keywords = "auto-regressive moving average spectral filter graph convolution gnn"
    inputs = WEIGHTED
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    num_stacks: Size = 1
    num_layers: Size = 1
    shared_weights: bool = False
    act: Act = "relu"
    dropout: Probability = 0.0
    bias: bool = True

    def constructor(self) -> ast.expr | None:
        return with_activation(self, super().constructor())


class SGConv(GraphLayer):
    """GCN without activations: `K` steps of averaging, then one linear layer.

    `cached` keeps the averages of the first graph. Wu and others, 2019.
    """

    id = "torch_geometric.nn.SGConv"
    title = "SGConv"
    keywords = "simplified sgc linear graph convolution gnn"
    inputs = WEIGHTED
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    K: Size = 1
    cached: bool = False
    add_self_loops: bool = True
    bias: bool = True


class SSGConv(GraphLayer):
    """SGConv that takes the mean over all steps and keeps a share `alpha` of the node itself.

    Zhu and Koniusz, 2021.
    """

    id = "torch_geometric.nn.SSGConv"
    title = "SSGConv"
    keywords = "simple spectral diffusion graph convolution gnn"
    inputs = WEIGHTED
    positional = ("in_channels", "out_channels", "alpha")
    starting = start_with(out_channels=16, alpha=0.1)

    in_channels: Inferred = None
    out_channels: Size
    alpha: Probability
    K: Size = 1
    cached: bool = False
    add_self_loops: bool = True
    bias: bool = True


class APPNP(GraphLayer):
    """Spreads features over the graph in `K` steps, each keeping a share `alpha` of the start.

    Personalised PageRank without weights: put it behind a plain network of the nodes.
    Gasteiger and others, 2019.
    """

    id = "torch_geometric.nn.APPNP"
    title = "APPNP"
    keywords = "personalized pagerank propagation diffusion gnn"
    inputs = WEIGHTED
    positional = ("K", "alpha")
    sizes = NO_SIZES
    weightless = True
    starting = start_with(K=10, alpha=0.1)

    K: Size
    alpha: Probability
    dropout: Probability = 0.0
    cached: bool = False
    add_self_loops: bool = True
    normalize: bool = True

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        if self.dropout and not self.normalize and "edge_weight" not in inputs:
            yield Complaint(
                "APPNP drops edges by their weights, and there are none.",
                "Wire edge_weight, switch normalize on, or set dropout to 0.",
                fixes=(set_to("normalize", True), set_to("dropout", 0.0)),
            )

    def subtitle(self) -> str:
        return f"K {self.K}, alpha {self.alpha:g}"


class MixHopConv(GraphLayer):
    """Neighbours at several distances side by side: `out_channels` for each of `powers`.

    `powers` are numbers of steps; left empty they are 0, 1 and 2, so that three times
    out_channels come out. Abu-El-Haija and others, 2019.
    """

    id = "torch_geometric.nn.MixHopConv"
    title = "MixHopConv"
    keywords = "mixed neighborhoods powers hops graph convolution gnn"
    inputs = WEIGHTED
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    powers: tuple[Count, ...] | None = None
    add_self_loops: bool = True
    bias: bool = True

    def choices(self) -> Iterator[Complaint]:
        if self.powers == ():
            yield bad_parameter(
                "powers has no numbers of steps.",
                "Leave it empty for 0, 1 and 2.",
                set_to("powers", (0, 1, 2)),
            )


class LGConv(GraphLayer):
    """The sum of the neighbours weighed by degrees, without weights: LightGCN.

    For recommendations. `normalize` divides by the roots of both degrees. He and others,
    2020.
    """

    id = "torch_geometric.nn.LGConv"
    title = "LGConv"
    keywords = "lightgcn recommendation collaborative filtering gnn"
    inputs = WEIGHTED
    positional = ()
    sizes = NO_SIZES
    weightless = True

    normalize: bool = True


class SimpleConv(GraphLayer):
    """Joins the neighbours' features without any weights to learn.

    `combine_root` says what becomes of the node itself: added (sum), put beside (cat), taken
    as a neighbour (self_loop), or left out if empty.
    """

    id = "torch_geometric.nn.SimpleConv"
    title = "SimpleConv"
    keywords = "message passing aggregate neighbors parameter-free gnn"
    inputs = WEIGHTED
    positional = ()
    sizes = NO_SIZES
    weightless = True

    aggr: Aggregation = "sum"
    combine_root: Literal["sum", "cat", "self_loop"] | None = None

    def subtitle(self) -> str:
        return self.aggr


class WLConvContinuous(GraphLayer):
    """Half of each node and half of the mean of its neighbours, without weights to learn.

    A Weisfeiler-Lehman step for features that are no labels. Togninalli and others, 2019.
    """

    id = "torch_geometric.nn.WLConvContinuous"
    title = "WLConvContinuous"
    keywords = "weisfeiler lehman kernel refinement gnn"
    inputs = WEIGHTED
    positional = ()
    sizes = NO_SIZES
    weightless = True
