"""The scene equals the document, whatever is edited, undone and redone."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from netbuilder.errors import ChangeError
from netbuilder.graph import edits, fragment, wiring
from netbuilder.graph.history import History
from netbuilder.graph.model import Frame, Wire, new_id
from netbuilder.graph.rules import End
from netbuilder.gui.canvas.hits import DOT
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.gui.canvas_hand import Hand

LAYERS = ("Conv2d", "ReLU", "Linear", "LSTM", "torch.add", "torch.cat", "acme.Unknown")


class Editor:
    """Random edits of one graph; `done` counts those that were not refused."""

    def __init__(self, drawing: Drawing, seed: int) -> None:
        self.d = drawing
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.ways: dict[str, Callable[[], object]] = {
            "add": self.add,
            "connect": self.connect,
            "delete": self.delete,
            "move": self.move,
            "rename": self.rename,
            "frame": self.frame,
            "paste": self.paste,
            "flow": self.flow,
            "after": self.after,
            "take wires": self.take_wires,
            "take out": self.take_out,
            "dot": self.dot,
            "mute": self.mute,
            "undo": lambda: [self.d.history.undo() for _ in range(3)],
            "redo": self.d.history.redo,
        }

    def step(self) -> None:
        often = ("add", "add", "add", "connect", "connect", "after", "take wires")
        name = self.random.choice([*self.ways, *often])
        if self.d.history.redo_title and self.random.random() < 0.4:
            name = "redo"
        before = self.d.history.state
        try:
            self.ways[name]()
        except ChangeError:
            return
        if self.d.history.state != before:
            self.done[name] += 1

    def some(self) -> str:
        nodes = list(self.d.graph.nodes)
        if not nodes:
            raise ChangeError("nothing there")
        return self.random.choice(nodes)

    def spot(self) -> tuple[float, float]:
        return self.random.randrange(-50, 50) * 16.0, self.random.randrange(-50, 50) * 16.0

    def add(self) -> None:
        self.d.add(self.random.choice(LAYERS))

    def connect(self) -> None:
        source, target = self.some(), self.some()
        nodes = self.d.graph.nodes
        outputs = ports_of(self.d.document, self.d.graph, nodes[source]).outputs
        inputs = ports_of(self.d.document, self.d.graph, nodes[target]).inputs
        if not outputs or not inputs:
            raise ChangeError("no ports")
        ends = (
            End(source, self.random.choice(outputs).name),
            End(target, self.random.choice(inputs).name),
        )
        edits.connect(self.d.history, self.d.graph, *ends, ports_of)

    def delete(self) -> None:
        items = [*self.d.graph.nodes, *self.d.graph.wires, *self.d.graph.frames]
        chosen = self.random.sample(items, min(len(items), 2))
        if not chosen:
            raise ChangeError("nothing there")
        edits.delete(self.d.history, self.d.graph, chosen, reconnect=self.random.random() < 0.5)

    def move(self) -> None:
        edits.move(self.d.history, self.d.graph, {self.some(): self.spot(), self.some(): (0, 0)})

    def rename(self) -> None:
        edits.rename(self.d.history, self.d.graph, self.some(), new_id("name_"))

    def frame(self) -> None:
        x, y = self.spot()
        edits.add_frame(self.d.history, self.d.graph, Frame(id=new_id("f"), title="T", x=x, y=y))

    def paste(self) -> None:
        part = fragment.cut_out(self.d.graph, [self.some(), self.some()])
        fragment.paste(self.d.history, self.d.graph, part, keep_inputs=True)

    def wire(self) -> Wire:
        wires = list(self.d.graph.wires.values())
        if not wires:
            raise ChangeError("no wires")
        return self.random.choice(wires)

    def after(self) -> None:
        """A node that has no wires goes after a port."""
        graph, wire = self.d.graph, self.wire()
        alone = [id for id in graph.nodes if not graph.wires_at([id])]
        if not alone:
            raise ChangeError("no lone node")
        source = End(wire.source, wire.source_port)
        wiring.insert_after(self.d.history, graph, source, self.random.choice(alone), ports_of)

    def take_wires(self) -> None:
        end = End(self.some(), "output")
        wiring.take_wires(self.d.history, self.d.graph, [self.wire()], end, True, ports_of)

    def take_out(self) -> None:
        chosen = [self.wire().target, self.some()]
        wiring.take_out(self.d.history, self.d.graph, chosen, ports_of)

    def dot(self) -> None:
        edits.insert_layer(self.d.history, self.d.graph, self.wire().id, DOT, None, ports_of)

    def mute(self) -> None:
        state = self.random.choice(["", "muted", "bypassed"])
        edits.set_node(self.d.history, self.d.graph, self.some(), mute=state)

    def flow(self) -> None:
        now = self.d.document.project.flow
        edits.set_project(self.d.history, flow="right" if now == "down" else "down")


@pytest.mark.parametrize("seed", range(4))
def test_scene_equals_document_after_random_edits(qapp: QApplication, seed: int) -> None:
    drawing = Drawing()
    drawing.history = History(drawing.document)
    hand = Hand(drawing)
    editor = Editor(drawing, seed)
    for number in range(700):
        editor.step()
        if drawing.graph.nodes and number % 7 == 0:
            hand.view.select([editor.some()])
        if number % 25 == 0:
            hand.check()
    hand.check()
    assert min(editor.done[name] for name in editor.ways) >= 3, "every kind of edit happened"
    while drawing.history.undo_title:
        drawing.history.undo()
    hand.check()
    assert not drawing.graph.nodes
    while drawing.history.redo_title:
        drawing.history.redo()
    hand.check()
    hand.close()


def test_references_to_none_do_not_get_lost(qapp: QApplication) -> None:
    """Bindings that lose one at every void call abort the process within seconds."""
    drawing = Drawing()
    node = drawing.input(1, 8, 8)
    hand = Hand(drawing)
    item = hand.view.canvas.nodes[node.id]
    ticks: list[int] = []
    timer = QTimer()
    timer.setInterval(0)
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start()
    edits.move(drawing.history, drawing.graph, {node.id: (8, 8)})
    hand.settle()
    before = sys.getrefcount(None)
    for number in range(500):
        item.setPos(number, number)
        item.setData(0, None)
        item.update()
        hand.view.viewport().update()
        drawing.history.undo()
        drawing.history.redo()
        QApplication.processEvents()
    lost = before - sys.getrefcount(None)
    timer.stop()
    assert len(ticks) >= 500
    assert lost <= 20
    hand.close()
