"""Copy, paste and duplicate: beside what is there, between windows, and from anywhere."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.graph import edits, fragment, rules
from netbuilder.graph.model import Frame, Node
from tests.drawing import Drawing
from tests.graph import invariants
from tests.gui.canvas_hand import Hand
from tests.gui.window_hand import wait_for

KEY = Qt.Key
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def drawing() -> Drawing:
    """image → conv → relu in a column."""
    drawing = Drawing()
    image = drawing.input(1, 8, 8, name="image")
    conv = drawing.add("Conv2d", image, name="conv", out_channels=4, kernel_size=3)
    drawing.add("ReLU", conv, name="relu")
    places = {node.id: (0.0, 96.0 * n) for n, node in enumerate(drawing.graph.ordered())}
    edits.move(drawing.history, drawing.graph, places)
    return drawing


@pytest.fixture
def hand(qapp: QApplication, drawing: Drawing) -> Iterator[Hand]:
    hand = Hand(drawing)
    yield hand
    hand.check()
    hand.close()


def named(drawing: Drawing, name: str) -> Node:
    node = drawing.graph.named(name)
    assert node is not None
    return node


def feeds(drawing: Drawing, name: str) -> str | None:
    wire = drawing.graph.wire_into(named(drawing, name).id, "input")
    return None if wire is None else drawing.graph.nodes[wire.source].name


def apart(hand: Hand) -> bool:
    boxes = [node.box for node in hand.view.canvas.nodes.values()]
    return not any(a.meets(b) for a, b in combinations(boxes, 2))


def fill(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def test_copies_stand_beside_each_other(hand: Hand, drawing: Drawing) -> None:
    hand.click(hand.node(named(drawing, "conv")))
    for _ in range(3):
        hand.key(KEY.Key_D, CTRL)
    hand.key(KEY.Key_C, CTRL)
    for _ in range(3):
        hand.key(KEY.Key_V, CTRL)
    assert len(drawing.graph.nodes) == 9
    assert apart(hand)
    assert [feeds(drawing, name) for name in ("conv_2", "conv_4", "conv_5")] == [
        "image",
        "image",
        None,
    ]


def test_paste_goes_to_the_mouse(hand: Hand, drawing: Drawing) -> None:
    hand.click(hand.node(named(drawing, "conv")))
    hand.key(KEY.Key_C, CTRL)
    QTest.mouseMove(hand.view.viewport(), hand.pixel(480, 400))
    wait_for(lambda: hand.view.mouse_in_scene() == QPointF(480, 400))
    hand.key(KEY.Key_V, CTRL)
    box = hand.view.canvas.nodes[named(drawing, "conv_2").id].box
    assert abs((box.left + box.right) / 2 - 480) <= 8
    assert abs((box.top + box.bottom) / 2 - 400) <= 8


def test_frames_notes_and_mutes_come_along(hand: Hand, drawing: Drawing) -> None:
    conv = named(drawing, "conv")
    edits.set_node(drawing.history, drawing.graph, conv.id, note="why", mute="muted")
    frame = Frame(id="f1", title="stem", x=-16, y=72, width=240, height=96, color="blue")
    edits.add_frame(drawing.history, drawing.graph, frame)
    hand.settle()
    hand.view.select([conv.id, "f1"])
    hand.view.setFocus()
    hand.key(KEY.Key_D, CTRL)
    copy = named(drawing, "conv_2")
    assert (copy.note, copy.mute) == ("why", "muted")
    (other,) = [frame for frame in drawing.graph.frames.values() if frame.id != "f1"]
    assert (other.title, other.color, other.width) == ("stem", "blue", 240)
    assert (other.x - frame.x, other.y - frame.y) == (copy.x - conv.x, copy.y - conv.y)
    assert hand.view.canvas.selection == {copy.id, other.id}
    drawing.history.undo()
    assert drawing.graph.named("conv_2") is None


def test_shared_weights_stay_shared(drawing: Drawing) -> None:
    conv, relu = named(drawing, "conv"), named(drawing, "relu")
    twin = drawing.add("Conv2d", relu, name="twin", out_channels=4, kernel_size=3)
    edits.set_node(drawing.history, drawing.graph, twin.id, shares=conv.id)
    alone = fragment.paste(
        drawing.history, drawing.graph, fragment.cut_out(drawing.graph, [twin.id])
    )
    assert alone[0].shares == conv.id
    both = fragment.cut_out(drawing.graph, [conv.id, twin.id])
    first, second = fragment.paste(drawing.history, drawing.graph, both)
    assert second.shares == first.id
    elsewhere = Drawing()
    (lone,) = fragment.paste(
        elsewhere.history, elsewhere.graph, fragment.cut_out(drawing.graph, [twin.id])
    )
    assert lone.shares == ""


def test_paste_between_two_windows(hand: Hand, drawing: Drawing) -> None:
    hand.view.setFocus()
    hand.key(KEY.Key_A, CTRL)
    hand.key(KEY.Key_C, CTRL)
    other = Hand(Drawing())
    other.view.setFocus()
    other.key(KEY.Key_V, CTRL)
    names = [node.name for node in other.drawing.graph.ordered()]
    assert names == ["image", "conv", "relu"]
    assert feeds(other.drawing, "relu") == "conv"
    other.drawing.history.undo()
    assert not other.drawing.graph.nodes, "one step"
    other.close()


# -- what may come from anywhere (C19) ---------------------------------------------------


def _nodes(count: int, **more: Any) -> dict[str, Any]:
    entry = {"layer": "torch.nn.ReLU", "name": "a", "params": {}, "at": [0, 0], **more}
    nodes = [{"id": f"i{n}", **entry} for n in range(count)]
    return {"kind": fragment.KIND, "version": 1, "nodes": nodes, "wires": []}


HOSTILE: dict[str, str] = {
    "other version": json.dumps({**_nodes(1), "version": 99}),
    "version is true": json.dumps({**_nodes(1), "version": [1]}),
    "no params": json.dumps(_nodes(1, params=5)),
    "place is nan": json.dumps(_nodes(1, at=[float("nan"), 0])),
    "place is huge": json.dumps(_nodes(1, at=[1e300, 0])),
    "place is text": json.dumps(_nodes(1, at=["0", 0])),
    "three coordinates": json.dumps(_nodes(1, at=[0, 0, 0])),
    "number is huge": json.dumps(_nodes(1, params={"a": 10**400})),
    "infinity": json.dumps(_nodes(1, params={"a": float("inf")})),
    "surrogate": json.dumps(_nodes(1, note="\ud800")),
    "long name": json.dumps(_nodes(1, name="x" * 10_000)),
    "layer is no text": json.dumps(_nodes(1, layer=["os.system"])),
    "mute is odd": json.dumps(_nodes(1, mute="loud")),
    "deep": json.dumps(_nodes(1)).replace('"params": {}', '"params": ' + "[" * 500 + "]" * 500),
    "key twice": json.dumps(_nodes(1)).replace('"name"', '"id"'),
    "too many": json.dumps(_nodes(fragment.MAX_NODES + 1)),
    "circle": json.dumps(
        {**_nodes(2), "wires": [["i0", "output", "i1", "input"], ["i1", "output", "i0", "input"]]}
    ),
    "feeds itself": json.dumps({**_nodes(1), "wires": [["i0", "output", "i0", "input"]]}),
    "frame without size": json.dumps({**_nodes(1), "frames": [{"box": [0, 0, 0, -5]}]}),
    "empty": json.dumps(_nodes(0)),
    "a project": json.dumps({"format": "netbuilder", "version": 1, "graphs": []}),
    "crowded": "[" + ",".join(["[]"] * 700_000) + "]",
    "large": json.dumps(_nodes(1, params={"a": "x" * 17_000_000})),
}


SAID = {"crowded": "600,000 lists", "large": "16 MB", "too many": "nodes", "circle": "circle"}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_clipboard_changes_nothing_and_says_so(
    hand: Hand, drawing: Drawing, case: str
) -> None:
    before = drawing.document.copy()
    fill(HOSTILE[case])
    hand.view.setFocus()
    hand.key(KEY.Key_V, CTRL)
    assert len(hand.messages) == 1
    assert len(hand.messages[0]) < 200
    assert SAID.get(case, "") in hand.messages[0]
    assert drawing.document == before


def test_names_and_layers_from_anywhere_are_only_data(hand: Hand, drawing: Drawing) -> None:
    content = _nodes(3, name='x"); import os #', layer="os.system", params={"__class__": "x"})
    content["wires"] = [["i0", "a b", "i1", "<img src=x>"], ["gone", "a", "i1", "b"]]
    fill(json.dumps(content))
    hand.view.setFocus()
    hand.key(KEY.Key_V, CTRL)
    assert not hand.messages
    pasted = [node for node in drawing.graph.nodes.values() if node.layer == "os.system"]
    assert len(pasted) == 3
    assert all(node.name.isidentifier() for node in pasted)
    invariants.check(drawing.document)
    hand.check()
    drawing.history.undo()
    assert len(drawing.graph.nodes) == 3


def test_names_are_as_if_each_was_added_alone(drawing: Drawing) -> None:
    wanted = ["conv", "conv_2", "conv", "relu_7", "relu", "a_b", "a_b", "a_b_3", "a_b"]
    part = {**_nodes(9), "nodes": []}
    for number, name in enumerate(wanted):
        entry = {**_nodes(1)["nodes"][0], "id": f"n{number}", "name": name}
        part["nodes"].append(entry)
    taken = {node.name for node in drawing.graph.nodes.values()}
    expected = []
    for name in wanted:
        expected.append(rules.unique_name(name, taken))
        taken.add(expected[-1])
    pasted = fragment.paste(drawing.history, drawing.graph, part)
    assert [node.name for node in pasted] == expected


def test_damaged_texts_never_raise(hand: Hand, drawing: Drawing) -> None:
    """Bytes of a good clipboard are changed at random."""
    good = json.dumps(fragment.cut_out(drawing.graph, drawing.graph.nodes))
    rng = random.Random(7)
    taken = refused = 0
    for _ in range(300):
        text = list(good)
        for _ in range(rng.randrange(1, 4)):
            text[rng.randrange(len(text))] = rng.choice('{}[]",:0a1e-\\\n')
        fill("".join(text))
        said = len(hand.messages)
        state = drawing.history.state
        hand.view.paste()
        if drawing.history.state == state:
            assert len(hand.messages) == said + 1
            refused += 1
        else:
            taken += 1
            drawing.history.undo()
    invariants.check(drawing.document)
    assert taken >= 5
    assert refused >= 50
