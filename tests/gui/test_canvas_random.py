"""Random mouse and keys, also in the middle of drags: no exception, scene equals document."""

from __future__ import annotations

import random
import sys
from collections import Counter
from types import TracebackType

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.graph import edits
from netbuilder.graph.history import History
from tests.drawing import classifier
from tests.gui.canvas_hand import Hand

LEFT, MIDDLE, RIGHT = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.MiddleButton,
    Qt.MouseButton.RightButton,
)
KEY = Qt.Key
NONE, SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)
KEYS = (
    *((key, NONE) for key in (KEY.Key_Delete, KEY.Key_F2, KEY.Key_Tab, KEY.Key_Space, KEY.Key_L)),
    *((key, NONE) for key in (KEY.Key_Return, KEY.Key_Home, KEY.Key_F, KEY.Key_Left, KEY.Key_R)),
    *((key, CTRL) for key in (KEY.Key_A, KEY.Key_C, KEY.Key_X, KEY.Key_V, KEY.Key_D)),
    *((KEY.Key_Z, CTRL),) * 4,
    *((KEY.Key_Y, CTRL),) * 3,
    *((KEY.Key_Escape, NONE),) * 4,
    *((key, NONE) for key in (KEY.Key_C, KEY.Key_N, KEY.Key_M, KEY.Key_H)),
    *((key, CTRL) for key in (KEY.Key_B, KEY.Key_Return)),
    (KEY.Key_Delete, CTRL),
    (KEY.Key_V, CTRL | SHIFT),
    (KEY.Key_X, SHIFT),
    (KEY.Key_R, SHIFT),
    (KEY.Key_Delete, ALT),
    (KEY.Key_Backspace, ALT),
    (KEY.Key_Down, ALT),
)


class Monkey:
    """Does something random, mostly at things that are there."""

    def __init__(self, hand: Hand, seed: int) -> None:
        self.hand = hand
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()

    def spot(self) -> QPoint:
        view, rng = self.hand.view, self.random
        nodes = list(view.canvas.nodes.values())
        frames = list(view.canvas.frames.values())
        if frames and rng.random() < 0.2:
            box = rng.choice(frames).box
            x = rng.choice([box.left, box.right, (box.left + box.right) / 2])
            return view.mapFromScene(x, rng.choice([box.top, box.top + 14, box.bottom]))
        if nodes and rng.random() < 0.7:
            node = rng.choice(nodes)
            ports = list(node.ports.values())
            if ports and rng.random() < 0.6:
                return view.mapFromScene(node.pos() + rng.choice(ports))
            return view.mapFromScene(node.pos().x() + 24, node.pos().y() + node.height / 2)
        return QPoint(rng.randrange(view.width()), rng.randrange(view.height()))

    def act(self) -> None:
        view, rng = self.hand.view.viewport(), self.random
        kind = rng.choice(["drag", "drag", "drag", "click", "double", "key", "key", "half"])
        self.done[kind] += 1
        keys = rng.choice([NONE, NONE, NONE, SHIFT, CTRL, ALT])
        match kind:
            case "drag":
                button = rng.choice([LEFT, LEFT, LEFT, LEFT, MIDDLE, RIGHT])
                QTest.mousePress(view, button, keys, self.spot())
                for _ in range(rng.randrange(1, 4)):
                    QTest.mouseMove(view, self.spot())
                    if rng.random() < 0.2:
                        self.key()
                QTest.mouseRelease(view, button, keys, self.spot())
            case "click":
                QTest.mouseClick(view, LEFT, keys, self.spot())
            case "double":
                QTest.mouseDClick(view, LEFT, keys, self.spot())
                QTest.mouseRelease(view, LEFT, keys, self.spot())
            case "half":
                QTest.mousePress(view, LEFT, keys, self.spot())
                QTest.mouseMove(view, self.spot())
            case _:
                self.key()

    def key(self) -> None:
        key, modifiers = self.random.choice(KEYS)
        focused = QApplication.focusWidget()
        inside = focused is not None and self.hand.view.isAncestorOf(focused)
        QTest.keyClick(focused if focused and inside else self.hand.view, key, modifiers)


@pytest.mark.parametrize("seed", range(3))
def test_random_hands(qapp: QApplication, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[BaseException] = []

    def keep(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        raised.append(error)

    monkeypatch.setattr(sys, "excepthook", keep)
    drawing = classifier()
    drawing.graph = drawing.document.of_kind("network")[0]
    places = {node.id: (0.0, 96.0 * n) for n, node in enumerate(drawing.graph.ordered())}
    edits.move(drawing.history, drawing.graph, places)
    drawing.history = History(drawing.document)
    hand = Hand(drawing)
    monkey = Monkey(hand, seed)
    steps: set[int] = set()
    for number in range(250):
        monkey.act()
        hand.settle()
        steps.add(drawing.history.state)
        assert not raised, raised
        if number % 25 == 0:
            hand.view.cancel_gesture()
            hand.check()
    hand.view.cancel_gesture()
    hand.view.popup.close_list()
    hand.check()
    assert min(monkey.done.values()) >= 10
    assert len(steps) > 12, "the events did edit the graph"
    hand.close()
