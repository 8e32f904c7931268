"""A hand for tests of the canvas: real mouse and key events at scene points."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.graph.model import Node
from netbuilder.gui.canvas.view import CanvasView
from tests.drawing import Drawing

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


class Hand:
    """Drives a view that shows a drawing's graph."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        self.view = CanvasView()
        self.messages: list[str] = []
        self.view.message.connect(self.messages.append)
        self.view.resize(1000, 800)
        self.view.show()
        # A real screen gives the focus after a moment.
        QTest.qWaitForWindowActive(self.view)
        self.view.set_graph(drawing.document, drawing.history, drawing.graph)
        self.view.set_zoom(1.0)
        self.settle()

    def settle(self) -> None:
        QApplication.processEvents()

    # -- where things are ----------------------------------------------------------------

    def pixel(self, x: float, y: float) -> QPoint:
        return self.view.mapFromScene(QPointF(x, y))

    def node(self, node: Node) -> QPoint:
        """A place on a node's card that is no port."""
        box = self.view.canvas.nodes[node.id].box
        return self.pixel(box.left + 24, (box.top + box.bottom) / 2)

    def port(self, node: Node, name: str, *, output: bool) -> QPoint:
        at = self.view.canvas.nodes[node.id].port(output, name)
        assert at is not None
        return self.pixel(*at)

    # -- what the hand does --------------------------------------------------------------

    def click(self, at: QPoint, modifiers: Qt.KeyboardModifier = NONE) -> None:
        QTest.mouseClick(self.view.viewport(), LEFT, modifiers, at)
        self.settle()

    def double_click(self, at: QPoint) -> None:
        QTest.mouseDClick(self.view.viewport(), LEFT, NONE, at)
        QTest.mouseRelease(self.view.viewport(), LEFT, NONE, at)
        self.settle()

    def drag(
        self,
        start: QPoint,
        end: QPoint,
        button: Qt.MouseButton = LEFT,
        modifiers: Qt.KeyboardModifier = NONE,
    ) -> None:
        with self.dragging(start, end, button, modifiers):
            pass

    @contextmanager
    def dragging(
        self,
        start: QPoint,
        end: QPoint,
        button: Qt.MouseButton = LEFT,
        modifiers: Qt.KeyboardModifier = NONE,
    ) -> Iterator[None]:
        """The button is held at `end` inside of the block."""
        target = self.view.viewport()
        QTest.mousePress(target, button, modifiers, start)
        for step in (1, 2, 3):
            QTest.mouseMove(target, start + (end - start) * step / 3)
        self.settle()
        yield
        QTest.mouseRelease(target, button, modifiers, end)
        self.settle()

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        focused = QApplication.focusWidget()
        inside = focused is not None and self.view.isAncestorOf(focused)
        QTest.keyClick(focused if inside and focused else self.view, key, modifiers)
        self.settle()

    def type(self, text: str) -> None:
        focused = QApplication.focusWidget()
        assert focused is not None
        QTest.keyClicks(focused, text)
        self.settle()

    # -- what must hold ------------------------------------------------------------------

    def check(self) -> None:
        """The scene shows what the document holds."""
        self.view.canvas.settle_all()
        graph, canvas = self.drawing.graph, self.view.canvas
        assert set(canvas.nodes) == set(graph.nodes)
        assert set(canvas.wires) == set(graph.wires)
        assert set(canvas.frames) == set(graph.frames)
        assert canvas.selection <= {*canvas.nodes, *canvas.wires, *canvas.frames}
        shown = {id(item) for item in canvas.items()}
        for node in graph.nodes.values():
            item = canvas.nodes[node.id]
            assert id(item) in shown
            assert (item.x(), item.y()) == (node.x, node.y)
            assert item.face.name == node.name
            assert canvas.places.box(node.id) == item.box
        for wire in graph.wires.values():
            line = canvas.wires[wire.id]
            assert id(line) in shown
            assert line.wire == wire
            assert line.isVisible()
            assert line.course is not None
            ends = (
                canvas.nodes[wire.source].port(True, wire.source_port),
                canvas.nodes[wire.target].port(False, wire.target_port),
            )
            course = (line.course.points[0], line.course.points[-1])
            # A block that lost a port leaves wires that end at none: a problem to be told.
            assert all(end in (None, at) for end, at in zip(ends, course, strict=True))
            assert (line.x(), line.y()) == (0, 0)
        assert len(shown) == len(canvas.nodes) + len(canvas.wires) + len(canvas.frames)

    def close(self) -> None:
        self.view.set_graph(None, None, None)
        self.view.close()
        self.view.deleteLater()
        self.settle()
