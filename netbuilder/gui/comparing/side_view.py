"""One of the two canvases: to look at, not to edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from netbuilder.app.comparing import Side
from netbuilder.app.comparison import Marks
from netbuilder.app.trail import first_use, values_here
from netbuilder.compiler.report import Report
from netbuilder.graph.becoming import become
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.layout import NODE_SIZE
from netbuilder.graph.model import Json
from netbuilder.graph.places import Box, around
from netbuilder.gui.canvas.backdrop import EmptyWords
from netbuilder.gui.canvas.camera import Camera
from netbuilder.gui.canvas.hits import hit
from netbuilder.gui.comparing.marks import NodeMark, WireMark
from netbuilder.gui.look import theme

AGAIN_MS = 100
CLICK = 4
"""Pixels that the mouse may go and still have clicked."""
STEP = 60
"""Pixels that an arrow key moves the picture."""
_WAYS = {
    Qt.Key.Key_Left: (STEP, 0),
    Qt.Key.Key_Right: (-STEP, 0),
    Qt.Key.Key_Up: (0, STEP),
    Qt.Key.Key_Down: (0, -STEP),
}


class SideView(Camera):
    """Tells what a person does to it, so that the other side can follow."""

    panned_by = Signal(int, int)
    zoomed_at = Signal(QPoint, float)
    whole_wanted = Signal()
    clicked = Signal(str)
    """A node or a wire, by its id."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMinimumSize(160, 160)
        self.setObjectName("side")
        self._dress()
        self._press: QPoint | None = None
        self._last = QPoint()
        self._marks = Marks({}, {})
        self._shown = Document()
        """A copy of the side, which follows it."""
        self._wanted: Sequence[str] = ()
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self._put_marks)
        self.canvas.filled.connect(self._put_marks)
        self.words = EmptyWords(self)
        theme.notifier.changed.connect(self._restyle)

    def show_side(self, side: Side, graph: Graph | None, marks: Marks, missing: str) -> None:
        """Show a graph with its marks; `missing` says why there is none."""
        # Problems belong to the editor; here they would cover the marks.
        report = Report(graphs=side.report.graphs) if side.report else None
        values = _values(side, graph)
        self.canvas.values = lambda: values
        before = self.canvas.graph
        if graph is None or before is None or before.id != graph.id or self.canvas.filling:
            self._shown, self._wanted = side.document.copy(), ()
            self.canvas.report = report
            self.canvas.show_graph(self._shown, graph and self._shown.graphs[graph.id])
        else:
            # What is equal stays on the screen: a large graph takes seconds to come.
            become(History(self._shown), side.document, "Show")
            self.canvas.set_report(report)
        self._marks = marks
        self._put_marks()
        self.words.setText(missing)
        self.words.setVisible(graph is None)
        self.words.setGeometry(self.viewport().rect())
        self.viewport().update()

    def _put_marks(self) -> None:
        """On what is there; a large graph gets them once it is."""
        scene = self.canvas
        self._drop_marks()
        if scene.filling:
            return
        scene.settle_marked(self._marks.nodes, self._marks.wires)
        scene.select(self._wanted)
        if scene.unsettled:
            # What settles later may push marked wires aside.
            self._again.start(AGAIN_MS)
        for id, change in self._marks.wires.items():
            if id in scene.wires:
                scene.add_overlay(WireMark(scene.wires[id], change))
        for id, change in self._marks.nodes.items():
            if id in scene.nodes:
                scene.add_overlay(NodeMark(scene.nodes[id], change))

    def _drop_marks(self) -> None:
        for mark in list(self.canvas.overlays):
            self.canvas.drop_overlay(mark)

    def _dress(self) -> None:
        # Whoever goes by keys sees which side they are in.
        accent = theme.current().accent.name()
        self.setStyleSheet(
            "#side { border: 1px solid transparent; } "
            f"#side:focus {{ border: 1px solid {accent}; }}"
        )

    def _restyle(self) -> None:
        self._dress()
        self.setBackgroundBrush(theme.current().surface)
        self.canvas.restyle()
        self._put_marks()
        self.viewport().update()

    @property
    def graph(self) -> Graph | None:
        """What is shown."""
        return self.canvas.graph

    def select(self, ids: Sequence[str]) -> None:
        """Make this the selection, as soon as it is there."""
        self._wanted = ids
        if not self.canvas.filling:
            self.canvas.select(ids)

    def middle(self, ids: Sequence[str]) -> QPointF | None:
        """The middle of these nodes, also of those that are still coming."""
        graph = self.canvas.graph
        if graph is None or not self.canvas.filling:
            box = self.canvas.box_of(ids)
        else:
            nodes = [graph.nodes[id] for id in ids if id in graph.nodes]
            width, height = NODE_SIZE
            box = around([Box(n.x, n.y, n.x + width, n.y + height) for n in nodes])
        if box is None:
            return None
        return QPointF((box.left + box.right) / 2, (box.top + box.bottom) / 2)

    def frame(self, box: Box | None) -> None:
        """Show all of a part of the scene."""
        self._frame(box, 1.0)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.words.setGeometry(self.viewport().rect())

    # -- a person moves it ---------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._press = self._last = event.position().toPoint()
            self.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            return
        now = event.position().toPoint()
        way, self._last = now - self._last, now
        if (now - self._press).manhattanLength() >= CLICK:
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        self.panned_by.emit(way.x(), way.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        press, self._press = self._press, None
        self.viewport().unsetCursor()
        pixel = event.position().toPoint()
        if press is None or (pixel - press).manhattanLength() >= CLICK:
            return
        at = self.mapToScene(pixel)
        found = hit(self.canvas, at.x(), at.y(), self.zoom)
        if found.kind in ("node", "port", "wire"):
            self.clicked.emit(found.id)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        angle = event.angleDelta().y() or event.angleDelta().x()
        self.zoomed_at.emit(event.position().toPoint(), 1.0015**angle)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        middle = self.viewport().rect().center()
        key = Qt.Key(event.key())
        if key in _WAYS:
            self.panned_by.emit(*_WAYS[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoomed_at.emit(middle, 1.25)
        elif key == Qt.Key.Key_Minus:
            self.zoomed_at.emit(middle, 0.8)
        elif key == Qt.Key.Key_Home:
            self.whole_wanted.emit()
        else:
            event.ignore()


def _values(side: Side, graph: Graph | None) -> Mapping[str, Json]:
    """What the first use of a block gives its parameters."""
    if graph is None:
        return {}
    return values_here(side.document, first_use(side.document, side.report, graph))
