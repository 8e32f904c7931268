"""Graphs in text files: what is proposed for them, and what training gets of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from netbuilder.data import datasets, overview, places, settings
from netbuilder.data.graph_files import EdgeList
from netbuilder.data.loading import Dataset
from netbuilder.data.proposals import proposing
from netbuilder.data.reading.graph_lines import read
from netbuilder.errors import NetbuilderError, ProblemsError

EDGES = "# who knows whom\na b\nb,c\nc\td\n\na; d\n"
NODES = "a red 1 0\nb red 0 1\nc blue 1 1\nd blue 0 0\n"


def graph(folder: Path, edges: str = EDGES, nodes: str = NODES) -> Path:
    (folder / "g.edges").write_text(edges)
    if nodes:
        (folder / "g.nodes").write_text(nodes)
    return folder / "g.edges"


def prepared(path: Path, **params: Any) -> Dataset:
    found = proposing.propose(path)
    data = {"source": found.source, "params": {**found.params, **params}, "validation": 0.5}
    with places.given(places.Places(path.parent)):
        return datasets.prepare(settings.read(data))


def test_a_graph_with_classes_and_numbers(tmp_path: Path) -> None:
    path = graph(tmp_path)
    found = proposing.propose(path)
    assert (found.source, found.task, found.count) == ("netbuilder.EdgeList", "node", 4)
    assert found.templates[0] == "gcn"
    assert found.params["classes"] == ["blue", "red"]
    assert proposing.propose(tmp_path).params == found.params
    data = prepared(path)
    assert data.shared["features"].tolist() == [[1, 0], [0, 1], [1, 1], [0, 0]]
    ends = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 3], [1, 3, 0, 2, 1, 3, 0, 2]])
    assert torch.equal(data.shared["edge_index"], ends)
    both = {**dict(zip(data.train["node"].tolist(), data.train["label"].tolist(), strict=True))}
    both |= zip(data.validation["node"].tolist(), data.validation["label"].tolist(), strict=True)
    assert both == {0: 1, 1: 1, 2: 0, 3: 0}


def test_edges_alone_and_their_strength(tmp_path: Path) -> None:
    path = graph(tmp_path, "x y 2.5\ny z 1\ny x 9\nz z 1\n", "")
    found = proposing.propose(path)
    assert found.templates == ()
    assert any("are there twice" in note for note in found.notes)
    assert any("from a node to itself" in note for note in found.notes)
    data = prepared(path)
    assert torch.equal(data.shared["features"], torch.eye(3))
    assert data.shared["edge_weight"].tolist() == [2.5, 2.5, 1, 1]
    assert set(data.train) == {"node"}
    degree = prepared(path, stand_in="degree")
    assert degree.shared["features"].tolist() == [[1], [2], [1]]


def test_edges_that_go_one_way(tmp_path: Path) -> None:
    path = graph(tmp_path, "a b\nb a\nb c\n", "")
    data = prepared(path, directed=True, edge_count=3)
    assert data.shared["edge_index"].tolist() == [[0, 1, 1], [1, 0, 2]]


def test_the_class_may_stand_last_as_citations_have_it(tmp_path: Path) -> None:
    (tmp_path / "c.cites").write_text("1\t2\n2\t3\n3\t4\n")
    rows = ("1\t0\t1\tX", "2\t1\t1\tX", "3\t0\t0\tY", "4\t1\t0\tY")
    (tmp_path / "c.content").write_text("\n".join(rows))
    found = proposing.propose(tmp_path / "c.cites")
    assert found.params["class_at"] == "last"
    assert found.params["features"] == 2
    assert "normalise" not in found.settings
    data = prepared(tmp_path / "c.cites")
    assert data.shared["features"].tolist() == [[0, 1], [1, 1], [0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("edges", "nodes", "text"),
    [
        ("a b\nb c\n", NODES, "hold 2 edges, and the settings say 4"),
        ("a b\nb c\nc d\na d\n", NODES + "e red 1 1\n", "hold 5 nodes, and the settings say 4"),
        (EDGES, NODES.replace("b red 0 1", "b green 0 1"), "'green', which is not declared"),
        (EDGES, NODES.replace("b red 0 1", "b red 0"), "does not have 2 numbers"),
        (EDGES, NODES.replace("b red 0 1", "b red 0 nan"), "does not have 2 numbers"),
        (EDGES, NODES.replace("b red", "a red"), "Line 2 of 'g.nodes' names a node again"),
        ("a b c d\nx y\nb q\nc d\n", NODES, "3 of 4 lines"),
        ("a b\0\n", NODES, "is no text file"),
    ],
)
def test_files_that_are_not_what_was_declared(
    tmp_path: Path, edges: str, nodes: str, text: str
) -> None:
    path = graph(tmp_path)
    params = proposing.propose(path).params
    graph(tmp_path, edges, nodes)
    data = {"source": "netbuilder.EdgeList", "params": params}
    with (
        places.given(places.Places(tmp_path)),
        pytest.raises(ProblemsError, match=text),
    ):
        datasets.prepare(settings.read(data))


def test_a_file_outside_is_not_read_without_consent(tmp_path: Path) -> None:
    path = graph(tmp_path)
    data = {"source": "netbuilder.EdgeList", "params": proposing.propose(path).params}
    with (
        places.given(places.Places(tmp_path / "project")),
        pytest.raises(ProblemsError, match="outside the project's folder"),
    ):
        datasets.prepare(settings.read(data))


def test_limits_and_odd_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = graph(tmp_path)
    path.write_bytes(b"\xef\xbb\xbfa b\r\nb c\r\n")
    assert read(path, None, directed=False).names == ["a", "b", "c"]
    path.write_bytes(b"a \xff\n")
    with pytest.raises(NetbuilderError, match=r"Line 1 of 'g\.edges' is no text"):
        read(path, None, directed=False)
    monkeypatch.setattr("netbuilder.data.reading.graph_lines.MAX_LINE", 5)
    path.write_text("a b\nlong name\n")
    with pytest.raises(NetbuilderError, match=r"Line 2 .* too long"):
        read(path, None, directed=False)
    monkeypatch.setattr("netbuilder.data.reading.graph_lines.MAX_BYTES", 5)
    with pytest.raises(NetbuilderError, match="larger than"):
        read(path, None, directed=False)


def test_a_node_per_number_is_for_small_graphs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netbuilder.data.reading.graph_reading.MAX_IDENTITY", 3)
    monkeypatch.setattr("netbuilder.data.proposals.proposing_graphs.MAX_IDENTITY", 3)
    path = graph(tmp_path, nodes="")
    assert proposing.propose(path).params["stand_in"] == "degree"
    with pytest.raises(ProblemsError, match="too many"):
        prepared(path, stand_in="number")


def test_the_panel_looks_at_it_once_it_may(tmp_path: Path) -> None:
    path = graph(tmp_path)
    found = proposing.propose(path)
    chosen = settings.read({"source": found.source, "params": found.params, "validation": 0.5})
    assert overview.overview(chosen)["consent"]
    with places.given(places.Places(None, (str(tmp_path),))):
        shown = overview.overview(chosen)
    assert shown["classes"] == {"blue": 2, "red": 2}
    assert set(shown["shown"]) == {"node", "label"}
    assert shown["graph"] is not None
    assert shown["count"] == 4


def test_what_is_declared_is_known_without_a_file() -> None:
    source = EdgeList(node_count=5, edge_count=4, features=3, classes=("a", "b"), weights=True)
    shapes = {field.name: field.shape for field in source.fields()}
    assert shapes == {
        "features": (5, 3),
        "edge_index": (2, 8),
        "edge_weight": (8,),
        "node": (),
        "label": (),
    }
