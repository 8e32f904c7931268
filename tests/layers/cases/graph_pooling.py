"""Cases of `netbuilder.layers.graph_pooling`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, some
from tests.layers.cases.graph_common import E, V, edges, ids, nodes

PYG = "torch_geometric.nn."
GRAPHS = 3
"""As many as `harness.SIZES` says of N: the samples of a batch of graphs."""


def joined(tensor: Any) -> Any:
    """The graphs that nodes belong to: all of them occur."""
    return tensor.new_tensor([i % GRAPHS for i in range(len(tensor))]).sort().values


def global_pool(r: Random) -> Case:
    inputs = {"x": nodes(r.randint(1, 4))}
    if r.random() < 0.3:
        return Case({}, inputs)
    inputs["batch"] = ids(V, GRAPHS)
    return Case(some(r, size=GRAPHS + 1), inputs, {"batch": joined})


def select(**choices: Any) -> Generator:
    def make(r: Random) -> Case:
        rows = TensorType((E, r.randint(1, 3)))
        inputs = {"x": nodes(r.randint(2, 4)), "edge_index": edges(), "edge_attr": rows}
        values = {}
        if r.random() < 0.75:
            inputs["batch"] = ids(V, GRAPHS)
            values["batch"] = joined
        params = some(r, ratio=[0.4, 0.8, 2], multiplier=0.5, **choices)
        return Case({**params, **some(r, min_score=0.1)}, inputs, values)

    return make


CASES: Mapping[str, Generator] = {
    f"{PYG}global_mean_pool": global_pool,
    f"{PYG}global_add_pool": global_pool,
    f"{PYG}global_max_pool": global_pool,
    f"{PYG}TopKPooling": select(nonlinearity=["sigmoid", "relu"]),
    f"{PYG}SAGPooling": select(nonlinearity=["sigmoid"], GNN=["GCNConv", "SAGEConv"]),
}
