"""Projects at the limits of what is read, and texts that no font was made for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from netbuilder.errors import DocumentError
from netbuilder.graph import topology
from netbuilder.graph.document import Graph
from netbuilder.storage import format, reading

ODD_TEXTS = {
    "right to left": "safe\u202egnp.exe\u202c",
    "separators": "a\u2028b\u0085c\fd\ne",
    "a zero byte": "a\0b",
    "combining": "Z" + "\u0301" * 5000,
    "10 MB": "x" * 10_000_000,
}


def project(nodes: list[dict[str, Any]], wires: list[dict[str, Any]], title: str = "x") -> bytes:
    graph = {"id": "g1", "kind": "network", "name": "main", "order": 0}
    graphs = [{**graph, "nodes": nodes, "wires": wires}]
    return json.dumps({"netbuilder": 1, "title": title, "graphs": graphs}).encode()


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_an_odd_text_comes_back_as_it_was(name: str) -> None:
    text = ODD_TEXTS[name]
    node = {"id": "n1", "name": text, "layer": "torch.nn.ReLU", "note": text}
    document = format.loads(project([node], [], text))
    again = format.loads(format.dumps(document))
    for each in (document, again):
        assert each.project.title == text
        read = each.of_kind("network")[0].nodes["n1"]
        assert (read.name, read.note) == (text, text)


def test_half_a_character_is_refused_in_one_sentence() -> None:
    with pytest.raises(DocumentError, match=r"lone surrogate\)\.\Z"):
        format.loads(project([], [], "\ud800"))


def drawn(count: int, *, star: bool) -> Graph:
    nodes = [{"id": f"n{i}", "name": f"r{i}", "layer": "torch.nn.ReLU"} for i in range(count)]
    wires = [
        {
            "id": f"w{i}",
            "from": [f"n{0 if star else i - 1}", "output"],
            "to": [f"n{i}", "input"],
        }
        for i in range(1, count)
    ]
    document = format.loads(project(nodes, wires))
    again = format.loads(format.dumps(document))
    assert format.to_json(again) == format.to_json(document)
    graph = document.of_kind("network")[0]
    assert len(topology.sorted_nodes(graph)) == count
    assert topology.cycles(graph) == []
    return graph


@pytest.mark.nightly
@pytest.mark.parametrize("star", [False, True], ids=["a chain", "a star"])
def test_as_many_nodes_as_may_be_are_read_and_written(star: bool) -> None:
    """Without recursion; one node more is refused by `strict`."""
    count = reading.MAX_NODES
    graph = drawn(count, star=star)
    assert (len(graph.nodes), len(graph.wires)) == (count, count - 1)


@pytest.mark.parametrize("star", [False, True], ids=["a chain", "a star"])
def test_many_nodes_are_read_and_written(star: bool) -> None:
    """More than a recursion could go down."""
    graph = drawn(3000, star=star)
    assert (len(graph.nodes), len(graph.wires)) == (3000, 2999)
