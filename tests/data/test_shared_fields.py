"""Fields that all samples share: one tensor for all of them, in no part of the data."""

from __future__ import annotations

import dataclasses

import networkx as nx
import numpy as np
import pytest
import torch

from netbuilder.data import arrays, datasets, graphs_arrays, loading
from netbuilder.data.graphs import KarateClub, LesMiserables
from netbuilder.data.overview import overview
from netbuilder.data.settings import DataSettings, field_types
from netbuilder.data.sources import Field

CLUB = DataSettings(source="netbuilder.KarateClub", validation=0.88)
FIELDS = (Field("graph", (2, 3), batched=False), Field("node", (), "int64", high=4))
NODES = np.arange(4)


def contents(**changes: arrays.Array) -> dict[str, arrays.Array]:
    return {"graph": np.ones((2, 3), np.float32), "node": NODES, **changes}


def test_their_types_have_no_batch() -> None:
    types = field_types({"source": "netbuilder.KarateClub"})
    shown = {name: str(tensor) for name, tensor in types.items()}
    assert shown["features"] == "34×34"
    assert shown["edge_index"] == "2×156"
    assert shown["node"] == "N"
    assert types["edge_index"].high == 34


def test_parts_hold_samples_and_the_data_set_holds_what_they_share() -> None:
    data = datasets.prepare(CLUB)
    for part in data.parts.values():
        assert set(part) == {"node", "label"}
    assert data.shared["edge_index"].shape == (2, 156)
    assert set(data.shared) == {"features", "edge_index", "edge_weight"}
    assert [loading.size(part) for part in data.parts.values()] == [4, 30, 0]
    assert sorted(data.train["label"].tolist()) == [0, 0, 1, 1]
    moved = data.to("meta")
    assert all(tensor.is_meta for tensor in moved.shared.values())
    assert moved.fingerprint == data.fingerprint


def test_the_length_of_a_shared_tensor_is_no_number_of_samples() -> None:
    assert loading.find_problems(FIELDS, contents(), CLUB) == []
    empty = contents(node=NODES[:0])
    assert [p.code for p in loading.find_problems(FIELDS, empty, CLUB)] == ["data.empty"]


@pytest.mark.parametrize(
    ("graph", "code", "text"),
    [
        (np.ones((3, 2)), "data.shape", "'graph' is (3, 2), not (2, 3)"),
        (np.array([[1, 2, 3], [1, np.nan, 3]]), "data.finite", "in 1 rows (1)"),
    ],
)
def test_what_is_wrong_with_a_shared_tensor(graph: arrays.Array, code: str, text: str) -> None:
    (problem,) = loading.find_problems(FIELDS, contents(graph=graph), CLUB)
    assert problem.code == code
    assert text in problem.message


def test_shared_ids_are_checked_and_may_be_none_at_all() -> None:
    edges = Field("edges", (2, 2), "int64", high=4, batched=False)
    fields = (edges, FIELDS[1])
    ends = np.array([[0, 1], [1, 4]])
    (problem,) = loading.find_problems(fields, contents(edges=ends), CLUB)
    assert problem.code == "data.range"
    fields = (dataclasses.replace(edges, shape=(2, 0)), FIELDS[1])
    assert loading.find_problems(fields, contents(edges=ends[:, :0]), CLUB) == []


def test_a_shared_number_of_a_class_is_no_label() -> None:
    kind = Field("kind", (), "int64", high=3, batched=False)
    assert not kind.is_class
    fields = (kind, *FIELDS)
    values = contents(kind=np.array(1))
    assert loading.find_problems(fields, values, CLUB) == []


def test_normalising_takes_all_rows_of_what_is_shared() -> None:
    graph = np.array([[1.0, 5, 0], [3.0, 5, 1]], np.float32)
    parts = loading.split_of(4, None, CLUB)
    data = loading.assemble(FIELDS, contents(graph=graph), parts, ("graph",))
    expected = torch.tensor([[-1.0, 0, -1], [1, 0, 1]])
    assert torch.equal(data.shared["graph"], expected)
    assert data.to_json()["statistics"]["graph"]["mean"] == [2.0, 5.0, 0.5]


def test_the_fingerprint_sees_the_graph() -> None:
    parts = loading.split_of(4, None, CLUB)
    found = [
        loading.assemble(FIELDS, contents(graph=graph), parts).fingerprint
        for graph in (np.ones((2, 3)), np.zeros((2, 3)))
    ]
    assert found[0] != found[1]


def test_the_panel_shows_samples_and_says_what_is_shared() -> None:
    shown = overview(CLUB, 4)
    assert shown["count"] == 34
    assert set(shown["shown"]) == {"node", "label"}
    assert shown["classes"] == {"Mr. Hi": 17, "Officer": 17}
    batched = {field["name"]: field["batched"] for field in shown["fields"]}
    assert batched == {
        "features": False,
        "edge_index": False,
        "edge_weight": False,
        "node": True,
        "label": True,
    }


def test_the_groups_are_those_of_highest_modularity() -> None:
    cases = (
        (nx.karate_club_graph(), graphs_arrays.CLUB_COMMUNITIES, 0.41979),
        (nx.les_miserables_graph(), graphs_arrays.CHARACTER_COMMUNITIES, 0.56000),
    )
    for graph, digits, modularity in cases:
        groups = {
            digit: {node for node, own in zip(graph, digits, strict=True) if own == digit}
            for digit in sorted(set(digits))
        }
        found = nx.community.modularity(graph, list(groups.values()), weight=None)
        assert found == pytest.approx(modularity, abs=1e-5)


@pytest.mark.parametrize("source", [KarateClub(label="community"), LesMiserables()])
def test_edges_go_both_ways_and_weigh_alike(source: KarateClub | LesMiserables) -> None:
    found = arrays.load(source)
    ends = list(zip(*found["edge_index"].tolist(), strict=True))
    weights = dict(zip(ends, found["edge_weight"].tolist(), strict=True))
    assert len(weights) == len(ends)
    assert all(weights[b, a] == weight for (a, b), weight in weights.items())
    assert found["label"].max() + 1 == next(f for f in source.fields() if f.name == "label").high
