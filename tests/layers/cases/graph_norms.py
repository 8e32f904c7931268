"""Cases of `netbuilder.layers.graph_norms`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, some
from tests.layers.cases.graph_common import V, ids, nodes

PYG = "torch_geometric.nn."
GRAPHS = 2


def two_graphs(tensor: Any) -> Any:
    """Every second node belongs to the second graph."""
    return tensor.new_tensor([i % GRAPHS for i in range(len(tensor))]).sort().values


def norm(joined: bool = True, **choices: Any) -> Generator:
    """Cases with the nodes of one graph, or of two that are `joined`."""

    def make(r: Random) -> Case:
        inputs = {"x": nodes(r.randint(2, 4))}
        if joined and r.random() < 0.75:
            inputs["batch"] = ids(V, GRAPHS)
        return Case(some(r, **choices), inputs, {"batch": two_graphs} if len(inputs) > 1 else {})

    return make


def message_norm(r: Random) -> Case:
    x = nodes(r.randint(2, 4))
    return Case(some(r, learn_scale=True), {"x": x, "msg": x})


def group_norm(r: Random) -> Case:
    case = norm(False, lamda=0.1, eps=1e-3, momentum=0.2, affine=False, track_running_stats=False)
    made = case(r)
    return Case({**made.params, "groups": r.randint(2, 3)}, made.inputs)


AVERAGED: dict[str, Any] = {"eps": 1e-3, "momentum": 0.2, "track_running_stats": False}

CASES: Mapping[str, Generator] = {
    f"{PYG}BatchNorm": norm(False, affine=False, allow_single_element=False, **AVERAGED),
    f"{PYG}InstanceNorm": norm(affine=True, eps=1e-3, momentum=0.2, track_running_stats=True),
    f"{PYG}LayerNorm": norm(eps=1e-3, affine=False, mode=["node", "graph"]),
    f"{PYG}GraphNorm": norm(eps=1e-3),
    f"{PYG}GraphSizeNorm": norm(),
    f"{PYG}PairNorm": norm(scale=2.0, scale_individually=True, eps=1e-3),
    f"{PYG}MeanSubtractionNorm": norm(),
    f"{PYG}MessageNorm": message_norm,
    f"{PYG}DiffGroupNorm": group_norm,
}
