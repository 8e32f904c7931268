"""Changes taken back one by one or all at once, and a document that becomes another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbuilder.app import templates
from netbuilder.graph import blocks, edits
from netbuilder.graph.becoming import become
from netbuilder.graph.changes import Changed
from netbuilder.graph.difference import difference
from netbuilder.graph.history import History
from netbuilder.graph.taking import taken
from netbuilder.layers import catalogue
from tests.graph.invariants import check
from tests.graph.random_edits import RandomEdits
from tests.graph.test_merging import wandered


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 30))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_all_taken_back_is_what_was_before(seed: int, steps: int) -> None:
    before = wandered(RandomEdits(seed).document, seed, 60)
    after = wandered(before, seed + 1, steps)
    rows = difference(before, after)
    result = taken(before, after, rows)
    check(result)
    assert difference(before, result) == []
    history = History(after.copy())
    become(history, result, "Take all")
    check(history.document)
    assert history.document == result
    history.undo()
    assert history.document == after
    for row in rows:
        check(taken(before, after, [row]))


@pytest.fixture(scope="module")
def pair() -> tuple[History, History]:
    before = templates.open_template("digits_cnn")
    history = History(before.copy())
    graph = history.document.of_kind("network")[0]
    conv, relu = graph.named("conv1"), graph.named("relu1")
    assert conv is not None
    assert relu is not None
    edits.set_parameters(history, graph, [conv.id], {"out_channels": 64, "kernel_size": 5})
    edits.move(history, graph, {conv.id: (800.0, 40.0)})
    [wire] = graph.wires_out_of(relu.id)
    edits.insert_layer(history, graph, wire.id, "torch.nn.GELU", None, catalogue.ports_of)
    return History(before), history


def test_one_change_is_taken_and_the_rest_stays(pair: tuple[History, History]) -> None:
    before, after = (history.document for history in pair)
    rows = difference(before, after)
    [row] = [row for row in rows if row.key == "kernel_size"]
    result = taken(before, after, [row])
    assert [each.words for each in difference(before, result)] == [
        each.words for each in rows if each is not row
    ]
    conv = result.of_kind("network")[0].named("conv1")
    assert conv is not None
    assert (conv.x, conv.y) == (800.0, 40.0)


def test_without_a_node_that_was_added_its_wire_is_whole_again(
    pair: tuple[History, History],
) -> None:
    before, after = (history.document for history in pair)
    [row] = [row for row in difference(before, after) if row.what == "node"]
    left = difference(before, taken(before, after, [row]))
    assert {each.what for each in left} == {"parameter"}


def test_nodes_that_come_back_share_their_weights_again() -> None:
    history = History(templates.open_template("digits_cnn").copy())
    graph = history.document.of_kind("network")[0]
    # The owner comes after the one that uses its weights.
    ids = [edits.add_node(history, graph, "torch.nn.ReLU", name=name).id for name in "ab"]
    with history.step("share") as document:
        node = graph.nodes[ids[0]]
        document.apply(Changed(graph.id, node, replace(node, shares=ids[1])))
    before = history.document.copy()
    edits.delete(history, graph, ids, ports_of=catalogue.ports_of)
    after = history.document
    assert difference(before, taken(before, after, difference(before, after))) == []


def test_what_is_taken_names_a_block_as_it_is_called_here() -> None:
    history = History(templates.open_template("digits_cnn").copy())
    graph = history.document.of_kind("network")[0]
    stage, _ = (edits.add_graph(history, "block", name) for name in ("stage", "other"))
    use = edits.add_node(history, graph, "netbuilder.Block", params={"block": "stage"})
    gone = edits.add_node(history, graph, "netbuilder.Block", params={"block": "stage"})
    before = history.document.copy()
    blocks.rename(history, stage, "trunk")
    edits.set_parameters(history, graph, [use.id], {"block": "other"})
    edits.delete(history, graph, [gone.id], ports_of=catalogue.ports_of)
    rows = difference(before, history.document)
    result = taken(before, history.document, [row for row in rows if row.what != "name"])
    nodes = result.graphs[graph.id].nodes
    assert [nodes[each.id].params["block"] for each in (use, gone)] == ["trunk", "trunk"]
    again = taken(before, history.document, rows)
    assert difference(before, again) == []
