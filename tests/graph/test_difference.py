"""The difference of two projects: empty if and only if they mean the same, and told in words."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from netbuilder.app import graphs, templates
from netbuilder.graph import edits
from netbuilder.graph.difference import Row, difference
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.graph.model import new_id
from netbuilder.graph.rules import End
from netbuilder.layers import catalogue
from netbuilder.storage import format
from tests.graph.random_edits import RandomEdits


def same_meaning(before: Document, after: Document) -> bool:
    """By the text of the file, without what is there for the eye, and with names for ids."""
    return _stripped(before) == _stripped(after)


def _stripped(document: Document) -> str:
    value: dict[str, Any] = format.to_json(document)
    for key in ("title", "description", "flow", "about", "layout"):
        value.pop(key, None)
    ranks = {"network": 0, "block": 1, "step": 2}
    value["graphs"].sort(key=lambda graph: ranks[graph["kind"]])
    for graph in value["graphs"]:
        for key in ("id", "order"):
            graph.pop(key)
        names = {node["id"]: node["name"] for node in graph["nodes"]}
        for node in graph["nodes"]:
            for key in ("id", "order", "note"):
                node.pop(key, None)
            if "shares" in node:
                node["shares"] = names.get(node["shares"], node["shares"])
        for wire in graph["wires"]:
            wire.pop("id")
            wire["from"][0], wire["to"][0] = names[wire["from"][0]], names[wire["to"][0]]
        graph["wires"].sort(key=json.dumps)
    return json.dumps(value, sort_keys=True)


def renewed(document: Document) -> Document:
    """The same project with other ids, as a script that makes it anew would give it."""
    text = format.dumps(document)
    for graph in document.graphs.values():
        for id in (*graph.nodes, *graph.wires, graph.id):
            text = text.replace(json.dumps(id), json.dumps(new_id("x")))
    return format.loads(text)


def walk(seed: int, steps: int) -> tuple[int, int]:
    """How often two states of a random walk meant the same, and how often they did not."""
    run, chance = RandomEdits(seed, most_nodes=12), random.Random(seed)
    states = [run.document.copy()]
    same = 0
    compared = 0
    for _ in range(steps):
        run.edit()
        now = run.document.copy()
        for other in {id(d): d for d in (states[-1], chance.choice(states))}.values():
            rows = difference(other, now)
            assert (not rows) == same_meaning(other, now), [row.words for row in rows]
            assert all(row.words and json.dumps(row.to_json()) for row in rows)
            same += not rows
            compared += 1
        states.append(now)
    return same, compared - same


@pytest.mark.parametrize("seed", range(3))
def test_it_is_empty_only_for_documents_that_mean_the_same(seed: int) -> None:
    same, different = walk(seed, 250)
    assert same > 20
    assert different > 100


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 120))
def test_it_is_empty_only_for_the_same_meaning_on_long_walks(seed: int) -> None:
    walk(seed, 1500)


def test_other_ids_and_places_are_no_difference() -> None:
    for id in ("digits_cnn", "digits_vae", "tiny_gpt"):
        if id not in {template.id for template in templates.templates()}:
            continue
        document = templates.open_template(id)
        other = renewed(document)
        assert difference(document, other) == []
        history = History(other)
        graph = other.of_kind("network")[0]
        edits.move(history, graph, dict.fromkeys(graph.nodes, (800.0, 40.0)))
        edits.set_project(history, title="Another", flow="right")
        assert difference(document, other) == []


@pytest.fixture
def pair() -> tuple[Document, History]:
    document = templates.open_template("digits_cnn")
    return document, History(document.copy())


def _words(rows: list[Row]) -> list[str]:
    return [row.words for row in rows]


def test_settings_are_told_one_by_one(pair: tuple[Document, History]) -> None:
    before, history = pair
    project = history.document.project
    edits.set_project(history, training={**project.training, "batch_size": 32})
    step = history.document.of_kind("step")[0]
    optimizer = {**step.info.settings["optimizer"], "lr": 0.01}
    settings = {**step.info.settings, "optimizer": optimizer, "every": 2}
    edits.set_graph(history, step, settings=settings)
    assert _words(difference(before, history.document)) == [
        "training.batch_size 64 → 32",
        "every set to 2",
        "optimizer.lr 0.003 → 0.01",
    ]


def test_nodes_parameters_and_wires_are_told(pair: tuple[Document, History]) -> None:
    before, history = pair
    document = history.document
    graph = document.of_kind("network")[0]
    conv, relu = graph.named("conv1"), graph.named("relu1")
    assert conv is not None
    assert relu is not None
    edits.set_parameters(history, graph, [conv.id], {"out_channels": 64, "bias": None})
    edits.rename(history, graph, conv.id, "stem")
    [wire] = graph.wires_out_of(relu.id)
    edits.insert_layer(history, graph, wire.id, "torch.nn.GELU", None, catalogue.ports_of)
    rows = difference(before, document)
    assert _words(rows) == [
        "'conv1' renamed to 'stem'",
        "'stem': bias no longer set (was false)",
        "'stem': out_channels 16 → 64",
        "'gelu' added: torch.nn.GELU",
        "Wire removed: relu1.output → conv2.input",
        "Wire added: relu1.output → gelu.input",
        "Wire added: gelu.output → conv2.input",
    ]
    assert {row.graph_id for row in rows} == {graph.id}
    assert rows[0].node_id == conv.id
    back = _words(difference(document, before))
    assert "'gelu' removed: torch.nn.GELU" in back
    assert "'conv1': bias set to false" in back


def test_a_renamed_network_changes_its_name_alone(pair: tuple[Document, History]) -> None:
    before, history = pair
    network = history.document.of_kind("network")[0]
    graphs.rename(history, network, "reader")
    assert _words(difference(before, history.document)) == ["'main' renamed to 'reader'"]


def test_a_number_is_no_truth_value(pair: tuple[Document, History]) -> None:
    before, _ = pair
    after = format.loads(format.dumps(before).replace('"bias": false', '"bias": 0', 1))
    assert _words(difference(before, after)) == ["'conv1': bias false → 0"]


def test_ids_that_changed_places_are_no_difference(pair: tuple[Document, History]) -> None:
    before, _ = pair
    network = before.of_kind("network")[0]
    one, two = network.named("conv1"), network.named("conv2")
    assert one is not None
    assert two is not None
    text = format.dumps(before).replace(f'"{one.id}"', '"between"')
    after = format.loads(
        text.replace(f'"{two.id}"', f'"{one.id}"').replace('"between"', f'"{two.id}"')
    )
    assert difference(before, after) == []


def test_the_order_of_inputs_and_of_steps_has_a_meaning(pair: tuple[Document, History]) -> None:
    _, history = pair
    document = history.document
    network = document.of_kind("network")[0]
    second = edits.add_node(history, network, "netbuilder.Input", name="mask", x=0.0, y=0.0)
    other = edits.add_graph(history, "step", "again")
    before = document.copy()
    edits.set_node(history, network, second.id, order=-1)
    edits.set_graph(history, other, order=-1)
    rows = difference(before, document)
    assert [(row.what, row.key) for row in rows] == [
        ("order", "nodes"),
        ("order", "training steps"),
    ]
    assert rows[1].words == (
        'The order of training steps changed: ["train", "again"] → ["again", "train"]'
    )


def test_nodes_without_a_name_or_id_in_common_are_matched_by_what_feeds_them() -> None:
    before = templates.open_template("digits_cnn")
    text = format.dumps(renewed(before))
    for node in before.of_kind("network")[0].nodes.values():
        text = text.replace(f'"name": "{node.name}"', f'"name": "other_{node.name}"')
    after = format.loads(text.replace('"out_channels": 32', '"out_channels": 48'))
    graph = after.of_kind("network")[0]
    rows = [row for row in difference(before, after) if row.graph == graph.name]
    assert {row.what for row in rows} == {"name", "parameter"}
    assert len(rows) == len(graph.nodes) + 1


def test_of_two_that_are_fed_alike_none_is_taken_for_another() -> None:
    def with_relus(*names: str) -> Document:
        history = History(templates.open_template("digits_cnn").copy())
        graph = history.document.of_kind("network")[0]
        image = graph.named("image")
        assert image is not None
        for name in names:
            relu = edits.add_node(history, graph, "torch.nn.ReLU", name=name)
            ends = End(image.id, "output"), End(relu.id, "input")
            edits.connect(history, graph, *ends, catalogue.ports_of)
        return history.document

    rows = difference(with_relus("one", "other"), with_relus("third"))
    assert [row.words for row in rows if row.what == "node"] == [
        "'one' removed: torch.nn.ReLU",
        "'other' removed: torch.nn.ReLU",
        "'third' added: torch.nn.ReLU",
    ]
