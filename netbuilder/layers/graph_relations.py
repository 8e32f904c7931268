"""Convolutions over graphs with several kinds of edges."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from netbuilder.layers.base import (
    Complaint,
    Inferred,
    Port,
    Probability,
    Real,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    set_to,
)
from netbuilder.layers.graph_base import (
    ATTRIBUTES,
    EDGE_TYPES,
    EDGES,
    Act,
    Aggregation,
    GraphLayer,
    X,
    known_types,
    needs_attributes,
    with_activation,
)


class _Relational(GraphLayer):
    inputs = (X, EDGES, EDGE_TYPES)
    positional = ("in_channels", "out_channels", "num_relations")
    starting = start_with(out_channels=16, num_relations=3)

    in_channels: Inferred = None
    out_channels: Size
    num_relations: Size
    num_bases: Size | None = None
    num_blocks: Size | None = None
    aggr: Aggregation = "mean"
    root_weight: bool = True
    is_sorted: bool = False
    bias: bool = True

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        return known_types(self, inputs)


class RGCNConv(_Relational):
    """Graph convolution with weights for each kind of edge, told by `edge_type`.

    `num_relations` is the number of kinds; `num_bases` or `num_blocks` save weights where
    there are many. Schlichtkrull and others, 2018.
    """

    id = "torch_geometric.nn.RGCNConv"
    title = "RGCNConv"
    keywords = "relational edge types knowledge graph gnn"


class FastRGCNConv(_Relational):
    """RGCNConv that takes more memory and less time, for few nodes and many kinds of edges.

    Parameters as in RGCNConv.
    """

    id = "torch_geometric.nn.FastRGCNConv"
    title = "FastRGCNConv"
    keywords = "relational edge types knowledge graph gnn"


class FiLMConv(GraphLayer):
    """Each node scales and shifts what its neighbours send, as it needs it.

    `num_relations` kinds of edges with weights of their own, told by `edge_type`.
    Brockschmidt, 2020.
    """

    id = "torch_geometric.nn.FiLMConv"
    title = "FiLMConv"
    keywords = "feature-wise linear modulation graph convolution gnn"
    inputs = (X, EDGES, Port("edge_type", "E, int64: the kind of each edge.", optional=True))
    starting = start_with(out_channels=16)

    in_channels: Inferred = None
    out_channels: Size
    num_relations: Size = 1
    act: Act | None = "relu"
    aggr: Aggregation = "mean"

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        if self.num_relations > 1 and "edge_type" not in inputs:
            yield Complaint(
                f"FiLMConv needs edge_type to tell its {self.num_relations} kinds of edges.",
                "Wire it, or set num_relations to 1.",
                fixes=(set_to("num_relations", 1),),
            )
        yield from known_types(self, inputs)

    def constructor(self) -> ast.expr | None:
        return with_activation(self, super().constructor())


class RGATConv(GraphLayer):
    """Graph attention with weights for each kind of edge, told by `edge_type`.

    `num_relations` is the number of kinds. The parameters of attention say over which edges
    and how it is computed; `num_bases` or `num_blocks` save weights. Busbridge and others,
    2019.
    """

    id = "torch_geometric.nn.RGATConv"
    title = "RGATConv"
    keywords = "relational graph attention edge types knowledge gnn"
    inputs = (X, EDGES, EDGE_TYPES, ATTRIBUTES)
    positional = ("in_channels", "out_channels", "num_relations")
    edge_size = "edge_dim"
    starting = start_with(out_channels=16, num_relations=3)

    in_channels: Inferred = None
    out_channels: Size
    num_relations: Size
    num_bases: Size | None = None
    num_blocks: Size | None = None
    mod: Literal["additive", "scaled", "f-additive", "f-scaled"] | None = None
    attention_mechanism: Literal["across-relation", "within-relation"] = "across-relation"
    attention_mode: Literal["additive-self-attention", "multiplicative-self-attention"] = (
        "additive-self-attention"
    )
    heads: Size = 1
    dim: Size = 1
    concat: bool = True
    negative_slope: Real = 0.2
    dropout: Probability = 0.0
    edge_dim: Size | None = None
    bias: bool = True

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        yield from needs_attributes(self, inputs)
        yield from known_types(self, inputs)
