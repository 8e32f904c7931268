"""Copied nodes bring the blocks that they need."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, carrying, edits, grouping, parameters
from netbuilder.graph.document import Graph
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.graph import invariants
from tests.graph.block_drawings import chain, contents, ids


def nested() -> tuple[Drawing, str]:
    """A network whose node `outer` is a block that holds the block `inner`."""
    d = chain()
    chosen = ids(d.graph, "conv1", "relu1", "conv2", "relu2")
    node = grouping.group(d.history, d.graph, chosen, ports_of, "outer")
    outer = block(d, "outer")
    grouping.group(d.history, outer, ids(outer, "conv1", "relu1"), ports_of, "inner")
    parameters.declare(d.history, block(d, "inner"), "channels", 8, "Filters")
    return d, node.id


def block(d: Drawing, name: str) -> Graph:
    found = d.document.block(name)
    assert found is not None
    return found


def copied(d: Drawing, *nodes: str) -> dict[str, Any]:
    """Through JSON, as the clipboard does it."""
    text = json.dumps(carrying.cut_out(d.document, d.graph, nodes))
    return dict(json.loads(text))


def test_a_block_comes_along_to_another_project_with_all_that_it_needs() -> None:
    d, node = nested()
    other = Drawing()
    before = invariants.fingerprint(other.document)
    carried = carrying.read(copied(d, node))
    (pasted,) = carrying.paste(other.history, other.graph, carried)
    assert pasted.params["block"] == "outer"
    for name in ("outer", "inner"):
        assert contents(block(other, name)) == contents(block(d, name))
    assert parameters.declared(block(other, "inner")) == parameters.declared(block(d, "inner"))
    ports = ports_of(other.document, other.graph, pasted)
    assert [p.name for p in (*ports.inputs, *ports.outputs)] == ["input", "output"]
    invariants.check(other.document)
    other.history.undo()
    assert invariants.fingerprint(other.document) == before


def test_in_the_same_project_a_copy_is_one_more_use() -> None:
    d, node = nested()
    carried = carrying.read(copied(d, node))
    carrying.paste(d.history, d.graph, carried)
    assert {graph.name for graph in d.document.of_kind("block")} == {"outer", "inner"}
    assert len(blocks.uses(d.document, block(d, "outer"))) == 2


def test_another_block_of_the_same_name_is_left_alone() -> None:
    d, node = nested()
    carried = carrying.read(copied(d, node))
    other = Drawing()
    carrying.paste(other.history, other.graph, carried)
    relu = ids(block(other, "inner"), "relu1")
    edits.delete(other.history, block(other, "inner"), relu)
    (again,) = carrying.paste(other.history, other.graph, carried)
    # `outer` needs the `inner` that came along, so that it can't be the one that is there.
    assert again.params["block"] == "outer_2"
    (use,) = blocks.blocks_in(block(other, "outer_2"))
    assert use.params["block"] == "inner_2"
    assert contents(block(other, "inner_2")) == contents(block(d, "inner"))


def test_a_block_is_not_pasted_into_itself() -> None:
    d, node = nested()
    carried = carrying.read(copied(d, node))
    before = invariants.fingerprint(d.document)
    for name in ("outer", "inner"):
        with pytest.raises(ChangeError, match="can't hold itself"):
            carrying.paste(d.history, block(d, name), carried)
    step = edits.add_graph(d.history, "step", "train")
    carrying.paste(d.history, step, carried)
    d.history.undo()
    d.history.undo()
    assert invariants.fingerprint(d.document) == before


def test_without_blocks_the_json_is_that_of_the_nodes_alone() -> None:
    d = chain()
    assert "blocks" not in copied(d, *ids(d.graph, "conv1"))


def test_what_used_the_weights_of_another_takes_its_parameters_along() -> None:
    d = chain()
    first, second = ids(d.graph, "conv1", "conv2")
    edits.set_parameters(d.history, d.graph, [first], {"kernel_size": 5, "padding": 2})
    edits.set_node(d.history, d.graph, second, shares=first)
    other = Drawing()
    (alone,) = carrying.paste(other.history, other.graph, carrying.read(copied(d, second)))
    assert alone.shares == ""
    assert alone.params["kernel_size"] == 5
    owner, user = carrying.paste(
        other.history, other.graph, carrying.read(copied(d, first, second))
    )
    assert user.shares == owner.id
    assert user.params["kernel_size"] == 3


def _drop(value: dict[str, Any], *path: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    del value[path[-1]]


HOSTILE: dict[str, Any] = {
    "no list": lambda v: v.update(blocks={"name": "x"}),
    "no object": lambda v: v.update(blocks=[7]),
    "no name": lambda v: _drop(v, "blocks", 0, "name"),
    "not a name": lambda v: v["blocks"][0].update(name="a b"),
    "a word of Python": lambda v: v["blocks"][0].update(name="class"),
    "a number for a name": lambda v: v["blocks"][0].update(name=3),
    "twice": lambda v: v["blocks"].append(v["blocks"][0]),
    "the wrong way round": lambda v: v["blocks"].reverse(),
    "parameters that are no list": lambda v: v["blocks"][0].update(parameters="xyz"),
    "parameters with infinity": lambda v: v["blocks"][0].update(parameters=[float("inf")]),
    "nodes that are none": lambda v: v["blocks"][0].update(nodes=[{"id": 1}]),
    "too many blocks": lambda v: v.update(blocks=v["blocks"] * 600),
    "an unknown kind": lambda v: v["blocks"][0].update(kind="x"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_block_is_refused(name: str) -> None:
    d, node = nested()
    value = copied(d, node)
    HOSTILE[name](value)
    with pytest.raises(ChangeError):
        carrying.read(value)


def test_blocks_that_hold_each_other_are_refused() -> None:
    d, node = nested()
    value = copied(d, node)
    inner, outer = value["blocks"]
    use = next(n for n in outer["nodes"] if n["layer"] == blocks.BLOCK)
    inner["nodes"].append({**copy.deepcopy(use), "params": {"block": "outer"}})
    with pytest.raises(ChangeError, match="hold each other"):
        carrying.read(value)


def test_blocks_nested_deeper_than_the_stack_are_read_and_told() -> None:
    d = Drawing()
    deepest = edits.add_graph(d.history, "block", "b0")
    for number in range(1, 1500):
        above = edits.add_graph(d.history, "block", f"b{number}")
        edits.add_node(d.history, above, blocks.BLOCK, params={"block": f"b{number - 1}"})
    assert len(blocks.needed(d.document, ["b1499"])) == 1500
    assert blocks.refusal(d.document, deepest, "b1499")
