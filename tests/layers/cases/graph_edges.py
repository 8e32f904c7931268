"""Cases of `netbuilder.layers.graph_edges`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator
from tests.layers.cases.graph_common import E, given, graph

PYG = "torch_geometric.nn."


def with_rows(make: Generator) -> Generator:
    """The same cases with a row for each edge."""

    def more(r: Random) -> Case:
        case = make(r)
        return Case(case.params, {**case.inputs, "edge_attr": TensorType((E, r.randint(1, 3)))})

    return more


CASES: Mapping[str, Generator] = {
    f"{PYG}CGConv": graph(attributes="dim", aggr=["mean", "max"], batch_norm=True, bias=False),
    f"{PYG}GMMConv": with_rows(
        given(
            graph(separate_gaussians=True, aggr=["sum", "max"], bias=False),
            out_channels=[2, 3],
            kernel_size=[1, 3],
        )
    ),
    f"{PYG}GENConv": given(
        graph(
            attributes="edge_dim",
            aggr=["softmax", "powermean", "mean"],
            t=0.5,
            learn_t=True,
            p=2.0,
            learn_p=True,
            msg_norm=True,
            learn_msg_scale=True,
            norm=["layer", "instance"],
            num_layers=[1, 3],
            expansion=1,
            eps=1e-5,
            bias=True,
        ),
        out_channels=[2, 3],
    ),
    f"{PYG}PDNConv": with_rows(
        given(
            graph(add_self_loops=False, normalize=False, bias=False),
            out_channels=[2, 3],
            hidden_channels=[2, 4],
        )
    ),
    f"{PYG}ResGatedGraphConv": given(
        graph(
            attributes="edge_dim", act=["tanh", "sigmoid", "relu"], root_weight=False, bias=False
        ),
        out_channels=[2, 3],
    ),
    f"{PYG}EGConv": given(
        graph(
            aggregators=[("sum", "max"), ("symnorm", "std")],
            num_bases=2,
            cached=True,
            add_self_loops=False,
            bias=False,
        ),
        out_channels=[4, 8],
        num_heads=[2, 4],
    ),
}
