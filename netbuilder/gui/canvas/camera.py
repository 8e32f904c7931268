"""A view that can be moved and zoomed, and paints less the farther away it is."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QTransform
from PySide6.QtWidgets import QFrame, QGraphicsView, QWidget

from netbuilder.graph import layout
from netbuilder.graph.places import Box
from netbuilder.gui.canvas import brushes
from netbuilder.gui.canvas.backdrop import paint_dots
from netbuilder.gui.canvas.far import FAR_BELOW, FarPainter
from netbuilder.gui.canvas.scene import CanvasScene
from netbuilder.gui.canvas.wire_item import Screen
from netbuilder.gui.look import theme

MIN_ZOOM, MAX_ZOOM = 0.04, 4.0
LEGIBLE = 0.5
"""A zoom at which names can be read."""
SPACE = 500_000.0
"""Half the side of the world in which the view can be moved, in scene units."""


@dataclass(frozen=True, slots=True)
class Look:
    """Where a view looks: its zoom and the scene point in its middle."""

    zoom: float
    x: float
    y: float


class Camera(QGraphicsView):
    """Looks at a `CanvasScene`. Zoom 1 shows a scene unit as a pixel."""

    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = CanvasScene(self)
        self.canvas.sight = self._sight
        self.canvas.filled.connect(lambda: self.viewport().update())
        self.setScene(self.canvas)
        self.zoom = 1.0
        self.panned = False
        """Set by every pan; who wants to know of the next one clears it."""
        self._mouse: QPoint | None = None
        self._unframed = False
        self._far = FarPainter()
        self._set_up()

    def _set_up(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setInteractive(False)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontSavePainterState, False)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.BoundingRectViewportUpdate)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSceneRect(-SPACE, -SPACE, 2 * SPACE, 2 * SPACE)
        self.setBackgroundBrush(theme.current().surface)

    @property
    def far(self) -> bool:
        """Whether everything is painted at once, from afar."""
        return self.zoom < FAR_BELOW

    def refresh(self) -> None:
        """Repaint from afar: there items don't ask for it themselves."""
        if self.far:
            self.viewport().update()

    def _sight(self) -> Box:
        """What of the scene is seen."""
        rect = self.mapToScene(self.viewport().rect()).boundingRect()
        return Box(rect.left(), rect.top(), rect.right(), rect.bottom())

    def mouse_in_scene(self) -> QPointF | None:
        """Where the mouse is, if it is over the canvas."""
        return None if self._mouse is None else self.mapToScene(self._mouse)

    def pan_by(self, dx: int, dy: int) -> None:
        """Move the picture by pixels."""
        self.panned = True
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
        self._frame(self.canvas.extent(), 1.0)

    def _first_look(self) -> None:
        """All of a graph, or the beginning of one that could not be read as a whole."""
        self.frame_all()
        box, graph = self.canvas.extent(), self.canvas.graph
        if box is not None and graph is not None and graph.nodes and self.zoom < LEGIBLE:
            self._set_zoom(1.0)
            room = self.mapToScene(self.viewport().rect()).boundingRect()
            width, height = layout.NODE_SIZE
            if self.canvas.flow == "down":
                first = min(graph.nodes.values(), key=lambda node: node.y)
                self.centerOn(first.x + width / 2, first.y - 48 + room.height() / 2)
            else:
                first = min(graph.nodes.values(), key=lambda node: node.x)
                self.centerOn(first.x - 48 + room.width() / 2, first.y + height / 2)

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

    def show_selected(self) -> None:
        """Move as little as needed to bring the selection into sight."""
        box = self.canvas.box_of(self.canvas.selection)
        if box is not None:
            rect = QRectF(QPointF(box.left, box.top), QPointF(box.right, box.bottom))
            self.ensureVisible(rect, 32, 48)

    def center_on(self, id: str) -> None:
        """Bring a node or frame into the middle, near enough to be read."""
        box = self.canvas.box_of([id])
        if box is not None:
            if self.zoom < 0.6:
                self._set_zoom(1.0)
            self.centerOn((box.left + box.right) / 2, (box.top + box.bottom) / 2)

    def look(self) -> Look:
        """Where the view looks now."""
        middle = self.mapToScene(self.viewport().rect().center())
        return Look(self.zoom, middle.x(), middle.y())

    def look_at(self, look: Look) -> None:
        """Look there again."""
        self._set_zoom(look.zoom)
        self.centerOn(look.x, look.y)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.DevicePixelRatioChange, QEvent.Type.Show):
            self._fit_screen()
        return super().event(event)

    def _fit_screen(self) -> None:
        """Lines are measured in pixels of the screen, of which a fine one has more."""
        ratio = max(1.0, self.devicePixelRatioF())
        if ratio != Screen.ratio:
            Screen.ratio = ratio
            brushes.forget()
            self.canvas.restyle()

    # -- painting ------------------------------------------------------------------------

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        paint_dots(painter, QRectF(rect), self.zoom)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.far:
            self.canvas.settle_sight()
            super().paintEvent(event)
            return
        painter = QPainter(self.viewport())
        painter.setRenderHints(self.renderHints())
        painter.setTransform(self.viewportTransform())
        paint_dots(painter, self.mapToScene(event.rect()).boundingRect(), self.zoom)
        self._far.paint(painter, self.canvas, self.zoom)
        painter.end()
