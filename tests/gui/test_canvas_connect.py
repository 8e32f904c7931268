"""Wires by keyboard: W, a port, a few letters of where it goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.gui.canvas.connect import ConnectList
from netbuilder.gui.canvas.reach import others, own_ports
from netbuilder.gui.picker import score
from tests.drawing import Drawing, classifier
from tests.gui.canvas_hand import Hand

W = Qt.Key.Key_W


@pytest.fixture
def drawing() -> Drawing:
    """The network of a small CNN and, beside it, an add that nothing feeds."""
    drawing = classifier()
    drawing.add("torch.add", name="join")
    places = {node.id: (0.0, 96.0 * number) for number, node in enumerate(drawing.graph.ordered())}
    edits.move(drawing.history, drawing.graph, places)
    return drawing


@pytest.fixture
def hand(qapp: QApplication, drawing: Drawing) -> Iterator[Hand]:
    hand = Hand(drawing)
    hand.view.setFocus()
    yield hand
    hand.check()
    hand.close()


def named(drawing: Drawing, name: str) -> Node:
    node = drawing.graph.named(name)
    assert node is not None
    return node


def source_of(drawing: Drawing, name: str, port: str) -> str | None:
    wire = drawing.graph.wire_into(named(drawing, name).id, port)
    return None if wire is None else drawing.graph.nodes[wire.source].name


def ask(hand: Hand, name: str) -> ConnectList:
    """Select a node and press W."""
    hand.view.select([named(hand.drawing, name).id])
    QTest.keyClick(hand.view, W)
    hand.settle()
    found = [w for w in QApplication.topLevelWidgets() if isinstance(w, ConnectList)]
    assert len(found) == 1
    return found[0]


def answer(hand: Hand, popup: ConnectList, text: str) -> None:
    """Type, and take what comes first."""
    QTest.keyClicks(popup.search, text)
    QTest.keyClick(popup.search, Qt.Key.Key_Return)
    hand.settle()


def test_a_port_and_some_letters_make_a_wire(hand: Hand, drawing: Drawing) -> None:
    popup = ask(hand, "conv1")
    assert popup.texts() == ["Output", "Input"]
    answer(hand, popup, "out")
    assert popup.words.text() == "Output of conv1 goes to"
    answer(hand, popup, "join")
    assert source_of(drawing, "join", "input") == "conv1"
    assert drawing.history.undo_title == "Connect conv1 to join"

    # The second input by its name; the node is still selected.
    popup = ask(hand, "relu1")
    answer(hand, popup, "out")
    answer(hand, popup, "joinoth")
    assert source_of(drawing, "join", "other") == "relu1"
    hand.check()


def test_a_node_with_one_port_asks_only_where(hand: Hand, drawing: Drawing) -> None:
    popup = ask(hand, "image")
    assert popup.words.text() == "Output of image goes to"
    QTest.keyClicks(popup.search, "head")
    assert popup.texts()[0] == "head"
    answer(hand, popup, "")
    assert source_of(drawing, "head", "input") == "image"


def test_what_does_not_fit_says_why_and_can_not_be_chosen(hand: Hand, drawing: Drawing) -> None:
    before = drawing.document.copy()
    popup = ask(hand, "head")
    answer(hand, popup, "out")
    QTest.keyClicks(popup.search, "conv")
    assert popup.texts() == ["conv1 – That would be a cycle: 'conv1' already feeds 'head'."]
    QTest.keyClick(popup.search, Qt.Key.Key_Return)
    assert popup.isVisible()
    QTest.keyClick(popup.search, Qt.Key.Key_Escape)
    hand.settle()
    assert drawing.document == before


def test_an_input_takes_another_source_or_none(hand: Hand, drawing: Drawing) -> None:
    popup = ask(hand, "head")
    answer(hand, popup, "input")
    answer(hand, popup, "relu")
    assert source_of(drawing, "head", "input") == "relu1"
    popup = ask(hand, "head")
    answer(hand, popup, "input")
    answer(hand, popup, "no wire")
    assert source_of(drawing, "head", "input") is None
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert source_of(drawing, "head", "input") == "relu1"


def test_free_ports_come_first_and_the_nearest_of_them(drawing: Drawing) -> None:
    far = drawing.add("ReLU", name="far")
    near = drawing.add("ReLU", name="near")
    conv = named(drawing, "conv1")
    edits.move(drawing.history, drawing.graph, {far.id: (0, 3000), near.id: (0, conv.y + 40)})
    start = own_ports(drawing.document, drawing.graph, conv)[0]
    assert not start.output or start.end.node == conv.id
    output = next(p for p in own_ports(drawing.document, drawing.graph, conv) if p.output)
    titles = [r.title for r in others(drawing.document, drawing.graph, output, "", score)]
    assert titles[:4] == ["near", "join.input", "join.other", "far"]
    assert titles[-1] == "relu1", "connected already: last"
