"""Blocks by mouse and keys: made, entered, left, taken apart; whose shapes are shown."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QPushButton, QToolButton

from netbuilder.app import graphs
from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits, parameters
from netbuilder.graph.document import Graph
from netbuilder.graph.parameters import Parameter
from netbuilder.graph.rules import End
from netbuilder.gui.canvas import search
from netbuilder.gui.inspecting.block_settings import BlockSettings
from netbuilder.gui.inspecting.parameter_row import read_default
from netbuilder.gui.outlining import node_outline
from netbuilder.layers.catalogue import ports_of
from tests.graph import invariants
from tests.gui.window_hand import LEFT, WindowHand, settle

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier
K = Qt.Key


def press(hand: WindowHand, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    canvas = hand.bench.canvas
    canvas.setFocus()
    QTest.keyClick(canvas, key, modifiers)
    settle()


def place(hand: WindowHand, node: str) -> QPoint:
    canvas = hand.bench.canvas
    canvas.center_on(node)
    box = canvas.canvas.nodes[node].box
    return canvas.mapFromScene(QPointF(box.left + 24, (box.top + box.bottom) / 2))


def double_click(hand: WindowHand, node: str) -> None:
    at = place(hand, node)
    viewport = hand.bench.canvas.viewport()
    QTest.mouseDClick(viewport, LEFT, NONE, at)
    QTest.mouseRelease(viewport, LEFT, NONE, at)
    settle()


def click(hand: WindowHand, node: str, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.mouseClick(hand.bench.canvas.viewport(), LEFT, modifiers, place(hand, node))
    settle()


def named(hand: WindowHand, name: str) -> str:
    node = hand.session.graph.named(name)
    assert node is not None
    return node.id


def grouped(hand: WindowHand, *names: str) -> tuple[str, Graph]:
    """Select nodes by mouse and make a block of them by key; its node and graph."""
    for name in names:
        click(hand, named(hand, name), SHIFT)
    press(hand, K.Key_G, CTRL)
    (node,) = hand.bench.canvas.selection()
    block = blocks.block_of(hand.session.document, hand.session.graph.nodes[node])
    assert block is not None
    return node, block


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


# -- the settings of a block -----------------------------------------------------------


def inside_block(hand: WindowHand) -> Graph:
    hand.open()
    node, block = grouped(hand, "conv1", "norm1")
    double_click(hand, node)
    return block


def settings(hand: WindowHand) -> BlockSettings:
    found = hand.bench.inspector.settings.block
    assert found is not None
    return found


def test_parameters_are_declared_renamed_and_removed_in_the_form(hand: WindowHand) -> None:
    block = inside_block(hand)
    hand.press(hand.find(QPushButton, "block.add_parameter"))
    (row,) = settings(hand).rows
    assert row.name.hasFocus()
    QTest.keyClicks(row.name, "filters")
    QTest.keyClick(row.name, K.Key_Tab)
    settle()
    assert parameters.declared(block) == (Parameter("filters", 64),)
    assert settings(hand).rows == [row]
    assert row.default.hasFocus()
    hand.type(row.default, "8")
    hand.type(row.help, "How many")
    assert parameters.declared(block) == (Parameter("filters", 8, "How many"),)
    conv = named(hand, "conv1")
    edits.set_parameters(hand.session.history, block, [conv], {"out_channels": "=2*filters"})
    settle()
    hand.type(row.name, "width")
    QTest.keyClick(row.name, K.Key_Return)
    settle()
    assert block.nodes[conv].params["out_channels"] == "=2 * width"
    QTest.mouseClick(row.remove, LEFT)
    settle()
    assert parameters.declared(block) == ()
    assert block.nodes[conv].params["out_channels"] == 16
    assert settings(hand).rows == []


def test_what_is_no_name_or_default_is_said_and_stays_to_be_mended(hand: WindowHand) -> None:
    block = inside_block(hand)
    parameters.declare(hand.session.history, block, "channels", 16)
    settle()
    (row,) = settings(hand).rows
    hand.type(row.name, "class")
    QTest.keyClick(row.name, K.Key_Return)
    settle()
    assert "means something else" in row.error.text()
    assert row.name.text() == "class"
    hand.type(row.name, "channels")
    QTest.keyClick(row.name, K.Key_Return)
    settle()
    assert row.error.isHidden()
    hand.type(row.default, "=3")
    assert "plain value" in row.error.text()
    assert parameters.declared(block)[0].default == 16
    hand.type(row.default, "3, 3")
    assert row.error.isHidden()
    assert parameters.declared(block)[0].default == (3, 3)
    press(hand, K.Key_Z, CTRL)
    assert row.default.text() == "16"


def test_the_form_lists_the_uses_and_goes_there(hand: WindowHand) -> None:
    block = inside_block(hand)
    main = hand.session.document.of_kind("network")[0]
    second = blocks.place(hand.session.history, main, block, name="twin").id
    settle()
    links = {b.text(): b for b in settings(hand).findChildren(QToolButton) if b.text()}
    assert set(links) == {"block in main", "twin in main"}
    QTest.mouseClick(links["twin in main"], LEFT)
    settle()
    assert hand.session.graph is main
    assert hand.bench.canvas.selection() == [second]


def test_parameters_change_places(hand: WindowHand) -> None:
    block = inside_block(hand)
    for name in ("one", "two"):
        parameters.declare(hand.session.history, block, name)
    settle()
    first, second = settings(hand).rows
    assert not first.up.isEnabled()
    QTest.mouseClick(second.up, LEFT)
    settle()
    assert [p.name for p in parameters.declared(block)] == ["two", "one"]
    assert first.name.text() == "two"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64", 64),
        ("0.5", 0.5),
        ("true", True),
        ("same", "same"),
        ("3, 3", (3, 3)),
        ("(1, 2.5)", (1, 2.5)),
        ("3,", (3,)),
        ("1e999", None),
        ("", None),
        ("=n", None),
        ("9" * 30, None),
    ],
)
def test_a_default_is_what_was_typed(text: str, value: object) -> None:
    if value is None:
        with pytest.raises(ValueError, match=r"\."):
            read_default(text)
    else:
        assert repr(read_default(text)) == repr(value)


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


def test_the_block_is_renamed_in_its_settings(hand: WindowHand) -> None:
    block = inside_block(hand)
    edits.add_graph(hand.session.history, "block", "taken")
    settle()
    name = settings(hand).name
    hand.type(name, "taken")
    QTest.keyClick(name, K.Key_Return)
    settle()
    assert "another block" in settings(hand).name_error.text()
    assert name.text() == "taken"
    hand.type(name, "encoder")
    QTest.keyClick(name, K.Key_Return)
    settle()
    assert settings(hand).name_error.isHidden()
    assert block.name == "encoder"
    assert [n.params["block"] for _, n in blocks.uses(hand.session.document, block)] == ["encoder"]


def test_a_value_inside_becomes_a_parameter_by_the_menu(hand: WindowHand) -> None:
    block = inside_block(hand)
    menu = settings(hand).values
    menu.aboutToShow.emit()
    (conv,) = [a.menu() for a in menu.actions() if a.text() == "conv1"]
    assert isinstance(conv, QMenu)
    (action,) = [a for a in conv.actions() if a.text() == "out_channels = 16"]
    action.trigger()
    settle()
    assert parameters.declared(block) == (Parameter("out_channels", 16),)
    assert block.nodes[named(hand, "conv1")].params["out_channels"] == "=out_channels"
    assert settings(hand).rows[0].name.text() == "out_channels"


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


def test_ports_change_places_in_the_form(hand: WindowHand) -> None:
    block = inside_block(hand)
    main = hand.session.document.of_kind("network")[0]
    edits.add_node(hand.session.history, block, "netbuilder.BlockInput", name="mask")
    settle()
    hand.find(QToolButton, "port.mask.up").click()
    settle()
    for _, node in blocks.uses(hand.session.document, block):
        names = [port.name for port in ports_of(hand.session.document, main, node).inputs]
        assert names == ["mask", "input"]
    assert hand.window.findChild(QToolButton, "port.mask.up") is None
    press(hand, K.Key_Z, CTRL)
    assert [node.name for node in blocks.ports(block, outputs=False)] == ["input", "mask"]


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
