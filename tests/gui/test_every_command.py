"""Every command that edits is one step: done, undone and done again, the project is the same (E5).

A new command of the menus Edit, Graph or Arrange has to change something in one of the
situations below, or to be named among those that edit nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QTextEdit

from netbuilder.graph import edits
from netbuilder.graph.frames import add_around
from netbuilder.graph.rules import End
from netbuilder.layers.catalogue import ports_of
from tests.graph import invariants
from tests.gui.window_hand import WindowHand, settle

MENUS = frozenset({"Edit", "Graph", "Arrange", ""})
NO_EDIT = frozenset(
    {
        "edit.undo",
        "edit.redo",
        "edit.copy",
        "edit.all",
        "edit.find",
        "wire.cut",  # waits for a line by the mouse
        "arrange.snapping",
        "arrange.colour",  # opens a menu of colours
        "block.enter",
        "block.leave",
        "graph.next",
        "graph.previous",
        "canvas.walk_up",
        "canvas.walk_down",
        "canvas.walk_left",
        "canvas.walk_right",
    }
)


TYPED = {"edit.connect": ("", "classifier")}
"""What is typed, list by list, where it is not the name of a layer."""


def nodes(hand: WindowHand, *names: str) -> None:
    """Select nodes of the graph shown."""
    found = [hand.session.graph.named(name) for name in names]
    hand.bench.canvas.select([node.id for node in found if node is not None])
    settle()


def in_a_block(hand: WindowHand) -> None:
    grouped(hand)
    hand.command("block.enter")
    nodes(hand, "norm1")


def grouped(hand: WindowHand) -> None:
    nodes(hand, "norm1", "relu1")
    hand.command("block.group")
    hand.command("block.leave")
    use = next(n for n in hand.session.graph.nodes.values() if n.layer == "netbuilder.Block")
    with hand.session.history.step("Repeat"):
        nodes(hand, use.name)
    # Two uses, so that one can be made independent.
    hand.command("edit.duplicate")
    nodes(hand, use.name)


def framed(hand: WindowHand) -> None:
    session = hand.session
    ids = [node.id for node in session.graph.ordered()[2:4]]
    frame = add_around(session.history, session.graph, {}, ids, "Stage")
    assert frame is not None
    settle()
    edits.set_frame(session.history, session.graph, frame.id, width=frame.width + 400)
    hand.bench.canvas.select([frame.id])
    settle()


def wired(hand: WindowHand) -> None:
    hand.bench.canvas.select([next(iter(hand.session.graph.wires))])
    settle()


def shared(hand: WindowHand) -> None:
    graph = hand.session.graph
    owner, other = graph.named("norm1"), graph.named("norm2")
    assert owner is not None
    assert other is not None
    edits.set_node(hand.session.history, graph, other.id, shares=owner.id)
    nodes(hand, "norm2")


def scattered(hand: WindowHand) -> None:
    graph = hand.session.graph
    _repeat(hand)
    places = {n.id: (40.0 * i * (i % 3), 100.0 * i * i) for i, n in enumerate(graph.ordered())}
    edits.move(hand.session.history, graph, places)
    hand.bench.canvas.select(list(graph.nodes))
    settle()


def _repeat(hand: WindowHand) -> None:
    """Four equal rows of layers at the end."""
    history, graph = hand.session.history, hand.session.graph
    last = graph.named("classifier")
    assert last is not None
    for layer in ("torch.nn.Softmax", "torch.nn.ReLU", "torch.nn.Tanh") * 4:
        node = edits.add_node(history, graph, layer)
        edits.connect(history, graph, End(last.id, "output"), End(node.id, "input"), ports_of)
        last = node
    settle()


def copied(hand: WindowHand) -> None:
    nodes(hand, "relu1", "conv2")
    hand.command("edit.copy")
    hand.bench.canvas.select([])
    settle()


def with_more_graphs(hand: WindowHand) -> None:
    """The second of three networks is shown."""
    first = hand.session.graph
    for _ in range(2):
        hand.command("edit.network")
    hand.session.show(first.id)
    settle()
    hand.command("graph.next")


SITUATIONS: dict[str, Callable[[WindowHand], None]] = {
    "one node": lambda hand: nodes(hand, "conv2"),
    "two alike": lambda hand: nodes(hand, "norm1", "norm2"),
    "a row": lambda hand: nodes(hand, "norm1", "relu1", "conv2"),
    "nothing": lambda hand: nodes(hand),
    "a block": grouped,
    "in a block": in_a_block,
    "a frame": framed,
    "a wire": wired,
    "shared": shared,
    "scattered": scattered,
    "copied": copied,
    "more graphs": with_more_graphs,
}


def answer(hand: WindowHand, id: str) -> bool:
    """Type what a list or a line asks for, which is an edit of its own; whether one did."""
    asked = False
    for text in TYPED.get(id, ("relu",)):
        settle()
        focused = QApplication.focusWidget()
        if not isinstance(focused, QLineEdit | QPlainTextEdit | QTextEdit):
            break
        asked = True
        focused.selectAll()
        QTest.keyClicks(focused, text)
        settle()
        if isinstance(focused, QLineEdit):
            QTest.keyClick(focused, Qt.Key.Key_Return)
        else:
            QTest.keyClick(focused, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        settle()
    for widget in (QApplication.activePopupWidget(), QApplication.activeModalWidget()):
        if widget is not None:
            widget.close()
    hand.bench.canvas.setFocus()
    settle()
    return asked


@pytest.mark.parametrize(
    "enough",
    [2, pytest.param(len(SITUATIONS), marks=[pytest.mark.nightly, pytest.mark.timeout(600)])],
)
def test_every_command_is_done_undone_and_done_again(hand: WindowHand, enough: int) -> None:
    """`enough`: in how many situations a command that edits is tried."""
    ids = [c.id for c in hand.window.commands if c.menu in MENUS]
    changed: Counter[str] = Counter()
    for name, prepare in SITUATIONS.items():
        hand.window.open_template("digits_cnn")
        settle()
        prepare(hand)
        history, document, shown = hand.session.history, hand.session.document, hand.session.graph
        chosen = list(hand.bench.canvas.canvas.selection)
        for id in ids:
            if id in ("edit.undo", "edit.redo") or changed[id] >= enough:
                continue
            before, state = invariants.fingerprint(document), history.state
            hand.command(id)
            asked = answer(hand, id)
            invariants.check(document)
            after, steps = invariants.fingerprint(document), 0
            while history.state != state and steps < 5:
                history.undo()
                steps += 1
            settle()
            assert invariants.fingerprint(document) == before, (id, name)
            assert steps <= 1 + asked, (id, name, "is one step to undo")
            if steps:
                changed[id] += 1
                assert id not in NO_EDIT, (id, name)
                for _ in range(steps):
                    history.redo()
                assert invariants.fingerprint(document) == after, (id, name)
                for _ in range(steps):
                    history.undo()
                assert invariants.fingerprint(document) == before, (id, name)
            hand.session.show(shown.id)
            hand.bench.canvas.select(chosen)
            settle()
        history.mark_saved()
    assert {id for id in ids if changed[id]} == set(ids) - NO_EDIT
