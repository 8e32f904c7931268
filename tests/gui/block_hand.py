"""Hands for tests of blocks: what is pressed and clicked on the canvas."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from netbuilder.graph import blocks
from netbuilder.graph.document import Graph
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


def inside_block(hand: WindowHand) -> Graph:
    hand.open()
    node, block = grouped(hand, "conv1", "norm1")
    double_click(hand, node)
    return block
