"""The file: equal documents give equal texts, and nothing that a file holds is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from netbuilder.errors import DocumentError
from netbuilder.graph.changes import Added, Changed
from netbuilder.graph.document import Document
from netbuilder.graph.model import Frame, GraphInfo, Node, ProjectInfo, Unreadable, Wire
from netbuilder.storage import format, strict
from tests.graph.random_edits import RandomEdits

Json = dict[str, Any]


def sample() -> Document:
    """One of everything."""
    project = ProjectInfo(
        title='A "title" <b>ü</b>\u2028',
        description="two\nlines",
        flow="right",
        data={"source": "netbuilder.Digits", "params": {}},
        training={"epochs": 3, "lr": 1.0},
        about={"family": "none", "parameters": {"main": 12}},
        extra={"later": ({"deep": (1, 2.5, None, True)},)},
    )
    settings = {"updates": ("main",), "optimizer": {"kind": "AdamW", "lr": 1e-3}}
    items: list[Added] = [
        Added("g1", GraphInfo(id="g1", kind="network", name="main", extra={"later": 1})),
        Added("g1", Node(id="a", layer="netbuilder.Input", name="x", params={"shape": (1, "T")})),
        Added(
            "g1",
            Node(
                id="b",
                layer="no.such.Layer",
                name="b",
                params={"z": 1, "a": {"k": (True, None)}},
                x=8.0,
                y=-0.5,
                order=3,
                note="why\tnot",
                collapsed=True,
                extra={"later": (1,), "layout": {"pinned": True}},
            ),
        ),
        Added(
            "g1",
            Wire(id="w", source="a", source_port="output", target="b", target_port="in",
                 extra={"color": "red"}),
        ),
        Added("g1", Frame(id="f", title="part", x=1.5, color="blue", note="n", extra={"z": 0})),
        Added("g1", Unreadable(id="unreadable-nodes-1", section="nodes", index=1, raw=(5, None),
                               reason="it is no object")),
        Added("g2", GraphInfo(id="g2", kind="step", name="train", order=1, settings=settings)),
    ]  # fmt: skip
    return Document.of(project, items)


def test_reading_what_was_written_gives_the_same_document() -> None:
    text = format.dumps(sample())
    again = format.loads(text)
    assert again == sample()
    assert format.dumps(again) == text
    assert format.loads(text.encode()) == again
    assert format.from_json(format.to_json(again)) == again


def test_the_text_does_not_depend_on_the_order_of_edits() -> None:
    items = list(sample().items())
    (first, *_), project = items, sample().project
    shuffled = [first, items[5], items[2], items[1], items[4], items[3], items[6]]
    assert format.dumps(Document.of(project, shuffled)) == format.dumps(sample())


def test_the_text_does_not_depend_on_the_order_of_keys() -> None:
    texts = []
    for names in (("a", "b"), ("b", "a")):
        value = {key: dict.fromkeys(names, 1) for key in names}
        node = Node(id="n", layer="x", name="n", params=value, extra=value)
        info = GraphInfo(id="g", kind="network", name="main", settings=value, extra=value)
        project = ProjectInfo(data=value, about=value, extra=value)
        document = Document.of(project, [Added("g", info), Added("g", node)])
        texts.append(format.dumps(document))
    assert texts[0] == texts[1]


def test_random_documents_survive() -> None:
    run = RandomEdits(seed=7, most_nodes=15)
    for number in range(800):
        run.edit()
        if number % 5 == 0:
            text = format.dumps(run.document)
            again = format.loads(text)
            assert again == run.document
            assert format.dumps(again) == text
    assert sum(run.done.values()) > 200


def test_a_node_a_wire_and_a_place_are_a_line_each() -> None:
    lines = format.dumps(sample()).splitlines()
    for start in ('{"id": "a"', '{"id": "w"', '{"node": "a"', '{"id": "f"'):
        (line,) = [line for line in lines if line.strip().startswith(start)]
        json.loads(line.strip().removesuffix(","))


def test_a_move_changes_layout_only() -> None:
    document = sample()
    before = format.to_json(document)
    node = document.graph("g1").nodes["a"]
    with document.editing():
        document.apply(Changed("g1", node, replace(node, x=800.0, collapsed=True)))
    after = format.to_json(document)
    assert after["graphs"] == before["graphs"]
    assert after["layout"] != before["layout"]
    old, new = (format.dumps(d).splitlines() for d in (sample(), document))
    assert sum(a != b for a, b in zip(old, new, strict=True)) == 1


# -- what is odd is kept ---------------------------------------------------------------------


def chain(*bad: Any, at: int = 0) -> Json:
    """Three nodes in a chain, with bad entries among the nodes."""
    nodes: list[Any] = [{"id": f"n{i}", "name": f"n{i}", "layer": "torch.nn.ReLU", "order": i}
                        for i in range(3)]  # fmt: skip
    wires = [{"id": f"w{i}", "from": [f"n{i}", "output"], "to": [f"n{i + 1}", "input"]}
             for i in range(2)]  # fmt: skip
    nodes[at:at] = bad
    graph = {"id": "g", "kind": "network", "name": "main", "nodes": nodes, "wires": wires}
    return {"netbuilder": 1, "title": "t", "graphs": [graph]}


BAD_NODES: dict[str, Any] = {
    "null": None,
    "number": 5,
    "list": [],
    "empty": {},
    "no id": {"name": "x", "layer": "torch.nn.ReLU"},
    "empty id": {"id": "", "name": "x", "layer": "torch.nn.ReLU"},
    "long id": {"id": "x" * 300, "name": "x", "layer": "torch.nn.ReLU"},
    "id is a number": {"id": 5, "name": "x", "layer": "torch.nn.ReLU"},
    "taken id": {"id": "n1", "name": "x", "layer": "torch.nn.ReLU"},
    "no layer": {"id": "x", "name": "x"},
    "layer is null": {"id": "x", "name": "x", "layer": None},
    "name is a list": {"id": "x", "name": [], "layer": "torch.nn.ReLU"},
    "params are a list": {"id": "x", "name": "x", "layer": "torch.nn.ReLU", "params": []},
    "order is a text": {"id": "x", "name": "x", "layer": "torch.nn.ReLU", "order": "1"},
    "order is true": {"id": "x", "name": "x", "layer": "torch.nn.ReLU", "order": True},
    "half a character": {"id": "x", "name": "\ud800", "layer": "torch.nn.ReLU"},
    "half in a key": {"id": "x", "name": "x", "layer": "y", "params": {"\udfff": 1}},
}


@pytest.mark.parametrize("at", [0, 1, 3], ids=["first", "middle", "last"])
@pytest.mark.parametrize("name", BAD_NODES)
def test_a_bad_node_is_kept_and_sinks_nothing(name: str, at: int) -> None:
    bad = BAD_NODES[name]
    value = chain(bad, at=at)
    document = format.loads(json.dumps(value))
    graph = document.graph("g")
    # The one with a taken id may be the first of the two.
    good = {"n0", "n1", "n2"}
    assert set(graph.nodes) == good
    assert len(graph.wires) == 2
    (kept,) = graph.unreadable.values()
    assert kept.section == "nodes"
    assert kept.reason
    text = format.dumps(document)
    nodes = json.loads(text)["graphs"][0]["nodes"]
    assert len(nodes) == 4
    if name != "taken id":
        assert (kept.index, nodes[at]) == (at, bad)
    assert format.loads(text) == document
    assert format.dumps(format.loads(text)) == text


def test_ids_of_what_is_kept_give_way() -> None:
    value = chain(None, at=1)
    value["graphs"][0]["nodes"][0]["id"] = "unreadable-nodes-1"
    value["graphs"][0]["wires"] = []
    document = format.loads(json.dumps(value))
    graph = document.graph("g")
    assert set(graph.nodes) == {"unreadable-nodes-1", "n1", "n2"}
    (kept,) = graph.unreadable
    assert kept not in graph.nodes
    assert format.loads(format.dumps(document)) == document


BAD_WIRES: dict[str, Any] = {
    "null": None,
    "no ends": {"id": "x"},
    "no source": {"id": "x", "from": ["gone", "output"], "to": ["n0", "input"]},
    "no target": {"id": "x", "from": ["n0", "output"], "to": ["gone", "input"]},
    "second into a port": {"id": "x", "from": ["n0", "output"], "to": ["n2", "input"]},
    "taken id": {"id": "w0", "from": ["n0", "output"], "to": ["n2", "other"]},
    "a node's id": {"id": "n1", "from": ["n0", "output"], "to": ["n2", "other"]},
    "three ends": {"id": "x", "from": ["n0", "output", "n1"], "to": ["n2", "other"]},
    "port is null": {"id": "x", "from": ["n0", None], "to": ["n2", "other"]},
    "port is half a character": {"id": "x", "from": ["n0", "\ud800"], "to": ["n2", "other"]},
}


@pytest.mark.parametrize("name", BAD_WIRES)
def test_a_bad_wire_is_kept_and_sinks_nothing(name: str) -> None:
    value = chain()
    value["graphs"][0]["wires"].append(BAD_WIRES[name])
    document = format.loads(json.dumps(value))
    graph = document.graph("g")
    assert set(graph.wires) == {"w0", "w1"}
    (kept,) = graph.unreadable.values()
    assert (kept.section, kept.index) == ("wires", 2)
    text = format.dumps(document)
    assert json.loads(text)["graphs"][0]["wires"][2] == BAD_WIRES[name]
    assert format.loads(text) == document


GOOD_WIRES: dict[str, Any] = {
    "cycle": {"id": "x", "from": ["n2", "output"], "to": ["n0", "input"]},
    "self-loop": {"id": "x", "from": ["n0", "output"], "to": ["n0", "input"]},
    "unknown port": {"id": "x", "from": ["n0", "nowhere"], "to": ["n2", "nothing"]},
    "later keys": {"id": "x", "from": ["n0", "output"], "to": ["n2", "other"], "later": [1]},
}


@pytest.mark.parametrize("name", GOOD_WIRES)
def test_wires_that_only_the_check_refuses_open(name: str) -> None:
    value = chain()
    value["graphs"][0]["wires"].append(GOOD_WIRES[name])
    document = format.loads(json.dumps(value))
    assert set(document.graph("g").wires) == {"w0", "w1", "x"}
    assert not document.graph("g").unreadable
    written = json.loads(format.dumps(document))["graphs"][0]["wires"]
    assert GOOD_WIRES[name] in written


BAD_PLACES: list[Any] = [
    None,
    {"node": "n0"},
    {"node": "n0", "at": None},
    {"node": "n0", "at": [0]},
    {"node": "n0", "at": [0, True]},
    {"node": "n0", "at": [0, 1e308]},
    {"node": "n0", "at": ["0", "0"]},
    {"node": "gone", "at": [0, 0]},
    {"node": "n1", "at": [0, 0]},
    {"node": "n0", "at": [0, 0], "collapsed": 1},
]


@pytest.mark.parametrize("place", BAD_PLACES, ids=str)
def test_a_bad_place_costs_the_place_only(place: Any) -> None:
    value = chain()
    value["layout"] = {"g": {"nodes": [{"node": "n1", "at": [8, 16]}, place]}}
    document = format.loads(json.dumps(value))
    graph = document.graph("g")
    assert len(graph.nodes) == 3
    assert (graph.nodes["n1"].x, graph.nodes["n1"].y) == (8, 16)
    (kept,) = graph.unreadable.values()
    assert kept.section == "layout"
    text = format.dumps(document)
    assert place in json.loads(text)["layout"]["g"]["nodes"]
    assert format.dumps(format.loads(text)) == text


def test_nodes_without_a_place_do_not_lie_on_one_another() -> None:
    document = format.loads(json.dumps(chain()))
    places = {(node.x, node.y) for node in document.graph("g").nodes.values()}
    assert len(places) == 3


@pytest.mark.parametrize(
    "graph",
    [
        None,
        {},
        {"id": "x", "kind": "evaluation", "name": "later"},
        {"id": "x", "kind": ["network"], "name": "x"},
        {"id": "x", "kind": "network", "name": "x", "nodes": {}},
        {"id": "g", "kind": "network", "name": "taken"},
        {"id": "bad", "kind": "network", "name": "its layout is bad"},
    ],
    ids=str,
)
@pytest.mark.parametrize("at", [0, 1])
def test_a_bad_graph_is_kept(graph: Any, at: int) -> None:
    value = chain()
    if graph and graph.get("id") == "g":
        at = 1  # the first of two equal ids is the good one
    value["graphs"].insert(at, graph)
    value["layout"] = {"x": {"nodes": [1]}, "bad": 5}
    document = format.loads(json.dumps(value))
    assert list(document.graphs) == ["g"]
    written = json.loads(format.dumps(document))
    assert written["graphs"][at] == graph
    assert written["layout"]["x"] == {"nodes": [1]}
    assert format.loads(format.dumps(document)) == document


def test_unknown_keys_everywhere_are_written_back() -> None:
    value = chain()
    value["plugins"] = {"b": 1, "a": [2]}
    value["graphs"][0]["later"] = {"x": None}
    value["graphs"][0]["nodes"][1]["later"] = [1.5]
    value["layout"] = {
        "g": {
            "zoom": 2,
            "nodes": [{"node": "n0", "at": [0, 0], "pinned": True}],
            "frames": [{"id": "f", "at": [0, 0], "size": [10, 10], "later": 1}],
        }
    }
    written = json.loads(format.dumps(format.loads(json.dumps(value))))
    assert written["plugins"] == value["plugins"]
    assert written["graphs"][0]["later"] == {"x": None}
    assert written["graphs"][0]["nodes"][1]["later"] == [1.5]
    assert written["layout"]["g"]["zoom"] == 2
    assert written["layout"]["g"]["nodes"][0]["pinned"] is True
    assert written["layout"]["g"]["frames"][0]["later"] == 1


def test_params_of_an_unknown_layer_are_equal_byte_for_byte() -> None:
    params = '{"a": 1, "b": 1.0, "c": [true, null, "\\u00e9 é", 1e-07], "d": {"x": -0.0}}'
    value = chain()
    value["graphs"][0]["nodes"][0]["params"] = json.loads(params)
    value["graphs"][0]["nodes"][0]["layer"] = "someone.elses.Layer"
    text = format.dumps(format.loads(json.dumps(value)))
    assert '"params": ' + params.replace("\\u00e9", "é") in text
    document = format.loads(text)
    assert document.graph("g").nodes["n0"].layer == "someone.elses.Layer"
    assert format.dumps(document) == text


# -- what can't be written -------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [float("nan"), 2**60, {1}, object(), "\ud800"], ids=["nan", "int", "set", "?", "half"]
)
def test_what_cannot_be_saved_is_named(value: Any) -> None:
    node = Node(id="a", layer="x", name="culprit", params={"p": (value,)})
    info = GraphInfo(id="g", kind="network", name="main")
    document = Document.of(ProjectInfo(), [Added("g", info), Added("g", node)])
    with pytest.raises(DocumentError, match="culprit"):
        format.dumps(document)


def test_an_impossible_place_never_keeps_a_project_from_being_saved() -> None:
    node = Node(id="a", layer="x", name="a", x=float("nan"), y=float("inf"))
    info = GraphInfo(id="g", kind="network", name="main")
    document = Document.of(ProjectInfo(), [Added("g", info), Added("g", node)])
    again = format.loads(format.dumps(document)).graph("g").nodes["a"]
    assert again.x == 0.0
    assert again.y < 1e9


def test_a_project_too_large_to_be_opened_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict, "MAX_BYTES", 100)
    with pytest.raises(DocumentError, match="larger"):
        format.dumps(sample())


def test_the_documented_file_is_canonical() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "file-format.md"
    text = page.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0]
    document = format.loads(text)
    assert len(document.graph("g1").nodes) == 2
    assert format.dumps(document) == text


def test_what_is_read_again_is_the_same_node_and_other_types_make_another() -> None:
    def read(p: float) -> Node:
        node = {"id": "n", "layer": "torch.nn.Dropout", "name": "dropout", "params": {"p": p}}
        graph = {"id": "g", "kind": "network", "name": "main", "order": 0, "nodes": [node]}
        value = {"netbuilder": 1, "graphs": [{**graph, "wires": []}], "layout": {}}
        return format.from_json(value).graph("g").nodes["n"]

    whole, same, real, flag = read(1), read(1), read(1.0), read(True)
    assert whole is same
    assert [type(node.params["p"]) for node in (whole, real, flag)] == [int, float, bool]
