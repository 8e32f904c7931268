"""Blocks by mouse and keys: made, entered, left, taken apart; whose shapes are shown."""

from __future__ import annotations

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QToolButton

from netbuilder.app import graphs
from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits
from netbuilder.graph.rules import End
from netbuilder.gui.canvas import search
from netbuilder.gui.outlining import node_outline
from netbuilder.layers.catalogue import ports_of
from tests.graph import invariants
from tests.gui.block_hand import (
    CTRL,
    SHIFT,
    K,
    click,
    double_click,
    grouped,
    inside_block,
    named,
    press,
)
from tests.gui.window_hand import LEFT, WindowHand, settle


def test_a_selection_becomes_a_block_and_comes_apart_again(hand: WindowHand) -> None:
    hand.open()
    before = {n.name: (n.x, n.y) for n in hand.session.graph.nodes.values()}
    node, block = grouped(hand, "conv1", "norm1")
    assert hand.session.graph.nodes[node].layer == blocks.BLOCK
    assert {"conv1", "norm1"} < {n.name for n in block.nodes.values()}
    assert "conv1" not in {n.name for n in hand.session.graph.nodes.values()}
    press(hand, K.Key_G, CTRL | SHIFT)
    assert {n.name: (n.x, n.y) for n in hand.session.graph.nodes.values()} == before
    assert sorted(hand.bench.canvas.selection()) == sorted(
        [named(hand, "conv1"), named(hand, "norm1")]
    )
    invariants.check(hand.session.document)


def test_undo_of_a_block_is_one_step(hand: WindowHand) -> None:
    hand.open()
    before = invariants.fingerprint(hand.session.document)
    grouped(hand, "conv1", "norm1")
    press(hand, K.Key_Z, CTRL)
    assert invariants.fingerprint(hand.session.document) == before


def test_what_can_be_no_block_is_said(hand: WindowHand) -> None:
    hand.open()
    heard: list[str] = []
    hand.bench.canvas.message.connect(heard.append)
    click(hand, named(hand, "conv1"))
    click(hand, named(hand, "conv2"), SHIFT)
    press(hand, K.Key_G, CTRL)
    assert "lies between the selected nodes" in heard[0]
    assert not hand.session.document.of_kind("block")


def test_a_double_click_enters_and_escape_leaves(hand: WindowHand) -> None:
    hand.open()
    main = hand.session.graph
    node, block = grouped(hand, "conv1", "norm1")
    crumbs = hand.bench.crumbs
    assert crumbs.isHidden()
    double_click(hand, node)
    assert hand.session.graph is block
    assert crumbs.isVisible()
    assert crumbs.here.text() == "block"
    click(hand, named(hand, "conv1"))
    press(hand, K.Key_Escape)
    # The first Escape selects nothing; only then it leads out.
    assert hand.session.graph is block
    press(hand, K.Key_Escape)
    assert hand.session.graph is main
    assert hand.bench.canvas.selection() == [node]
    assert crumbs.isHidden()
    press(hand, K.Key_Escape)
    press(hand, K.Key_Escape)
    assert hand.session.graph is main


def test_keys_enter_and_leave(hand: WindowHand) -> None:
    hand.open()
    main = hand.session.graph
    _, block = grouped(hand, "conv1", "norm1")
    press(hand, K.Key_Down, CTRL)
    assert hand.session.graph is block
    press(hand, K.Key_Up, CTRL)
    assert hand.session.graph is main


def test_the_breadcrumb_leads_back_over_several_levels(hand: WindowHand) -> None:
    hand.open()
    main = hand.session.graph
    outer, _ = grouped(hand, "conv1", "norm1")
    edits.set_parameters(hand.session.history, main, [outer], {"repeat": 3})
    double_click(hand, outer)
    inner, block = grouped(hand, "norm1")
    double_click(hand, inner)
    assert hand.session.graph is block
    links = {
        b.accessibleName(): b for b in hand.bench.crumbs.findChildren(QToolButton) if b.isVisible()
    }
    assert {"Back to main", "Back to block ×3"} < set(links)
    QTest.mouseClick(links["Back to main"], LEFT)
    settle()
    assert hand.session.graph is main
    assert hand.bench.canvas.selection() == [outer]


def inside(node: str, text: str) -> GraphReport:
    """A block in which a node gives this."""
    tensor = TensorReport(tuple(text.split("×")), "float32", text)
    return GraphReport({node: NodeReport(outputs={"output": tensor})}, code=f"# {text}")


def test_shapes_are_those_of_the_use_and_another_can_be_chosen(hand: WindowHand) -> None:
    hand.open()
    main = hand.session.graph
    first, block = grouped(hand, "conv1", "norm1")
    second = blocks.place(hand.session.history, main, block, x=600, name="twin").id
    conv = block.named("conv1")
    assert conv is not None

    one, two = inside(conv.id, "N×1"), inside(conv.id, "N×2")
    uses = {block.id: {f"{main.id}/{first}": one, f"{main.id}/{second}": two}}
    settle()
    hand.report(Report((), {block.id: one}, uses).to_json())

    def shown() -> str:
        report = hand.bench.canvas.canvas.node_report(conv.id)
        assert report is not None
        return report.outputs["output"].text

    double_click(hand, second)
    assert shown() == "N×2"
    assert hand.session.graph_report().code == "# N×2"
    assert hand.bench.crumbs.uses.text() == "used 2 times ▾"
    menu = hand.bench.crumbs.uses.menu()
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    words = [action.text() for action in menu.actions()]
    assert words == ["main › block", "main › twin"]
    menu.actions()[0].trigger()
    settle()
    assert shown() == "N×1"
    assert hand.bench.crumbs.here.text() == "block"
    press(hand, K.Key_Escape)
    assert hand.bench.canvas.selection() == [first]


def test_an_independent_copy_is_used_by_the_selected_node_alone(hand: WindowHand) -> None:
    hand.open()
    node, block = grouped(hand, "conv1", "norm1")
    blocks.place(hand.session.history, hand.session.graph, block)
    click(hand, node)
    hand.command("block.unique")
    assert hand.session.graph.nodes[node].params["block"] == "block_2"
    assert len(blocks.uses(hand.session.document, block)) == 1


def test_a_deleted_use_leaves_the_block_in_sight_without_a_way_back(hand: WindowHand) -> None:
    hand.open()
    node, block = grouped(hand, "conv1", "norm1")
    main = hand.session.graph
    double_click(hand, node)
    edits.delete(hand.session.history, main, [node])
    settle()
    assert hand.session.graph is block
    assert hand.bench.crumbs.uses.text() == "not used yet"
    press(hand, K.Key_Escape)
    assert hand.session.graph is block


def test_selected_nodes_share_weights_and_part_again(hand: WindowHand) -> None:
    hand.open()
    heard: list[str] = []
    hand.bench.canvas.message.connect(heard.append)
    first, second = named(hand, "conv1"), named(hand, "conv2")
    click(hand, second)
    click(hand, first, SHIFT)
    hand.command("weights.share")
    assert hand.session.graph.nodes[second].shares == first
    hand.command("weights.own")
    assert hand.session.graph.nodes[second].shares == ""
    assert hand.session.graph.nodes[second].params["out_channels"] == 16
    hand.command("weights.own")
    assert "None of the selected" in heard[-1]
    click(hand, named(hand, "relu1"))
    hand.command("weights.share")
    assert "no weights" in heard[-1]


def test_a_used_block_is_not_removed_by_its_tab(hand: WindowHand) -> None:
    hand.open()
    node, block = grouped(hand, "conv1", "norm1")
    with pytest.raises(ChangeError, match="used once"):
        graphs.remove(hand.session.history, block)
    edits.delete(hand.session.history, hand.session.graph, [node])
    graphs.remove(hand.session.history, block)
    assert not hand.session.document.of_kind("block")


def test_a_new_block_is_an_input_that_goes_to_an_output(hand: WindowHand) -> None:
    hand.open()
    hand.command("block.new")
    block = hand.session.graph
    assert block.kind == "block"
    assert [node.name for node in block.ordered()] == ["input", "output"]
    assert len(block.wires) == 1
    hand.command("block.remove")
    assert hand.session.graph.kind == "network"
    assert not hand.session.document.of_kind("block")


def test_a_block_is_removed_with_its_uses(hand: WindowHand) -> None:
    hand.open()
    block = inside_block(hand)
    hand.command("block.remove")
    assert block.id not in hand.session.document.graphs
    assert not list(blocks.blocks_in(hand.session.graph))
    press(hand, K.Key_Z, CTRL)
    assert len(blocks.uses(hand.session.document, hand.session.document.of_kind("block")[0])) == 1


def test_a_use_is_offered_only_blocks_that_do_not_hold_the_shown_one(hand: WindowHand) -> None:
    hand.open()
    outer, block = grouped(hand, "conv1", "norm1")
    edits.add_graph(hand.session.history, "block", "other")
    double_click(hand, outer)
    inner, _ = grouped(hand, "norm1")
    click(hand, inner)
    outline = node_outline.outline(hand.session.document, block, (inner,))
    assert outline is not None
    assert [name for name, _ in outline.choices["block"]] == ["other", "block_2"]


def test_a_long_way_of_long_names_leaves_the_window_its_size(hand: WindowHand) -> None:
    hand.open()
    session = hand.session
    graph, narrow = session.graph, hand.window.minimumSizeHint().width()
    for number in range(8):
        block = blocks.begin(session.history, f"a_block_with_a_name_of_many_letters_{number}")
        node = blocks.place(session.history, graph, block, name=f"{'x' * 60}{number}")
        session.enter(node.id)
        settle()
        graph = block
    assert len(session.trail) == 8
    assert hand.window.minimumSizeHint().width() <= max(narrow, 900)
    links = [b for b in hand.bench.crumbs.findChildren(QToolButton) if b.text() == "main"]
    QTest.mouseClick(links[0], LEFT)
    settle()
    assert session.graph.kind == "network"


def test_a_copied_block_comes_along_to_another_project(hand: WindowHand) -> None:
    hand.open()
    grouped(hand, "conv1", "norm1")
    press(hand, K.Key_C, CTRL)
    press(hand, K.Key_D, CTRL)
    assert len(hand.session.document.of_kind("block")) == 1
    hand.session.history.mark_saved()
    hand.command("file.new")
    settle()
    assert not hand.session.document.of_kind("block")
    press(hand, K.Key_V, CTRL)
    (block,) = hand.session.document.of_kind("block")
    assert {"conv1", "norm1"} < {node.name for node in block.nodes.values()}
    (node,) = hand.session.graph.nodes.values()
    assert node.params["block"] == block.name
    double_click(hand, node.id)
    press(hand, K.Key_V, CTRL)
    # A block is not pasted into itself.
    assert not list(blocks.blocks_in(block))
    press(hand, K.Key_Escape)
    press(hand, K.Key_Z, CTRL)
    assert not hand.session.document.of_kind("block")


def test_undo_by_key_goes_to_where_the_edit_was(hand: WindowHand) -> None:
    hand.open()
    main = hand.session.graph
    node, block = grouped(hand, "conv1", "norm1")
    double_click(hand, node)
    conv = named(hand, "conv1")
    click(hand, conv)
    press(hand, K.Key_Delete)
    press(hand, K.Key_Escape)
    assert hand.session.graph is main
    press(hand, K.Key_Z, CTRL)
    assert hand.session.graph is block
    assert conv in hand.bench.canvas.canvas.nodes
    assert hand.bench.crumbs.isVisible()


def test_a_loop_is_added_entered_and_told_apart(hand: WindowHand) -> None:
    hand.open()
    history, main = hand.session.history, hand.session.graph
    cell = edits.add_graph(history, "block", "cell")
    x = edits.add_node(history, cell, "netbuilder.BlockInput", name="x")
    h = edits.add_node(history, cell, "netbuilder.BlockInput", name="h")
    both = edits.add_node(history, cell, "torch.add", name="both")
    end = edits.add_node(history, cell, "netbuilder.Output", name="h_next")
    for source, target, port in ((x, both, "input"), (h, both, "other"), (both, end, "input")):
        ends = End(source.id, "output"), End(target.id, port)
        edits.connect(history, cell, *ends, ports_of)
    hand.session.show(main.id)
    offered = {entry.title: entry for entry in search.entries(hand.session.document, main)}
    entry = offered["Loop over cell"]
    assert entry.refusal == ""
    assert offered["Block cell"].refusal == ""
    inside = search.entries(hand.session.document, cell)
    assert {e.title: e.refusal for e in inside}["Loop over cell"] == "A block can't hold itself."
    node = edits.add_node(history, main, entry.layer, name="over", params=entry.params)
    edits.move(history, main, {node.id: (400, 0)})  # beside the others, where it can be clicked
    settle()
    face = hand.bench.canvas.canvas.nodes[node.id].face
    assert (face.kind, face.subtitle, face.over_time) == ("stack", "cell", True)
    assert [(port.name, port.optional) for port in face.inputs] == [("x", False), ("h", True)]
    assert [port.name for port in face.outputs] == ["h", "h_last"]
    double_click(hand, node.id)
    assert hand.session.graph is cell
    assert blocks.uses(hand.session.document, cell) == [(main, main.nodes[node.id])]
    press(hand, K.Key_Escape)
    assert hand.session.graph is main
    heard: list[str] = []
    hand.bench.canvas.message.connect(heard.append)
    click(hand, node.id)
    press(hand, K.Key_G, CTRL | SHIFT)
    assert "runs its block over time" in heard[0]
