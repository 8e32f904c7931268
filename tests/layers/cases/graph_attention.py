"""Cases of `netbuilder.layers.graph_attention`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator
from tests.layers.cases.graph_common import also, edges, given, graph

PYG = "torch_geometric.nn."

HEADS: dict[str, Any] = {"heads": [2, 3], "concat": False, "bias": False, "dropout": 0.2}
MORE: dict[str, Any] = {"negative_slope": 0.1, "add_self_loops": False}


def fa(r: Random) -> Case:
    case = also(graph(True, eps=0.3, dropout=0.1, cached=True), x_0=lambda x: x)(r)
    weighed = {"normalize": False} if "edge_weight" in case.inputs else {}
    loops = {"add_self_loops": False} if r.random() < 0.4 else {}
    return Case({**case.params, **weighed, **loops}, case.inputs, case.values)


def hypergraph(r: Random) -> Case:
    # As many hyperedges as the ids of `edges` may name.
    heads = {"heads": r.randint(1, 2)}
    made = given(
        graph(negative_slope=0.1, concat=False, dropout=0.2, bias=False), out_channels=[2, 3]
    )(r)
    x = made.inputs["x"]
    inputs = {"x": x, "hyperedge_index": edges()}
    params = dict(made.params)
    if r.random() < 0.6:
        inputs["hyperedge_weight"] = TensorType((symbol("V"),))
    if r.random() < 0.6:
        inputs["hyperedge_attr"] = x
        params |= {"use_attention": True, **heads, "attention_mode": r.choice(["node", "edge"])}
    return Case(params, inputs)


CASES: Mapping[str, Generator] = {
    f"{PYG}GATConv": given(
        graph(attributes="edge_dim", fill_value=["add", 0.5], residual=True, **HEADS, **MORE),
        out_channels=[2, 3],
    ),
    f"{PYG}GATv2Conv": given(
        graph(
            attributes="edge_dim",
            fill_value=["add", 0.5],
            share_weights=True,
            residual=True,
            **HEADS,
            **MORE,
        ),
        out_channels=[2, 3],
    ),
    f"{PYG}TransformerConv": given(
        graph(attributes="edge_dim", beta=True, root_weight=False, **HEADS), out_channels=[2, 3]
    ),
    f"{PYG}SuperGATConv": given(
        graph(
            attention_type=["SD", "MX"],
            neg_sample_ratio=0.4,
            edge_sample_ratio=0.9,
            is_undirected=True,
            **HEADS,
            **MORE,
        ),
        out_channels=[2, 3],
    ),
    f"{PYG}AGNNConv": graph(requires_grad=False, add_self_loops=False),
    f"{PYG}FAConv": fa,
    f"{PYG}FeaStConv": given(
        graph(add_self_loops=False, bias=False), out_channels=[2, 3], heads=[2, 3]
    ),
    f"{PYG}GeneralConv": given(
        graph(
            attributes="in_edge_channels",
            aggr=["mean", "max"],
            skip_linear=True,
            directed_msg=False,
            heads=2,
            attention=True,
            attention_type=["dot_product", "additive"],
            l2_normalize=True,
            bias=False,
        ),
        out_channels=[2, 3],
    ),
    f"{PYG}HypergraphConv": hypergraph,
}
