"""The graph and the gestures that an editor of graphs can be measured with, ours or another.

`square(n)`: n nodes in a square grid, row by row, each with two inputs and one output; a
chain through all of them, and n / 5 skips over up to 20 nodes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.graph.changes import Added
from netbuilder.graph.document import Document
from netbuilder.graph.model import GraphInfo, Node, ProjectInfo, Wire
from netbuilder.gui.canvas.view import CanvasView

PITCH_X, PITCH_Y = 256.0, 144.0
LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
NO_KEYS = Qt.KeyboardModifier.NoModifier


def pairs(count: int) -> Iterator[tuple[int, int, str]]:
    """The wires: from which node to which, and into which input."""
    rng = random.Random(1)
    yield from ((number - 1, number, "input") for number in range(1, count))
    for number in sorted(rng.sample(range(21, count), count // 5)):
        yield number - rng.randint(2, 20), number, "other"


def square(count: int) -> Document:
    """The graph as a project."""
    columns = math.ceil(math.sqrt(count))
    changes = [Added("g", GraphInfo(id="g", kind="network", name="main"))]
    for number in range(count):
        y, x = divmod(number, columns)
        node = Node(
            id=f"n{number}",
            layer="torch.add",
            name=f"add_{number}",
            x=x * PITCH_X,
            y=y * PITCH_Y,
            order=number,
        )
        changes.append(Added("g", node))
    for number, (source, target, port) in enumerate(pairs(count)):
        wire = Wire(
            id=f"w{number}",
            source=f"n{source}",
            source_port="output",
            target=f"n{target}",
            target_port=port,
        )
        changes.append(Added("g", wire))
    return Document.of(ProjectInfo(title="square"), changes)


def report(document: Document) -> Report:
    """A shape and a number of weights at every node."""
    shape = TensorReport(("N", 64, 56, 56), "float32", "N×64×56×56")
    nodes = {
        id: NodeReport(outputs={"output": shape}, parameters=36928)
        for id in document.graph("g").nodes
    }
    return Report(graphs={"g": GraphReport(nodes)})


def mouse(view: CanvasView, kind: QEvent.Type, button: Qt.MouseButton, at: QPoint) -> None:
    """A mouse event at a pixel of the canvas."""
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
    pressed = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else button
    spot = QPointF(view.viewport().mapToGlobal(at))
    event = QMouseEvent(kind, QPointF(at), spot, pressed, held, NO_KEYS)
    QApplication.sendEvent(view.viewport(), event)


def wheel(view: CanvasView, at: QPoint, angle: int) -> None:
    """A turn of the wheel; 120 is a click of it."""
    spot = QPointF(view.viewport().mapToGlobal(at))
    phase, none = Qt.ScrollPhase.NoScrollPhase, Qt.MouseButton.NoButton
    turn = QPoint(0, angle)
    event = QWheelEvent(QPointF(at), spot, QPoint(), turn, none, NO_KEYS, phase, False)
    QApplication.sendEvent(view.viewport(), event)


Frame = Callable[[int], None]
"""Makes what happens in the frame with this number."""


def zooming(view: CanvasView) -> Frame:
    """In for 25 frames, out for 25."""
    middle = view.viewport().rect().center()
    return lambda number: wheel(view, middle, 60 if number % 50 < 25 else -60)


class Drag:
    """A drag with a button held; `frame` is a move of the mouse."""

    def __init__(self, view: CanvasView, button: Qt.MouseButton, start: QPoint) -> None:
        self.view, self.button, self.start = view, button, start
        mouse(view, QEvent.Type.MouseButtonPress, button, start)

    def frame(self, number: int) -> None:
        """To and fro, at different speeds across and down."""
        way = number % 60 if number % 60 < 30 else 60 - number % 60
        to = self.start + QPoint(8 * way + 8, 5 * way + 8)
        mouse(self.view, QEvent.Type.MouseMove, self.button, to)

    def end(self) -> None:
        mouse(self.view, QEvent.Type.MouseButtonRelease, self.button, self.start)


def grab(view: CanvasView, count: int) -> Drag:
    """Select the nodes nearest to the middle and take one of them by its card."""
    middle = view.mapToScene(view.viewport().rect().center())
    nearest = sorted(
        view.canvas.nodes.values(),
        key=lambda n: (n.x() - middle.x()) ** 2 + (n.y() - middle.y()) ** 2,
    )
    view.select([node.id for node in nearest[:count]])
    node = nearest[0]
    return Drag(view, LEFT, view.mapFromScene(QPointF(node.x() + 24, node.y() + node.height / 2)))
