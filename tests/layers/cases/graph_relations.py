"""Cases of `netbuilder.layers.graph_relations`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator
from tests.layers.cases.graph_common import E, given, graph, ids

PYG = "torch_geometric.nn."

KINDS = 2


def typed(make: Generator, always: bool = True) -> Generator:
    """The same cases with kinds of edges, and one of the ways to save weights."""

    def more(r: Random) -> Case:
        case = given(make, num_relations=KINDS)(r)
        params: dict[str, Any] = dict(case.params)
        way = r.choice([{}, {"num_bases": 2}, {"num_blocks": 2}]) if always else {}
        inputs = dict(case.inputs)
        if always or r.random() < 0.7:
            kinds = ids(E, KINDS)
            rest = {port: t for port, t in inputs.items() if port == "edge_attr"}
            first = {port: t for port, t in inputs.items() if port != "edge_attr"}
            inputs = {**first, "edge_type": kinds, **rest}
        else:
            params["num_relations"] = 1
        return Case({**params, **way}, inputs, case.values)

    return more


RELATIONAL = typed(
    given(graph(wide=2, aggr=["sum", "mean"], root_weight=False, bias=False), out_channels=[2, 4])
)


def sorted_kinds(r: Random) -> Case:
    """RGCNConv may be told that edges come sorted by kind."""
    case = RELATIONAL(r)
    if r.random() < 0.7:
        return case
    return Case(
        {**case.params, "is_sorted": True}, case.inputs, {"edge_type": lambda t: t.sort().values}
    )


CASES: Mapping[str, Generator] = {
    f"{PYG}RGCNConv": sorted_kinds,
    f"{PYG}FastRGCNConv": sorted_kinds,
    f"{PYG}FiLMConv": typed(
        given(graph(act=["tanh", None], aggr=["sum", "max"]), out_channels=[2, 3]), always=False
    ),
    f"{PYG}RGATConv": typed(
        given(
            graph(
                attributes="edge_dim",
                wide=2,
                mod=["additive", "scaled", "f-additive", "f-scaled"],
                attention_mechanism=["within-relation"],
                attention_mode=["multiplicative-self-attention"],
                heads=2,
                concat=False,
                negative_slope=0.1,
                bias=False,
                dim=1,
                dropout=0.0,
            ),
            out_channels=[2, 4],
        )
    ),
}
