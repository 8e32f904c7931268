"""The settings of a block: its parameters, ports, name and uses."""

from __future__ import annotations

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QPushButton, QToolButton

from netbuilder.graph import blocks, edits, parameters
from netbuilder.graph.parameters import Parameter
from netbuilder.gui.inspecting.block_settings import BlockSettings
from netbuilder.gui.inspecting.parameter_row import read_default
from netbuilder.layers.catalogue import ports_of
from tests.gui.block_hand import CTRL, K, inside_block, named, press
from tests.gui.window_hand import LEFT, WindowHand, settle


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
