"""Cases of `netbuilder.layers.graphs`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import torch

from tests.layers.cases.common import Case, Generator
from tests.layers.cases.graph_common import also, edges, given, graph, nodes

PYG = "torch_geometric.nn."


def gcn2(r: Random) -> Case:
    case = given(
        also(graph(True, shared_weights=False, normalize=False), x_0=lambda x: x), alpha=0.2
    )
    made = case(r)
    more = {"theta": 0.5, "layer": r.randint(1, 3)} if r.random() < 0.5 else {}
    switches = {"cached": True} if r.random() < 0.3 else {"add_self_loops": False}
    return Case({**made.params, **more, **switches}, made.inputs, made.values)


def gcn(r: Random) -> Case:
    case = graph(True, improved=True, cached=True, bias=False)(r)
    loops = r.choice([{}, {"normalize": False}, {"add_self_loops": False}])
    return Case({"out_channels": 3, **loops, **case.params}, case.inputs, case.values)


def mf(r: Random) -> Case:
    """Nodes with 0, 1 and 2 neighbours, so that each set of weights is used."""
    case = given(graph(bias=False), out_channels=[2, 3], max_degree=[1, 2])(r)
    edges = torch.tensor([[0, 0, 1, 2, 3, 4, 5, 1, 2], [1, 2, 2, 3, 3, 4, 4, 5, 5]])
    return Case(case.params, case.inputs, {"edge_index": lambda _: edges})


def signed(r: Random) -> Case:
    first = r.random() < 0.5
    inputs = {
        "x": nodes(r.randint(1, 3) * (1 if first else 2)),
        "pos_edge_index": edges(),
        "neg_edge_index": edges(),
    }
    bias = {} if r.random() < 0.5 else {"bias": False}
    return Case({"out_channels": 3, "first_aggr": first, **bias}, inputs)


JOINED = ["mean", "max", "min", "sum"]

CASES: Mapping[str, Generator] = {
    f"{PYG}GCNConv": gcn,
    f"{PYG}GCN2Conv": gcn2,
    f"{PYG}SAGEConv": given(
        graph(aggr=JOINED, normalize=True, root_weight=False, project=True, bias=False),
        out_channels=[2, 3],
    ),
    f"{PYG}GraphConv": given(graph(True, aggr=JOINED, bias=False), out_channels=[2, 3]),
    f"{PYG}GatedGraphConv": given(
        graph(True, aggr=JOINED, bias=False), out_channels=[4, 5], num_layers=[1, 2]
    ),
    f"{PYG}MFConv": mf,
    f"{PYG}LEConv": given(graph(True, bias=False), out_channels=[2, 3]),
    f"{PYG}ClusterGCNConv": given(graph(diag_lambda=0.5, bias=False), out_channels=[2, 3]),
    f"{PYG}AntiSymmetricConv": graph(
        wide=2, num_iters=2, epsilon=0.2, gamma=0.3, act=["relu", "tanh", None], bias=False
    ),
    f"{PYG}SignedConv": signed,
}
