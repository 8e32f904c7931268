"""Random edits of all kinds, undo and redo: after each the scene shows what the document holds."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from netbuilder.graph.document import Graph
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.graph import invariants
from tests.graph.random_edits import RandomEdits
from tests.gui.canvas_hand import Hand


class Walk:
    """Edits a document behind the back of a view that shows one of its graphs."""

    def __init__(self, seed: int) -> None:
        self.run = RandomEdits(seed, most_nodes=30)
        self.drawing = Drawing()
        self.drawing.document, self.drawing.history = self.run.document, self.run.history
        self.drawing.graph = self._largest()
        self.hand = Hand(self.drawing)
        self.shown = 0

    def _largest(self) -> Graph:
        return max(self.run.document.graphs.values(), key=lambda graph: len(graph.nodes))

    def show(self, graph: Graph) -> None:
        self.drawing.graph = graph
        self.hand.view.set_graph(self.run.document, self.run.history, graph)
        self.shown += 1

    def edit(self) -> None:
        self.run.edit()
        known = self.run.document.graphs.get(self.drawing.graph.id)
        if known is not self.drawing.graph or self.run.random.random() < 0.02:
            if not self.run.document.graphs:
                # The walk has undone its very first step.
                self.run.history.redo()
            self.show(self._largest())

    def check(self) -> None:
        self.hand.check()
        graph, canvas = self.drawing.graph, self.hand.view.canvas
        for node in graph.nodes.values():
            face = canvas.nodes[node.id].face
            assert face.mute == node.mute
            ports = ports_of(self.run.document, graph, node)
            assert [port.name for port in face.inputs] == [port.name for port in ports.inputs]
            assert [port.name for port in face.outputs] == [port.name for port in ports.outputs]
        for frame in graph.frames.values():
            item = canvas.frames[frame.id]
            assert (item.x(), item.y()) == (frame.x, frame.y)
        bounds = canvas.places.bounds()
        assert (bounds is None) == (not graph.nodes)


def walk(seed: int, edits: int) -> None:
    walk = Walk(seed)
    history, document = walk.run.history, walk.run.document
    for _ in range(edits):
        walk.edit()
        walk.check()
    invariants.check(document)
    counts = walk.run.done
    assert all(counts[name] >= edits // 400 for name in walk.run.operations), counts
    while history.redo() is not None:
        pass
    texts = [invariants.fingerprint(document)]
    while history.undo() is not None:
        if document.graphs.get(walk.drawing.graph.id) is not walk.drawing.graph:
            if not document.graphs:
                break
            walk.show(walk._largest())
        walk.check()
        texts.append(invariants.fingerprint(document))
    if not document.graphs:
        texts.append(invariants.fingerprint(document))
    for text in reversed(texts[:-1]):
        history.redo()
        assert invariants.fingerprint(document) == text
        if document.graphs.get(walk.drawing.graph.id) is not walk.drawing.graph:
            walk.show(walk._largest())
        walk.check()
    assert len(texts) > edits // 20
    assert walk.shown > 2
    walk.hand.close()


def test_the_scene_follows_random_edits(qapp: QApplication) -> None:
    walk(1, 800)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [2, 3])
def test_the_scene_follows_ten_thousand_random_edits(qapp: QApplication, seed: int) -> None:
    walk(seed, 10_000)
