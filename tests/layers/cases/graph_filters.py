"""Cases of `netbuilder.layers.graph_filters`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator
from tests.layers.cases.graph_common import given, graph

PYG = "torch_geometric.nn."

PROPAGATED: dict[str, Any] = {"cached": True, "add_self_loops": False}


def appnp(r: Random) -> Case:
    """Edges are dropped by their weights, which are given or follow from normalising."""
    case = given(graph(True, dropout=0.2, **PROPAGATED), K=[1, 3], alpha=[0.1, 0.5])(r)
    weighed = "edge_weight" in case.inputs or "dropout" not in case.params
    params = {"normalize": False} if weighed and r.random() < 0.5 else {}
    return Case({**case.params, **params}, case.inputs, case.values)


CASES: Mapping[str, Generator] = {
    f"{PYG}ChebConv": given(
        graph(True, normalization=["sym"], bias=False), out_channels=[2, 3], K=[2, 3]
    ),
    f"{PYG}TAGConv": given(graph(True, K=[1, 2], bias=False, normalize=False), out_channels=[2, 3]),
    f"{PYG}ARMAConv": given(
        graph(
            True,
            num_stacks=2,
            num_layers=2,
            shared_weights=True,
            dropout=0.0,
            bias=False,
        ),
        out_channels=[2, 3],
        act=["tanh", "elu"],
    ),
    f"{PYG}SGConv": given(graph(True, K=2, bias=False, **PROPAGATED), out_channels=[2, 3]),
    f"{PYG}SSGConv": given(
        graph(True, K=2, bias=False, **PROPAGATED), out_channels=[2, 3], alpha=[0.1, 0.5]
    ),
    f"{PYG}APPNP": appnp,
    f"{PYG}MixHopConv": given(
        graph(True, powers=[(1,), (0, 2), (0, 1, 3)], add_self_loops=False, bias=False),
        out_channels=[2, 3],
    ),
    f"{PYG}LGConv": graph(True, normalize=False),
    f"{PYG}SimpleConv": graph(
        True, aggr=["mean", "max", "sum"], combine_root=["sum", "cat", "self_loop"]
    ),
    f"{PYG}WLConvContinuous": graph(True),
}
