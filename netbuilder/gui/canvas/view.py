"""The canvas: a view of one graph that turns mouse and keys into edits of the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
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
from netbuilder.graph import layout
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json
from netbuilder.gui import theme
from netbuilder.gui.canvas import brushes, edit, hover, keys, search
from netbuilder.gui.canvas.backdrop import EmptyWords
from netbuilder.gui.canvas.edit import LooseEnd
from netbuilder.gui.canvas.editing import EditingView
from netbuilder.gui.canvas.gestures.base import Gesture, Mouse
from netbuilder.gui.canvas.gestures.drop import PaletteDrag
from netbuilder.gui.canvas.gestures.edge import EdgeScroll
from netbuilder.gui.canvas.gestures.pan import Pan
from netbuilder.gui.canvas.gestures.start import start
from netbuilder.gui.canvas.hits import NOTHING, Hit, hit
from netbuilder.gui.canvas.popup import AddPopup


class CanvasView(EditingView):
    """Shows a graph and lets a person edit it. Ids are those of the document."""

    selection_changed = Signal(list)
    """Ids of the selected nodes."""
    graph_edited = Signal()
    open_requested = Signal(str)
    """A node was double-clicked."""
    context_requested = Signal(QPoint)
    """A menu is wanted at this place of the screen; what was under the mouse is selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.used: Counter[str] = Counter()
        """How often each layer was added: the search list ranks by it."""
        self._gesture: Gesture | None = None
        self._edge = EdgeScroll(self)
        self._drag: PaletteDrag | None = None
        self._space = False
        self._loose: LooseEnd | None = None
        self._add_at = QPointF()
        self._hover = NOTHING
        self._views: dict[str, tuple[float, QPointF]] = {}
        self.keymap = keys.usual(self)
        """What its keys do; a window puts its commands in."""
        self.setAccessibleName("Canvas")
        self.popup = AddPopup(self)
        self._words = EmptyWords(self)
        self.popup.chosen.connect(self._add_chosen)
        self.popup.closed.connect(self.setFocus)
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
            self.used.clear()
        self._history = history
        self._hover = NOTHING
        self.canvas.show_graph(document, graph)
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

    # -- adding --------------------------------------------------------------------------

    def start_add(self, scene_pos: QPointF | None = None, from_end: LooseEnd | None = None) -> None:
        """Open the search list; what is chosen is added there, wired to `from_end`."""
        if not self.editable:
            return
        middle = self.viewport().rect().center()
        self._add_at = scene_pos or self.mouse_in_scene() or self.mapToScene(middle)
        self._loose = from_end
        offered = [e for e in search.entries(self.past.document, self.shown) if not e.refusal]
        if from_end is not None:
            offered = [
                entry
                for entry in offered
                if search.fits(entry, needs_input=from_end.output, needs_output=not from_end.output)
            ]
        used = Counter(node.layer for node in self.shown.nodes.values()) + self.used
        self.popup.open_at(self.mapFromScene(self._add_at), offered, used)

    def _add_chosen(self, entry: search.Entry) -> None:
        at, end = self._add_at, self._loose
        middle = (at.x(), at.y())
        if end is not None:
            # The wire that was drawn ends at the new node's port, not under its middle.
            shift = (1 if end.output else -1) * layout.NODE_SIZE[1] / 2
            down = self.canvas.flow == "down"
            middle = (at.x(), at.y() + shift) if down else (at.x() + 3 * shift, at.y())
        self._add(entry.layer, entry.params, middle, end)

    def add(self, layer: str, params: Mapping[str, Json] | None = None) -> None:
        """Add a layer after the selected node, wired to its free output, or in the middle."""
        if not self.editable:
            return
        self.canvas.settle()
        end = edit.free_output(self, layer)
        if end is not None:
            middle = edit.place_after(self, end.node)
        else:
            centre = self.mapToScene(self.viewport().rect().center())
            middle = edit.free_place(self, (centre.x(), centre.y()))
        self._add(layer, params, middle, end)
        self.show_selected()

    def _add(
        self,
        layer: str,
        params: Mapping[str, Json] | None,
        middle: tuple[float, float],
        end: LooseEnd | None,
    ) -> None:
        if end is not None and end.node not in self.shown.nodes:
            end = None
        node = self.edit(lambda: edit.add_layer(self, layer, middle, params=params, end=end))
        if node is not None:
            self.used[layer] += 1
            self.select([node.id])

    def begin_palette_drag(self, layer: str, params: Mapping[str, Json] | None = None) -> None:
        """A layer is being dragged out of the palette."""
        if self.editable:
            self._drag = PaletteDrag(self, layer, params or {})

    def move_palette_drag(self, global_pos: QPoint, *, free: bool = False) -> bool:
        """It is at this place of the screen; True if it can be dropped there."""
        pixel = self.viewport().mapFromGlobal(global_pos)
        inside = self.viewport().rect().contains(pixel) and self.isVisible()
        if self._drag is not None:
            self._drag.move(self.mapToScene(pixel) if inside else None, free=free)
        return inside and self._drag is not None

    def drop_palette_drag(self, global_pos: QPoint, *, free: bool = False) -> None:
        """It was let go: added if it is over the canvas."""
        drag = self._drag
        if drag is None:
            return
        inside = self.move_palette_drag(global_pos, free=free)
        self._drag = None
        if inside:
            self.used[drag.layer] += 1
            drag.drop(self.mapToScene(self.viewport().mapFromGlobal(global_pos)))
        else:
            drag.cancel()

    def cancel_palette_drag(self) -> None:
        drag, self._drag = self._drag, None
        if drag is not None:
            drag.cancel()

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
        left = event.button() == Qt.MouseButton.LeftButton
        if event.button() == Qt.MouseButton.MiddleButton or (left and self._space):
            self._gesture = Pan(self, press, NOTHING)
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
        elif self.editable:
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
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        angle = event.angleDelta().y() or event.angleDelta().x()
        self.zoom_at(event.position().toPoint(), 1.0015**angle)
        self.go_on()
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        found = self._hit(self.viewport().mapFromGlobal(event.globalPos()))
        if found.id and found.id not in self.canvas.selection:
            self.select([found.id])
        self.context_requested.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._gesture is not None:
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
