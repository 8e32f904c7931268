"""What the inspector tells of a node: PyTorch's help, and what the node costs."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QToolButton, QWidget

from netbuilder.engine.protocol import WorkerError
from netbuilder.gui.look import theme
from tests.gui.test_node_page import page, params
from tests.gui.window_hand import LEFT, WindowHand, settle, wait_for

# -- PyTorch's help ----------------------------------------------------------------------------


def test_pytorchs_documentation_is_asked_once_and_folded(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    answer = {"text": "Applies <b>a</b> convolution.", "parameters": {"stride": "The step."}}
    asked = hand.client.answer("help", result=answer)
    settle()
    assert asked == {"layer": "torch.nn.Conv2d"}
    text = hand.find(QLabel, "layer.help.text")
    fold = hand.find(QToolButton, "layer.help.fold")
    assert not text.isVisible()
    QTest.mouseClick(fold, LEFT)
    settle()
    assert text.isVisible()
    assert text.text() == "Applies <b>a</b> convolution."
    assert text.textFormat() is Qt.TextFormat.PlainText
    stride = hand.bench.inspector.findChild(QWidget, "field.stride")
    assert stride is not None
    assert "The step." in stride.toolTip()
    hand.select("conv2")
    assert not hand.client.waiting("help"), "it is known already"
    assert hand.find(QLabel, "layer.help.text").isVisible(), "and stays unfolded"
    hand.select("image")
    assert not hand.client.waiting("help"), "PyTorch knows no Input"


def test_help_that_fails_says_why(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    hand.client.answer("help", error=WorkerError("The worker is away."))
    settle()
    assert hand.find(QLabel, "layer.help.text").text() == "The worker is away."
    hand.select("conv2")
    assert hand.client.waiting("help"), "it is asked again"


# -- costs --------------------------------------------------------------------------------------


def test_what_a_node_costs_is_shown_once_nobody_types(hand: WindowHand) -> None:
    hand.open()
    node = hand.select("conv1")
    other = hand.session.graph.named("conv2")
    assert other is not None
    wait_for(lambda: hand.client.waiting("summary"))
    macs = [{"id": node, "macs": 1_179_648}, {"id": other.id, "macs": 3_538_944}]
    asked = hand.client.answer("summary", result={"networks": {"main": {"nodes": macs}}})
    settle()
    assert asked["network"] == "main"
    facts = page(hand).facts
    assert facts is not None
    assert facts.lines()["multiply-adds"] == "1.18 M, 25 %"
    hand.select("relu1")
    facts = page(hand).facts
    assert facts is not None
    assert "multiply-adds" not in facts.lines()
    hand.select("conv2")
    wait_for(lambda: "multiply-adds" in (page(hand).facts or facts).lines())
    heard: list[object] = []
    hand.session.costs(heard.append)
    assert heard == [{node: 1_179_648, other.id: 3_538_944}]
    assert not hand.client.waiting("summary"), "it is known for this report"


def test_nothing_is_counted_in_a_network_with_errors(hand: WindowHand) -> None:
    hand.open()
    node = hand.select("conv1")
    graph = hand.session.graph.id
    hand.type(hand.field("groups"), "3")
    problem = {"severity": "error", "code": "a", "message": "No.", "graph": graph, "node": node}
    hand.report({"problems": [problem]})
    heard: list[object] = []
    hand.session.costs(heard.append)
    assert not hand.client.waiting("summary")
    hand.command("edit.undo")
    settle()
    hand.report()
    hand.session.costs(heard.append)
    hand.client.answer("summary", error=WorkerError("The worker is away."))
    settle()
    assert heard == [{}]


def test_another_theme_paints_the_page_anew(hand: WindowHand, qapp: QApplication) -> None:
    hand.open()
    hand.select("conv1")
    before = page(hand)
    theme.apply_theme(qapp, "light")
    settle()
    assert page(hand) is not before
    assert page(hand).ids == before.ids
    hand.type(hand.field("out_channels"), "21")
    assert params(hand, "conv1")["out_channels"] == 21
    theme.apply_theme(qapp, "dark")
    settle()
