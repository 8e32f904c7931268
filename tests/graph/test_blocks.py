"""Blocks of a project: edits that concern all uses at once, and their parameters."""

from __future__ import annotations

import pytest

from netbuilder.app import graphs
from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits, grouping, parameters
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.graph import invariants
from tests.graph.block_drawings import chain, contents, ids, wires


def staged() -> tuple[Drawing, Graph, Node]:
    """A chain whose first layers are the block `stage`, used twice."""
    d = chain()
    chosen = ids(d.graph, "conv1", "relu1")
    node = grouping.group(d.history, d.graph, chosen, ports_of, "stage")
    block = d.document.block("stage")
    assert block is not None
    blocks.place(d.history, d.graph, block)
    return d, block, node


def test_renaming_a_block_renames_it_at_all_its_uses() -> None:
    d, block, _ = staged()
    graphs.rename(d.history, block, "encoder")
    assert block.name == "encoder"
    assert [node.params["block"] for _, node in blocks.uses(d.document, block)] == ["encoder"] * 2
    d.history.undo()
    assert [node.params["block"] for _, node in blocks.uses(d.document, block)] == ["stage"] * 2


def test_a_block_takes_no_name_of_another() -> None:
    d, block, _ = staged()
    edits.add_graph(d.history, "block", "other")
    with pytest.raises(ChangeError, match="another block called 'other'"):
        blocks.rename(d.history, block, "other")


def test_wires_at_all_uses_follow_the_new_name_of_an_input() -> None:
    d, block, _ = staged()
    (port,) = ids(block, "input")
    edits.rename(d.history, block, port, "pixels")
    assert "image.output>stage.pixels" in wires(d.graph)


def test_an_edit_of_a_block_changes_the_ports_of_all_uses() -> None:
    d, block, _ = staged()
    edits.add_node(d.history, block, "netbuilder.BlockInput", name="mask")
    for graph, node in blocks.uses(d.document, block):
        assert [p.name for p in ports_of(d.document, graph, node).inputs] == ["input", "mask"]


def test_a_used_block_is_removed_only_with_its_uses() -> None:
    d, block, _ = staged()
    before = invariants.fingerprint(d.document)
    with pytest.raises(ChangeError, match="used 2 times, in 'main'"):
        blocks.remove(d.history, block)
    blocks.remove(d.history, block, with_uses=True)
    assert d.document.block("stage") is None
    assert not list(blocks.blocks_in(d.graph))
    invariants.check(d.document)
    d.history.undo()
    assert invariants.fingerprint(d.document) == before


def test_an_independent_copy_leaves_the_other_uses_alone() -> None:
    d, block, node = staged()
    copy = blocks.make_unique(d.history, d.graph, node.id)
    assert copy.name == "stage_2"
    assert contents(copy) == contents(block)
    assert [use.name for _, use in blocks.uses(d.document, copy)] == ["stage"]
    edits.set_parameters(d.history, copy, ids(copy, "conv1"), {"out_channels": 99})
    conv = block.named("conv1")
    assert conv is not None
    assert conv.params["out_channels"] == 8


def test_no_block_holds_itself() -> None:
    d, block, _ = staged()
    outer = edits.add_graph(d.history, "block", "outer")
    blocks.place(d.history, outer, block)
    assert blocks.refusal(d.document, block, "stage") == "'stage' can't hold itself."
    assert "'outer' uses 'stage'" in (blocks.refusal(d.document, block, "outer") or "")
    assert blocks.refusal(d.document, outer, "stage") is None
    assert blocks.refusal(d.document, d.graph, "outer") is None
    step = edits.add_graph(d.history, "step", "train")
    assert blocks.refusal(d.document, step, "stage") is None
    with pytest.raises(ChangeError, match="can't hold itself"):
        blocks.place(d.history, block, outer)


def test_the_blocks_that_a_block_needs_come_before_it() -> None:
    d, block, _ = staged()
    outer = edits.add_graph(d.history, "block", "outer")
    blocks.place(d.history, outer, block)
    assert [b.name for b in blocks.needed(d.document, ["outer", "stage"])] == ["stage", "outer"]
    # A file may hold what the editor refuses.
    edits.add_node(d.history, block, blocks.BLOCK, params={"block": "outer"})
    assert {b.name for b in blocks.needed(d.document, ["outer"])} == {"stage", "outer"}


def test_ports_with_the_same_rank_get_ranks_of_their_own_when_one_moves() -> None:
    d, block, _ = staged()
    for name in ("b", "a"):
        node = edits.add_node(d.history, block, blocks.BLOCK_INPUT, name=name)
        edits.set_node(d.history, block, node.id, order=0)
    before = [node.name for node in blocks.ports(block, outputs=False)]
    last = blocks.ports(block, outputs=False)[-1]
    blocks.move_port(d.history, block, last.id, -1)
    after = [node.name for node in blocks.ports(block, outputs=False)]
    assert after == [before[0], before[2], before[1]]
    blocks.move_port(d.history, block, last.id, 5)
    assert [node.name for node in blocks.ports(block, outputs=False)] == after


# -- parameters ------------------------------------------------------------------------


def with_parameter() -> tuple[Drawing, Graph, Node]:
    d, block, node = staged()
    parameters.declare(d.history, block, "channels", 16, "Filters of the convolution")
    conv = ids(block, "conv1")
    edits.set_parameters(d.history, block, conv, {"out_channels": "=2*channels"})
    edits.set_parameters(d.history, d.graph, [node.id], {"values": {"channels": 4}})
    return d, block, node


def conv1(block: Graph) -> Node:
    node = block.named("conv1")
    assert node is not None
    return node


def test_expressions_and_values_follow_a_renamed_parameter() -> None:
    d, block, node = with_parameter()
    before = invariants.fingerprint(d.document)
    parameters.rename(d.history, block, "channels", "width")
    assert parameters.declared(block)[0].name == "width"
    assert conv1(block).params["out_channels"] == "=2 * width"
    assert d.graph.nodes[node.id].params["values"] == {"width": 4}
    d.history.undo()
    assert invariants.fingerprint(d.document) == before


def test_a_removed_parameter_leaves_its_default_behind() -> None:
    d, block, node = with_parameter()
    parameters.remove(d.history, block, "channels")
    assert parameters.declared(block) == ()
    assert "parameters" not in block.info.settings
    assert conv1(block).params["out_channels"] == 32
    assert "values" not in d.graph.nodes[node.id].params


def test_a_value_inside_becomes_a_parameter() -> None:
    d, block, _ = staged()
    assert parameters.promote(d.history, block, conv1(block).id, "kernel_size") == "kernel_size"
    assert conv1(block).params["kernel_size"] == "=kernel_size"
    assert parameters.declared(block)[0].default == 3
    with pytest.raises(ChangeError, match="no value of its own"):
        parameters.promote(d.history, block, conv1(block).id, "kernel_size")


@pytest.mark.parametrize(
    "name", ["channels", "self", "min", "F", "2x", "ä", "class", "_x", "x_", "", "x" * 65]
)
def test_a_parameter_has_a_legal_name_of_its_own(name: str) -> None:
    d, block, _ = with_parameter()
    with pytest.raises(ChangeError):
        parameters.declare(d.history, block, name)


@pytest.mark.parametrize("wanted", ["channels", "half", "class", "a b", "__", "3", "ü", "min"])
def test_a_free_name_is_one_that_can_be_declared(wanted: str) -> None:
    d, block, _ = with_parameter()
    for _ in range(2):
        parameters.declare(d.history, block, parameters.free_name(block, wanted))
    assert len(parameters.declared(block)) == 3


def test_parameters_keep_their_order_and_can_be_moved() -> None:
    d, block, _ = with_parameter()
    parameters.declare(d.history, block, "stride", 1)
    parameters.move(d.history, block, "stride", -1)
    assert [p.name for p in parameters.declared(block)] == ["stride", "channels"]
    parameters.move(d.history, block, "stride", -1)
    parameters.set_parameter(d.history, block, "stride", default=[1, 2], help="How far")
    assert parameters.declared(block)[0] == parameters.Parameter("stride", (1, 2), "How far")


def test_typing_a_default_is_one_step() -> None:
    d, block, _ = with_parameter()
    before = invariants.fingerprint(d.document)
    for value in (1, 12, 128):
        parameters.set_parameter(d.history, block, "channels", default=value)
    d.history.undo()
    assert invariants.fingerprint(d.document) == before


@pytest.mark.parametrize(
    ("text", "values", "result"),
    [
        ("=2*a", {"a": 3}, 6),
        ("=a", {"a": (1, 2)}, (1, 2)),
        ("=a", {"a": "same"}, "same"),
        ("=a", {"a": "=b+1"}, "=b+1"),
        ("=2*a-c", {"a": "=b+1"}, "=2 * (b + 1) - c"),
        ("=c-a", {"a": -3}, "=c - -3"),
        ("=max(a, c)", {"a": 2}, "=max(2, c)"),
        ("=a*", {"a": 2}, "=a*"),
        ("=2*a", {"a": "same"}, "=2*a"),
        ("=c", {"a": 1}, "=c"),
        ("=a//0", {"a": 1}, "=a//0"),
    ],
)
def test_what_is_known_is_put_into_an_expression(
    text: str, values: dict[str, object], result: object
) -> None:
    assert parameters.put_in(text, values) == result


def test_settings_that_make_no_sense_declare_nothing() -> None:
    d = Drawing()
    for nonsense in ("x", ({"name": 3}, 7), {"name": "a"}):
        block = edits.add_graph(d.history, "block", "odd", {"parameters": nonsense})
        assert parameters.declared(block) == ()
