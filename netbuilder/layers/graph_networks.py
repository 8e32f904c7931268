"""Convolutions over graphs whose messages go through networks of their own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar, Literal

from netbuilder.graph.model import Json
from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Inferred,
    Numbers,
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
    Norm,
    X,
    mlp,
    needs_attributes,
)


class InnerNetwork(GraphLayer):
    """Messages or sums go through PyG's MLP, whose sizes are parameters here."""

    inner: ClassVar[tuple[str, ...]] = ("in_channels", "hidden_channels", "out_channels", "norm")
    """Parameters that are the MLP's and not of the class itself."""

    def inner_sizes(self) -> list[int]:
        """The sizes of the MLP, the input's first."""
        wide = getattr(self, "out_channels", 1)
        first = getattr(self, "in_channels", None) or 1
        return [first, getattr(self, "hidden_channels", None) or wide, wide]

    def constructor(self) -> ast.expr | None:
        rest = {k: v for k, v in self.arguments().items() if k not in self.inner}
        named = {k: code.const(v) for k, v in rest.items()}
        inner = mlp(self.inner_sizes(), getattr(self, "norm", None))
        return code.call(self.id, inner, **named)


class GINConv(InnerNetwork):
    """The sum of a node and its neighbours through a network: tells most graphs apart.

    The network has one hidden layer (`hidden_channels`, else out_channels) and `norm`.
    `eps` says how much more the node itself counts; `train_eps` learns it. Xu and others,
    2019.
    """

    id = "torch_geometric.nn.GINConv"
    title = "GINConv"
    keywords = "gin isomorphism mlp weisfeiler lehman graph gnn"
    positional = ()
    starting = start_with(out_channels=32)

    in_channels: Inferred = None
    hidden_channels: Size | None = None
    out_channels: Size
    norm: Norm | None = "batch_norm"
    eps: Real = 0.0
    train_eps: bool = False


class GINEConv(InnerNetwork):
    """GINConv for edges with features: a neighbour counts as max(0, its row + the edge's).

    The network has one hidden layer (`hidden_channels`, else out_channels) and `norm`.
    `edge_dim` is the size of `edge_attr` where it is not that of `x`. Hu and others, 2020.
    """

    id = "torch_geometric.nn.GINEConv"
    title = "GINEConv"
    keywords = "gin edge features isomorphism mlp molecules graph gnn"
    inputs = (X, EDGES, EDGE_ROWS)
    positional = ()
    starting = start_with(out_channels=32)

    in_channels: Inferred = None
    hidden_channels: Size | None = None
    out_channels: Size
    norm: Norm | None = "batch_norm"
    eps: Real = 0.0
    train_eps: bool = False
    edge_dim: Size | None = None

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        found = size_at(inputs, "edge_attr", -1)
        wanted = self.edge_dim or self.in_channels
        if found is not None and wanted is not None and found != wanted:
            yield Complaint(
                f"GINEConv expects {wanted} features in edge_attr, gets {found}.",
                f"Set edge_dim to {found}.",
                "edge_attr",
                fixes=(set_to("edge_dim", found),),
            )


class EdgeConv(InnerNetwork):
    """Each edge's node and the difference to its neighbour through a network; then `aggr`.

    For point clouds whose nearest points are neighbours. The network has one hidden layer
    (`hidden_channels`, else out_channels) and `norm`. Wang and others, 2019.
    """

    id = "torch_geometric.nn.EdgeConv"
    title = "EdgeConv"
    keywords = "dgcnn point cloud mlp difference graph gnn"
    positional = ()
    starting = start_with(out_channels=32)

    in_channels: Inferred = None
    hidden_channels: Size | None = None
    out_channels: Size
    norm: Norm | None = "batch_norm"
    aggr: Aggregation = "max"

    def inner_sizes(self) -> list[int]:
        first, *rest = super().inner_sizes()
        return [2 * first, *rest]


class NNConv(InnerNetwork):
    """A network makes each edge's matrix out of its features: what the neighbour is sent by.

    The network has a hidden layer of `hidden_channels` and gives in·out_channels numbers an
    edge. `root_weight` keeps the node itself. Gilmer and others, 2017.
    """

    id = "torch_geometric.nn.NNConv"
    title = "NNConv"
    keywords = "edge conditioned mpnn message passing chemistry molecules gnn"
    inputs = (X, EDGES, EDGE_ROWS)
    sizes = MappingProxyType({"in_channels": "x", "edge_dim": "edge_attr"})
    inner = ("edge_dim", "hidden_channels", "norm")
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    edge_dim: Inferred = None
    hidden_channels: Size = 32
    norm: Norm | None = "batch_norm"
    aggr: Aggregation = "add"
    root_weight: bool = True
    bias: bool = True

    def inner_sizes(self) -> list[int]:
        return [
            self.edge_dim or 1,
            self.hidden_channels,
            (self.in_channels or 1) * self.out_channels,
        ]

    def constructor(self) -> ast.expr | None:
        values = {k: code.const(v) for k, v in self.arguments().items() if k not in self.inner}
        first = [values.pop(name) for name in self.positional]
        return code.call(self.id, *first, mlp(self.inner_sizes(), self.norm), **values)


class PNAConv(GraphLayer):
    """Several means of the neighbours side by side, scaled by how many there are.

    `aggregators` and `scalers` are combined with each other. `deg` counts the nodes of the
    training graphs that have 0, 1, 2, … incoming edges. `towers` must divide out_channels.
    Corso and others, 2020.
    """

    id = "torch_geometric.nn.PNAConv"
    title = "PNAConv"
    keywords = "principal neighbourhood aggregation degree scalers gnn"
    inputs = (X, EDGES, ATTRIBUTES)
    positional = ("in_channels", "out_channels")
    edge_size = "edge_dim"
    starting = start_with(
        out_channels=16,
        aggregators=("mean", "min", "max", "std"),
        scalers=("identity", "amplification", "attenuation"),
        deg=(1.0, 4.0, 4.0, 2.0),
    )

    in_channels: Inferred = None
    out_channels: Size
    aggregators: tuple[Literal["sum", "mean", "min", "max", "var", "std"], ...]
    scalers: tuple[
        Literal["identity", "amplification", "attenuation", "linear", "inverse_linear"], ...
    ]
    deg: Numbers
    edge_dim: Size | None = None
    towers: Size = 1
    pre_layers: Size = 1
    post_layers: Size = 1
    divide_input: bool = False
    act: Act | None = "relu"
    train_norm: bool = False

    def choices(self) -> Iterator[Complaint]:
        if not self.aggregators or not self.scalers:
            name = "scalers" if self.aggregators else "aggregators"
            value = ("identity",) if self.aggregators else ("mean",)
            yield bad_parameter(
                f"PNAConv has no {name}.", "Choose one at least.", set_to(name, value)
            )
        elif not any(count > 0 for count in self.deg[1:]) or min(self.deg) < 0:
            yield bad_parameter(
                "deg counts no nodes with neighbours.",
                "Give the number of nodes with 0, 1, 2, … incoming edges.",
                set_to("deg", (1.0, 4.0, 4.0, 2.0)),
            )
        elif self.out_channels % self.towers:
            yield bad_parameter(
                f"{self.out_channels} out_channels can't be split into {self.towers} towers.",
                "Choose towers so that it divides out_channels.",
                set_to("towers", 1),
            )

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        yield from needs_attributes(self, inputs)
        if self.divide_input and self.in_channels and self.in_channels % self.towers:
            yield bad_parameter(
                f"{self.in_channels} in_channels can't be split into {self.towers} towers.",
                "Switch divide_input off, or choose other towers.",
                set_to("divide_input", False),
            )

    def constructor(self) -> ast.expr | None:
        made = super().constructor()
        assert isinstance(made, ast.Call)
        for argument in made.keywords:
            value: Json = getattr(self, argument.arg or "", None)
            if argument.arg in ("aggregators", "scalers") and isinstance(value, tuple):
                argument.value = ast.List([code.const(item) for item in value], ast.Load())
            elif argument.arg == "deg":
                # Its logarithms are taken at once, which the meta device can't do.
                argument.value = code.call(
                    "torch.tensor",
                    ast.List([code.const(item) for item in self.deg], ast.Load()),
                    device=code.const("cpu"),
                )
        return made
