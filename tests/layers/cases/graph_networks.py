"""Cases of `netbuilder.layers.graph_networks`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator
from tests.layers.cases.graph_common import E, given, graph

PYG = "torch_geometric.nn."

MLP: dict[str, Any] = {"hidden_channels": [4, 5], "norm": ["layer_norm", None]}


def gine(r: Random) -> Case:
    case = given(graph(eps=0.2, train_eps=True, **MLP), out_channels=[2, 3])(r)
    same = r.random() < 0.4
    size = case.inputs["x"].shape[1] if same else r.randint(1, 5)
    more = {} if same else {"edge_dim": size}
    return Case({**case.params, **more}, {**case.inputs, "edge_attr": TensorType((E, size))})


def nn_conv(r: Random) -> Case:
    case = given(
        graph(aggr=["mean", "max"], root_weight=False, bias=False, **MLP), out_channels=[2, 3]
    )(r)
    return Case(case.params, {**case.inputs, "edge_attr": TensorType((E, r.randint(1, 3)))})


CASES: Mapping[str, Generator] = {
    f"{PYG}GINConv": given(graph(eps=0.2, train_eps=True, **MLP), out_channels=[2, 3]),
    f"{PYG}GINEConv": gine,
    f"{PYG}EdgeConv": given(graph(aggr=["mean", "sum"], **MLP), out_channels=[2, 3]),
    f"{PYG}NNConv": nn_conv,
    f"{PYG}PNAConv": given(
        graph(
            attributes="edge_dim",
            wide=2,
            towers=2,
            pre_layers=2,
            post_layers=2,
            divide_input=True,
            act=["tanh", "elu"],
            train_norm=True,
        ),
        out_channels=[2, 4],
        aggregators=[("mean", "max"), ("sum", "std", "min")],
        scalers=[("identity",), ("amplification", "linear")],
        deg=[(1.0, 4.0, 2.0)],
    ),
}
