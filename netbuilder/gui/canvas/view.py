"""The canvas: a view of one graph that turns mouse and keys into edits of the document."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from netbuilder.compiler.report import Report
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.gui.canvas import brushes, framing, hover, keys
from netbuilder.gui.canvas.backdrop import EmptyWords
from netbuilder.gui.canvas.gestures.base import Gesture, Modifiers, Mouse
from netbuilder.gui.canvas.gestures.cut import CutWires
from netbuilder.gui.canvas.gestures.edge import EdgeScroll
from netbuilder.gui.canvas.gestures.pan import Pan
from netbuilder.gui.canvas.gestures.start import start
from netbuilder.gui.canvas.hits import NOTHING, Hit, hit
from netbuilder.gui.canvas.wiring_view import WiringView
from netbuilder.gui.look import theme


class CanvasView(WiringView):
    """Shows a graph and lets a person edit it. Ids are those of the document."""

    selection_changed = Signal(list)
    """Ids of the selected nodes."""
    graph_edited = Signal()
    open_requested = Signal(str)
    """A node was double-clicked."""
    leave_requested = Signal()
    """Back to the graph in which the shown block is used."""
    context_requested = Signal(QPoint)
    """A menu is wanted at this place of the screen, for what is `pointed` at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gesture: Gesture | None = None
        self._edge = EdgeScroll(self)
        self._space = False
        self._hover = NOTHING
        self._views: dict[str, tuple[float, QPointF]] = {}
        self.keymap = keys.usual(self)
        """What its keys do; a window puts its commands in."""
        self.setAccessibleName("Canvas")
        self._words = EmptyWords(self)
        self.canvas.selection_changed.connect(self._tell_selection)
        self.canvas.changed_graph.connect(self._graph_changed)
        theme.notifier.changed.connect(self._restyle)

    # -- what is shown -------------------------------------------------------------------

    def set_graph(
        self, document: Document | None, history: History | None, graph: Graph | None
    ) -> None:
        """Show a graph of a document, or nothing. The view of each graph is remembered."""
        self.cancel_gesture()
        self.popup.close_list()
        shown = self.canvas.graph
        if shown is not None:
            self._views[shown.id] = (self.zoom, self.mapToScene(self.viewport().rect().center()))
        if history is not self._history:
            self._views.clear()
        self._history = history
        self._hover = NOTHING
        self.canvas.show_graph(document, graph)
        self.minimap.start_over()
        self._show_words()
        if graph is None:
            return
        if graph.id in self._views:
            zoom, middle = self._views[graph.id]
            self._set_zoom(zoom)
            self.centerOn(middle)
        else:
            self._first_look()
        self.refresh()

    def set_report(self, report: Report | None) -> None:
        """Show the shapes, counts and problems of a report."""
        self.canvas.set_report(report)
        self.refresh()

    def _tell_selection(self) -> None:
        self.selection_changed.emit(self.canvas.selected_nodes())
        self.refresh()

    def _graph_changed(self) -> None:
        self._show_words()
        self.refresh()
        self.graph_edited.emit()

    def _restyle(self) -> None:
        self.setBackgroundBrush(theme.current().surface)
        self.canvas.restyle()
        self.viewport().update()

    def _show_words(self) -> None:
        graph = self.canvas.graph
        self._words.setVisible(graph is not None and not graph.nodes and not graph.unreadable)
        self._words.setGeometry(self.viewport().rect())

    # -- events --------------------------------------------------------------------------

    def _state(self, pixel: QPoint, modifiers: Qt.KeyboardModifier) -> Mouse:
        return Mouse(self.mapToScene(pixel), pixel, modifiers)

    def _hit(self, pixel: QPoint) -> Hit:
        at = self.mapToScene(pixel)
        return hit(self.canvas, at.x(), at.y(), self.zoom)

    def cancel_gesture(self) -> None:
        """Call off what the mouse is doing."""
        gesture, self._gesture = self._gesture, None
        self._edge.stop()
        if gesture is not None:
            gesture.cancel()
            self.viewport().unsetCursor()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._gesture is not None:
            self.cancel_gesture()
            return
        pixel = event.position().toPoint()
        press = self._state(pixel, event.modifiers())
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.pointed = None
        left = event.button() == Qt.MouseButton.LeftButton
        right = event.button() == Qt.MouseButton.RightButton
        if event.button() == Qt.MouseButton.MiddleButton or (left and self._space):
            self._gesture = Pan(self, press, NOTHING)
        elif self.editable and (
            (right and press.holds(Modifiers.ControlModifier)) or (left and self.cutting)
        ):
            self.cutting = False
            self._gesture = CutWires(self, press, NOTHING)
        elif left and self.editable:
            self.hint.hide()
            self.canvas.settle()
            self._gesture = start(self, press, self._hit(pixel))
        if self._gesture is not None and self._gesture.cursor is not None:
            self.viewport().setCursor(self._gesture.cursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse = event.position().toPoint()
        if self._gesture is not None:
            self._gesture.follow(self._state(self._mouse, event.modifiers()))
            if self._gesture is not None and self._gesture.dragged and self._gesture.scrolls:
                self._edge.watch(self._mouse)
        elif self.editable and not self.cutting:
            self._hover = hover.follow(self, self._hover, self._hit(self._mouse), self._mouse)

    def go_on(self) -> None:
        """The view has moved under a mouse that stands still: a drag goes on there."""
        if self._gesture is not None and self._gesture.scrolls and self._mouse is not None:
            held = QGuiApplication.keyboardModifiers()
            self._gesture.follow(self._state(self._mouse, held))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        gesture, self._gesture = self._gesture, None
        self._edge.stop()
        if gesture is not None:
            self.viewport().unsetCursor()
            gesture.finish(self._state(event.position().toPoint(), event.modifiers()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self.editable:
            return
        pixel = event.position().toPoint()
        found = self._hit(pixel)
        if found.kind == "node":
            self.open_requested.emit(found.id)
        elif found.kind == "nothing":
            self.start_add(self.mapToScene(pixel))
        elif found.kind == "wire":
            self.add_dot(found.id, self.mapToScene(pixel))
        elif found.kind == "frame":
            framing.edit_text(self, found.id)
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        angle = event.angleDelta().y() or event.angleDelta().x()
        self.zoom_at(event.position().toPoint(), 1.0015**angle)
        self.go_on()
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        held = event.modifiers() & Modifiers.ControlModifier
        if self._gesture is not None or held or not self.editable:
            # The right button cuts wires; platforms differ in when they ask for a menu.
            return
        self._hover = hover.follow(self, self._hover, NOTHING, QPoint())
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        pixel = self.viewport().mapFromGlobal(event.globalPos())
        if by_key:
            pixel = self.pixel_of_selection() or pixel
        self.point_at(self._hit(pixel), self.mapToScene(pixel))
        self.context_requested.emit(self.viewport().mapToGlobal(pixel))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and (self._gesture is not None or self.cutting):
            self.stop_cutting()
            self.cancel_gesture()
        elif event.key() == Qt.Key.Key_Space and not event.modifiers():
            if not event.isAutoRepeat():
                self._space, self.panned = True, False
                self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        elif self._gesture is not None or not keys.press(self, event):
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space or event.isAutoRepeat() or not self._space:
            event.ignore()
            return
        self._space = False
        self.viewport().unsetCursor()
        if not self.panned and self._gesture is None:
            self.start_add()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A Space that is let go elsewhere is not heard here."""
        if self._space and self._gesture is None:
            self._space = False
            self.viewport().unsetCursor()
        super().focusOutEvent(event)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab adds a layer; Shift+Tab leaves the canvas."""
        return False if next else super().focusNextPrevChild(next)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            if self._gesture is None:
                hover.explain(self, self._hit(event.pos()), event.pos())
            return True
        if event.type() == QEvent.Type.Leave:
            self._mouse = None
            if self._gesture is None:
                self._hover = hover.follow(self, self._hover, NOTHING, QPoint())
        return super().viewportEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ApplicationFontChange:
            brushes.forget()
            self.canvas.restyle()
        super().changeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._unframed:
            self._first_look()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._words.setGeometry(self.viewport().rect())
