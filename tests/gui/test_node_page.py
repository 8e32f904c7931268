"""The inspector beyond one node's fields: blocks, weights, muting, several nodes, help."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QToolButton

from netbuilder.graph import edits
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.gui.inspecting.node_page import NodePage
from netbuilder.gui.look.widgets import Switch
from tests.gui.window_hand import LEFT, WindowHand, settle

DECLARED = (
    {"name": "channels", "default": 16, "help": "Filters of the first convolution."},
    {"name": "bias", "default": True, "help": ""},
    {"name": "edge", "default": "zeros", "help": ""},
)


def page(hand: WindowHand) -> NodePage:
    found = hand.bench.inspector.page
    assert found is not None
    return found


def params(hand: WindowHand, name: str) -> dict[str, Any]:
    node = hand.session.graph.named(name)
    assert node is not None
    return dict(node.params)


def add(hand: WindowHand, layer: str, name: str, **values: Any) -> Node:
    session = hand.session
    node = edits.add_node(session.history, session.graph, layer, name=name, params=values, x=900)
    settle()
    return node


def block(hand: WindowHand, name: str = "stage") -> Graph:
    """A block of the project with parameters; the network stays on the screen."""
    shown = hand.session.graph.id
    settings = {"parameters": DECLARED}
    made = edits.add_graph(hand.session.history, "block", name, settings)
    hand.session.show(shown)
    settle()
    return made


def choose(box: QComboBox, text: str) -> None:
    """By keys, as a person goes through a list of choices."""
    box.setFocus()
    goal = box.findText(text)
    assert goal >= 0, [box.itemText(at) for at in range(box.count())]
    while box.currentIndex() != goal:
        before = box.currentIndex()
        QTest.keyClick(box, Qt.Key.Key_Down if before < goal else Qt.Key.Key_Up)
        assert box.currentIndex() != before
    settle()


# -- expressions ---------------------------------------------------------------------------


def test_an_expression_is_typed_and_its_value_shown(hand: WindowHand) -> None:
    hand.open()
    made = block(hand)
    hand.session.show(made.id)
    settle()
    add(hand, "torch.nn.Conv2d", "conv", out_channels=8, kernel_size=3)
    hand.select("conv")
    line = hand.field("out_channels")
    hand.type(line, "=2*channels")
    assert params(hand, "conv")["out_channels"] == "=2*channels"
    row = page(hand).form.rows["out_channels"]
    assert row.value.text() == "= 32"
    assert row.value.isVisible()
    hand.type(line, "=2*")
    assert "breaks off" in row.error.text()
    assert params(hand, "conv")["out_channels"] == "=2", "the last that could be read counts"
    assert not row.value.isVisible()
    hand.type(line, "=2*chanels")
    assert "There is no parameter 'chanels'; parameters: channels, bias, edge." in row.error.text()
    hand.type(line, "=channels/2")
    assert "// divides without" in row.error.text()
    hand.type(line, "=0*channels")
    assert "greater than or equal to 1" in row.error.text()
    hand.type(line, "=channels//2")
    assert (row.error.text(), row.value.text()) == ("", "= 8")
    hand.type(hand.field("kernel_size"), "=min(channels, 3), 5")
    assert params(hand, "conv")["kernel_size"] == ("=min(channels, 3)", 5)
    assert page(hand).form.rows["kernel_size"].value.text() == "= 3, 5"


def test_switches_and_choices_can_follow_a_parameter(hand: WindowHand) -> None:
    hand.open()
    made = block(hand)
    hand.session.show(made.id)
    settle()
    add(hand, "torch.nn.Conv2d", "conv", out_channels=8, kernel_size=3)
    hand.select("conv")
    choose(hand.find(QComboBox, "field.bias"), "= bias")
    assert params(hand, "conv")["bias"] == "=bias"
    choose(hand.find(QComboBox, "field.padding_mode"), "= edge")
    assert params(hand, "conv")["padding_mode"] == "=edge"
    choose(hand.find(QComboBox, "field.bias"), "false")
    assert params(hand, "conv")["bias"] is False


def test_an_expression_is_worth_what_the_use_gives(hand: WindowHand) -> None:
    hand.open()
    made = block(hand)
    history = hand.session.history
    edits.add_node(
        history, made, "torch.nn.Linear", name="wide", params={"out_features": "=2*channels"}
    )
    inner = edits.add_graph(
        history, "block", "outer", {"parameters": ({"name": "width", "default": 5, "help": ""},)}
    )
    params_ = {"block": "stage", "values": {"channels": "=10*width"}}
    use = edits.add_node(history, inner, "netbuilder.Block", name="use", params=params_)
    main = hand.session.document.of_kind("network")[0]
    top = edits.add_node(
        history,
        main,
        "netbuilder.Block",
        name="top",
        params={"block": "outer", "values": {"width": 7}},
    )
    hand.session.show(made.id)
    settle()
    hand.select("wide")
    assert page(hand).form.rows["out_features"].value.text() == "= 32", "by itself: the default"
    hand.session.show(main.id)
    for node in (top, use):
        hand.session.enter(node.id)
        settle()
    hand.select("wide")
    assert page(hand).form.rows["out_features"].value.text() == "= 140"
    edits.set_parameters(history, main, [top.id], {"values": {"width": 8}})
    settle()
    assert page(hand).form.rows["out_features"].value.text() == "= 160"


def test_a_network_counts_in_a_field_too(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    hand.type(hand.field("out_channels"), "=3*16")
    assert params(hand, "conv1")["out_channels"] == "=3*16"
    assert page(hand).form.rows["out_channels"].value.text() == "= 48"
    assert hand.bench.inspector.findChild(Switch, "field.bias") is not None


# -- a block's node ------------------------------------------------------------------------


def test_a_blocks_node_has_the_fields_that_the_block_declares(hand: WindowHand) -> None:
    hand.open()
    block(hand)
    add(hand, "netbuilder.Block", "first", block="stage")
    hand.select("first")
    line = hand.field("channels")
    assert line.placeholderText() == "16"
    hand.type(line, "64")
    assert params(hand, "first")["values"] == {"channels": 64}
    QTest.keyClick(line, Qt.Key.Key_Return)
    switch = hand.find(Switch, "field.bias")
    QTest.mouseClick(switch, LEFT)
    settle()
    assert params(hand, "first")["values"] == {"channels": 64, "bias": False}
    hand.type(hand.field("repeat"), "3")
    assert params(hand, "first")["repeat"] == 3
    hand.command("edit.undo")
    hand.command("edit.undo")
    assert params(hand, "first")["values"] == {"channels": 64}
    hand.type(hand.field("channels"), "")
    assert "values" not in params(hand, "first")


def test_a_declared_number_takes_numbers_only(hand: WindowHand) -> None:
    hand.open()
    block(hand)
    add(hand, "netbuilder.Block", "first", block="stage")
    hand.select("first")
    hand.type(hand.field("channels"), "many")
    form = page(hand).values
    assert form is not None
    assert "whole number" in form.rows["channels"].error.text()
    assert "values" not in params(hand, "first")


def test_what_a_block_declares_later_comes_into_the_form(hand: WindowHand) -> None:
    hand.open()
    made = block(hand)
    add(hand, "netbuilder.Block", "first", block="stage")
    hand.select("first")
    more = (*DECLARED, {"name": "depth", "default": 2, "help": "How deep."})
    edits.set_graph(hand.session.history, made, settings={"parameters": more})
    settle()
    assert hand.field("depth").placeholderText() == "2"


def test_a_block_is_opened_from_its_form(hand: WindowHand) -> None:
    hand.open()
    made = block(hand)
    add(hand, "netbuilder.Block", "first", block="stage")
    hand.select("first")
    QTest.mouseClick(hand.find(QToolButton, "node.open"), LEFT)
    settle()
    assert hand.session.graph.id == made.id


# -- weights and muting ----------------------------------------------------------------------


def test_weights_are_shared_and_given_back(hand: WindowHand) -> None:
    hand.open()
    conv1, conv2 = hand.select("conv1"), hand.select("conv2")
    weights = hand.find(QComboBox, "node.shares")
    weights.setFocus()
    assert [weights.itemText(at) for at in range(weights.count())] == ["its own", "those of conv1"]
    choose(weights, "those of conv1")
    assert hand.session.graph.nodes[conv2].shares == conv1
    shown = page(hand)
    assert shown.form.rows["out_channels"].editor.isEnabled() is False
    assert hand.field("out_channels").text() == str(params(hand, "conv1")["out_channels"])
    QTest.mouseClick(hand.find(QToolButton, "node.owner"), LEFT)
    settle()
    assert page(hand).ids == (conv1,)
    with pytest.raises(AssertionError):
        hand.find(QComboBox, "node.shares")
    hand.select("conv2")
    choose(hand.find(QComboBox, "node.shares"), "its own")
    assert hand.session.graph.nodes[conv2].shares == ""
    assert page(hand).form.rows["out_channels"].editor.isEnabled()
    hand.command("edit.undo")
    settle()
    assert hand.session.graph.nodes[conv2].shares == conv1


def test_a_muted_node_says_so_and_is_switched_on(hand: WindowHand) -> None:
    hand.open()
    node = hand.select("conv1")
    press = hand.find(QToolButton, "node.switch_on")
    assert not press.isVisible()
    edits.set_mute(hand.session.history, hand.session.graph, [node], "bypassed")
    settle()
    assert page(hand).mute.text().startswith("Bypassed")
    QTest.mouseClick(press, LEFT)
    settle()
    assert hand.session.graph.nodes[node].mute == ""
    assert not press.isVisible()


# -- inferred sizes ---------------------------------------------------------------------------


def told(hand: WindowHand, name: str, **inferred: Any) -> dict[str, Any]:
    node = hand.session.graph.named(name)
    assert node is not None
    graph = {"parameters": 0, "code": "", "lines": {}, "nodes": {node.id: [{}, {}, 0, inferred]}}
    return {"problems": [], "graphs": {hand.session.graph.id: graph}}


def test_an_inferred_size_is_pinned_and_let_go(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    pin = hand.find(QToolButton, "pin.in_channels")
    assert not pin.isVisible(), "nothing is known yet"
    hand.type(hand.field("out_channels"), "24")
    hand.report(told(hand, "conv1", in_channels=1))
    assert pin.isVisible()
    assert pin.toolTip() == "Keep 1, whatever comes in"
    hand.field("in_channels").setFocus()
    QTest.keyClick(hand.field("in_channels"), Qt.Key.Key_Tab)
    settle()
    assert hand.field("out_channels").hasFocus(), "Tab leads there with and without the pin"
    QTest.mouseClick(pin, LEFT)
    settle()
    assert params(hand, "conv1")["in_channels"] == 1
    assert hand.field("in_channels").text() == "1"
    assert pin.isChecked()
    assert pin.toolTip() == "Take in_channels from the input again"
    QTest.mouseClick(pin, LEFT)
    settle()
    assert "in_channels" not in params(hand, "conv1")
    hand.command("edit.undo")
    settle()
    assert params(hand, "conv1")["in_channels"] == 1


# -- several nodes -----------------------------------------------------------------------------


def test_nodes_of_several_layers_share_a_form(hand: WindowHand) -> None:
    hand.open()
    wide = add(hand, "torch.nn.Conv1d", "wide", out_channels=8, kernel_size=3)
    conv = add(hand, "torch.nn.Conv2d", "conv", out_channels=16, kernel_size=3)
    head = hand.session.graph.named("classifier")
    assert head is not None
    hand.bench.canvas.select([conv.id, wide.id])
    settle()
    shown = page(hand)
    assert {"in_channels", "out_channels", "bias", "padding_mode"} <= set(shown.form.rows)
    assert "kernel_size" not in shown.form.rows, "one takes two sizes, the other one"
    assert hand.field("out_channels").placeholderText() == "several values"
    hand.type(hand.field("out_channels"), "40")
    assert [params(hand, n)["out_channels"] for n in ("conv", "wide")] == [40, 40]
    switch = hand.find(Switch, "field.bias")
    QTest.mouseClick(switch, LEFT)
    settle()
    assert [params(hand, n)["bias"] for n in ("conv", "wide")] == [False, False]
    hand.command("edit.undo")
    hand.command("edit.undo")
    assert "bias" not in params(hand, "wide")
    assert params(hand, "wide")["out_channels"] == 8
    hand.bench.canvas.select([conv.id, head.id])
    settle()
    assert set(page(hand).form.rows) == {"bias"}


def test_half_on_says_that_switches_differ(hand: WindowHand) -> None:
    hand.open()
    ids = [hand.select("conv1"), hand.select("classifier")]
    edits.set_parameters(hand.session.history, hand.session.graph, ids[:1], {"bias": False})
    hand.bench.canvas.select(ids)
    settle()
    switch = hand.find(Switch, "field.bias")
    assert switch.checkState() is Qt.CheckState.PartiallyChecked
    QTest.mouseClick(switch, LEFT)
    settle()
    assert [params(hand, n).get("bias", True) for n in ("conv1", "classifier")] == [True, True]


# -- a slow worker ------------------------------------------------------------------------------


def test_no_keystroke_is_lost_while_an_analysis_takes_long(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    line = hand.field("out_channels")
    line.setFocus()
    line.selectAll()
    before = len(hand.client.waiting("analyse"))
    for at, key in enumerate("1234"):
        QTest.keyClicks(line, key)
        settle()
        assert line.text() == "1234"[: at + 1]
    waiting = hand.client.waiting("analyse")
    assert len(waiting) == before + 1, "one is under way, the others wait in the session"
    project = waiting[0][1]["project"]
    hand.client.answer("analyse", result={"problems": [], "graphs": {}, "uses": {}})
    settle()
    assert line.text() == "1234"
    assert line.hasFocus()
    assert line.cursorPosition() == 4
    (late,) = hand.client.waiting("analyse")
    assert late[1]["project"] != project, "the latest document is asked about"
    QTest.keyClick(line, Qt.Key.Key_Backspace)
    hand.report()
    assert (line.text(), params(hand, "conv1")["out_channels"]) == ("123", 123)
    hand.command("edit.undo")
    settle()
    assert params(hand, "conv1")["out_channels"] != 123
