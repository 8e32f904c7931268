"""The canvas: a view of one graph that turns mouse and keys into edits of the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsView, QWidget

from netbuilder.compiler.report import Report
from netbuilder.errors import ChangeError
from netbuilder.graph import edits, layout, rules
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json, Node
from netbuilder.gui import theme
from netbuilder.gui.canvas import brushes, clipboard, edit, hover, keys, search
from netbuilder.gui.canvas.backdrop import EmptyWords, paint_dots
from netbuilder.gui.canvas.edit import LooseEnd
from netbuilder.gui.canvas.far import FAR_BELOW, FarPainter
from netbuilder.gui.canvas.gestures.base import Gesture, Mouse
from netbuilder.gui.canvas.gestures.drop import PaletteDrag
from netbuilder.gui.canvas.gestures.pan import Pan
from netbuilder.gui.canvas.gestures.start import start
from netbuilder.gui.canvas.hint import Hint
from netbuilder.gui.canvas.hits import NOTHING, Hit, hit
from netbuilder.gui.canvas.places import Box
from netbuilder.gui.canvas.popup import AddPopup
from netbuilder.gui.canvas.rename import RenameField
from netbuilder.gui.canvas.scene import CanvasScene

T = TypeVar("T")

MIN_ZOOM, MAX_ZOOM = 0.04, 4.0
LEGIBLE = 0.5
"""A zoom at which names can be read."""
SPACE = 500_000.0
"""Half the side of the world in which the view can be moved, in scene units."""


class CanvasView(QGraphicsView):
    """Shows a graph and lets a person edit it. Ids are those of the document."""

    selection_changed = Signal(list)
    """Ids of the selected nodes."""
    graph_edited = Signal()
    open_requested = Signal(str)
    """A node was double-clicked."""
    context_requested = Signal(QPoint)
    """A menu is wanted at this place of the screen; what was under the mouse is selected."""
    message = Signal(str)
    """Why something was refused, in words for a person."""
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = CanvasScene(self)
        self.setScene(self.canvas)
        self.zoom = 1.0
        self.used: Counter[str] = Counter()
        """How often each layer was added: the search list ranks by it."""
        self._history: History | None = None
        self._gesture: Gesture | None = None
        self._drag: PaletteDrag | None = None
        self._space = False
        self._panned = False
        self._loose: LooseEnd | None = None
        self._add_at = QPointF()
        self._mouse: QPoint | None = None
        self._hover = NOTHING
        self._views: dict[str, tuple[float, QPointF]] = {}
        self._unframed = False
        self._far = FarPainter()
        self.setAccessibleName("Canvas")
        self._set_up()
        self.hint = Hint(self)
        self.popup = AddPopup(self)
        self.renamer = RenameField(self)
        self._words = EmptyWords(self)
        self.popup.chosen.connect(self._add_chosen)
        self.popup.closed.connect(self.setFocus)
        self.canvas.selection_changed.connect(self._tell_selection)
        self.canvas.changed_graph.connect(self._graph_changed)
        theme.notifier.changed.connect(self._restyle)

    def _set_up(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setInteractive(False)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontSavePainterState, False)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.BoundingRectViewportUpdate)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSceneRect(-SPACE, -SPACE, 2 * SPACE, 2 * SPACE)
        self.setBackgroundBrush(theme.current().surface)

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

    @property
    def shown(self) -> Graph:
        """The graph that is shown; there is one whenever an edit is possible."""
        assert self.canvas.graph is not None
        return self.canvas.graph

    @property
    def past(self) -> History:
        """The history of the document that is shown."""
        assert self._history is not None
        return self._history

    @property
    def editable(self) -> bool:
        return self._history is not None and self.canvas.graph is not None

    def edit(self, change: Callable[[], T]) -> T | None:
        """Make a change and bring the picture up to date; a refusal becomes a message."""
        try:
            return change()
        except ChangeError as error:
            self.message.emit(str(error))
            return None
        finally:
            self.canvas.settle()
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

    # -- selection and edits: what menus and keys call -----------------------------------

    def select(self, ids: Iterable[str]) -> None:
        """Select these nodes, wires and frames, and nothing else."""
        self.canvas.select(ids)

    def selection(self) -> list[str]:
        """Ids of the selected nodes."""
        return self.canvas.selected_nodes()

    def select_all(self) -> None:
        self.canvas.select([*self.canvas.nodes, *self.canvas.frames])

    def copy(self) -> None:
        if self.editable:
            clipboard.copy(self, self.selection())

    def cut(self) -> None:
        if self.selection():
            self.copy()
            self.delete()

    def paste(self, keep_inputs: bool = False) -> None:
        if self.editable:
            added = self.edit(lambda: clipboard.paste(self, keep_inputs=keep_inputs))
            self._select_added(added)

    def duplicate(self) -> None:
        if self.selection():
            self._select_added(self.edit(lambda: clipboard.duplicate(self, self.selection())))

    def _select_added(self, added: list[Node] | None) -> None:
        if added:
            self.select([node.id for node in added])

    def delete(self, reconnect: bool = False) -> None:
        """Delete what is selected; with `reconnect`, what fed it feeds what it fed."""
        chosen = sorted(self.canvas.selection)
        if chosen and self.editable:
            self.edit(lambda: edits.delete(self.past, self.shown, chosen, reconnect=reconnect))

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selected nodes and frames by scene units; repeated nudges are one step."""
        graph = self.canvas.graph
        if graph is None:
            return
        items = {id: graph.nodes.get(id) or graph.frames.get(id) for id in self.canvas.selection}
        places = {id: (item.x + dx, item.y + dy) for id, item in items.items() if item is not None}
        if places:
            merge = ("nudge", tuple(sorted(places)))
            self.edit(lambda: edits.move(self.past, graph, places, merge=merge))

    def tidy(self) -> None:
        """Lay out the selected nodes if there are several, else the whole graph."""
        if not self.editable:
            return
        chosen = self.selection()
        sizes = {id: (item.width, item.height) for id, item in self.canvas.nodes.items()}
        only = chosen if len(chosen) > 1 else ()
        self.edit(lambda: layout.tidy(self.past, self.shown, sizes, only))
        if not only:
            self.frame_all()

    def rename(self) -> None:
        """Edit the name of the one selected node where it stands."""
        chosen = self.selection()
        if len(chosen) != 1 or not self.editable:
            return
        node, graph = chosen[0], self.shown
        box = self.canvas.nodes[node].box
        corner = self.mapFromScene(QPointF(box.left + 36, box.top + 6))
        width = max(150, round((box.right - box.left - 44) * self.zoom))
        place = QRect(corner, QPoint(corner.x() + width, corner.y() + 26))
        self.renamer.open_at(
            place,
            graph.nodes[node].name,
            lambda name: rules.name_refusal(graph, name, node),
            lambda name: self._take_name(node, name),
            self._complain,
        )

    def _take_name(self, node: str, name: str) -> None:
        if self.editable and node in self.shown.nodes:
            self.edit(lambda: edits.rename(self.past, self.shown, node, name))

    def _complain(self, reason: str | None) -> None:
        if reason:
            self.hint.show_at(self.renamer.geometry().bottomLeft(), reason, "error")
        else:
            self.hint.hide()

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
        self._show_selected()

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

    def _show_selected(self) -> None:
        box = self.canvas.box_of(self.canvas.selection)
        if box is not None:
            rect = QRectF(QPointF(box.left, box.top), QPointF(box.right, box.bottom))
            self.ensureVisible(rect, 32, 48)

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

    # -- the view ------------------------------------------------------------------------

    @property
    def far(self) -> bool:
        """Whether everything is painted at once, from afar."""
        return self.zoom < FAR_BELOW

    def refresh(self) -> None:
        """Repaint from afar: there items don't ask for it themselves."""
        if self.far:
            self.viewport().update()

    def mouse_in_scene(self) -> QPointF | None:
        """Where the mouse is, if it is over the canvas."""
        return None if self._mouse is None else self.mapToScene(self._mouse)

    def pan_by(self, dx: int, dy: int) -> None:
        """Move the picture by pixels."""
        self._panned = True
        across, along = self.horizontalScrollBar(), self.verticalScrollBar()
        across.setValue(across.value() - dx)
        along.setValue(along.value() - dy)

    def zoom_at(self, pixel: QPoint, factor: float) -> None:
        """Zoom so that the scene point under `pixel` stays there."""
        fixed = self.mapToScene(pixel)
        self._set_zoom(self.zoom * factor)
        way = self.mapFromScene(fixed) - pixel
        self.pan_by(-way.x(), -way.y())

    def set_zoom(self, zoom: float) -> None:
        """Zoom at the middle; 1 shows a scene unit as a pixel."""
        self.zoom_at(self.viewport().rect().center(), zoom / self.zoom)

    def _set_zoom(self, zoom: float) -> None:
        zoom = min(max(zoom, MIN_ZOOM), MAX_ZOOM)
        if abs(zoom - 1.0) < 0.02:
            zoom = 1.0
        if zoom != self.zoom:
            self.zoom = zoom
            self.setTransform(QTransform.fromScale(zoom, zoom))
            self.zoom_changed.emit(zoom)
            self.viewport().update()

    def frame_all(self) -> None:
        """Zoom and move so that the whole graph is seen."""
        self._frame(self.canvas.box_of([*self.canvas.nodes, *self.canvas.frames]), 1.0)

    def _first_look(self) -> None:
        """All of a graph, or the beginning of one that could not be read as a whole."""
        self.frame_all()
        box = self.canvas.places.bounds()
        if box is not None and self.zoom < LEGIBLE:
            self._set_zoom(1.0)
            room = self.mapToScene(self.viewport().rect()).boundingRect()
            if self.canvas.flow == "down":
                first = min(self.canvas.nodes.values(), key=lambda item: item.y())
                self.centerOn(first.x() + first.width / 2, box.top - 48 + room.height() / 2)
            else:
                first = min(self.canvas.nodes.values(), key=lambda item: item.x())
                self.centerOn(box.left - 48 + room.width() / 2, first.y() + first.height / 2)

    def frame_selection(self) -> None:
        """Zoom and move so that the selection is seen; without one, everything."""
        box = self.canvas.box_of(self.canvas.selection)
        if box is None:
            self.frame_all()
        else:
            self._frame(box, 1.5)

    def _frame(self, box: Box | None, most: float) -> None:
        # Before the first layout the size says nothing: do it when the view is shown.
        self._unframed = not self.isVisible()
        room = self.viewport().rect()
        if box is None:
            self._set_zoom(1.0)
            self.centerOn(0, 0)
            return
        width, height = box.right - box.left + 96, box.bottom - box.top + 96
        self._set_zoom(min(room.width() / width, room.height() / height, most))
        self.centerOn((box.left + box.right) / 2, (box.top + box.bottom) / 2)

    def center_on(self, node: str) -> None:
        """Bring a node into the middle, near enough to be read."""
        if node in self.canvas.nodes:
            if self.zoom < 0.6:
                self._set_zoom(1.0)
            box = self.canvas.nodes[node].box
            self.centerOn((box.left + box.right) / 2, (box.top + box.bottom) / 2)

    # -- events --------------------------------------------------------------------------

    def _state(self, pixel: QPoint, modifiers: Qt.KeyboardModifier) -> Mouse:
        return Mouse(self.mapToScene(pixel), pixel, modifiers)

    def _hit(self, pixel: QPoint) -> Hit:
        at = self.mapToScene(pixel)
        return hit(self.canvas, at.x(), at.y(), self.zoom)

    def cancel_gesture(self) -> None:
        """Call off what the mouse is doing."""
        gesture, self._gesture = self._gesture, None
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
        elif self.editable:
            self._hover = hover.follow(self, self._hover, self._hit(self._mouse), self._mouse)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        gesture, self._gesture = self._gesture, None
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
        if self._gesture is None or isinstance(self._gesture, Pan):
            self.zoom_at(event.position().toPoint(), 1.0015**angle)
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
                self._space, self._panned = True, False
                self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        elif not self.editable or self._gesture is not None or not keys.press(self, event):
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space or event.isAutoRepeat() or not self._space:
            event.ignore()
            return
        self._space = False
        self.viewport().unsetCursor()
        if not self._panned and self._gesture is None:
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

    # -- painting ------------------------------------------------------------------------

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        paint_dots(painter, QRectF(rect), self.zoom)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.far:
            super().paintEvent(event)
            return
        painter = QPainter(self.viewport())
        painter.setRenderHints(self.renderHints())
        painter.setTransform(self.viewportTransform())
        paint_dots(painter, self.mapToScene(event.rect()).boundingRect(), self.zoom)
        self._far.paint(painter, self.canvas, self.zoom)
        painter.end()
