"""The whole graph in a corner of the canvas, with what of it is in sight. Drag it to go there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PySide6.QtWidgets import QWidget

from netbuilder.graph.layout import NODE_SIZE
from netbuilder.graph.model import Node
from netbuilder.gui.canvas.brushes import brushes, faded
from netbuilder.gui.canvas.frame_item import tint
from netbuilder.gui.look import theme
from netbuilder.layers import catalogue
from netbuilder.layers.base import Family

if TYPE_CHECKING:
    from netbuilder.gui.canvas.camera import Camera

SIZE = QSize(200, 136)
MARGIN, INNER = 12, 8
LEAST_ROOM = QSize(520, 340)
"""In a smaller canvas it would be in the way."""
REST_MS = 120
"""So long nothing may change before it is drawn anew, unless the wait gets long."""
WAIT_S = 0.6
SLICE_S = 0.004
BATCH = 250
MANY = 200
"""With more nodes in sight some are hidden wherever it stands."""


class Minimap(QWidget):
    """Keeps a picture of the graph, drawn in slices of a few milliseconds after edits."""

    def __init__(self, camera: Camera) -> None:
        super().__init__(camera)
        self.setObjectName("minimap")
        self.setAccessibleName("Map of the graph")
        self.setFixedSize(SIZE)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._camera = camera
        self._wanted = True
        self._world = QRectF()
        """What of the scene the picture shows."""
        self._picture: QPixmap | None = None
        self._work: Iterator[None] | None = None
        self._since = 0.0
        self._grip: QPointF | None = None
        self._corner = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw)
        canvas = camera.canvas
        canvas.changed_graph.connect(self.refresh)
        canvas.selection_changed.connect(self.refresh)
        canvas.filled.connect(self.refresh)
        camera.zoom_changed.connect(self.follow)
        camera.horizontalScrollBar().valueChanged.connect(self.follow)
        camera.verticalScrollBar().valueChanged.connect(self.follow)
        theme.notifier.changed.connect(self.refresh)
        camera.installEventFilter(self)
        self.hide()

    @property
    def wanted(self) -> bool:
        """Whether it is shown where there is something to show."""
        return self._wanted

    def set_wanted(self, wanted: bool) -> None:
        """Show it, or leave it away."""
        self._wanted = wanted
        self.refresh()
        self.follow()

    # -- the picture ---------------------------------------------------------------------

    def start_over(self) -> None:
        """Another graph is shown."""
        self._picture = None
        self._corner = 0
        self.hide()
        self.refresh()

    def refresh(self) -> None:
        """The graph has changed: draw it anew after a moment."""
        now = perf_counter()
        if not self._timer.isActive() and self._work is None:
            self._since = now
        self._work = None
        if not self._wanted or self._camera.canvas.graph is None:
            self._timer.stop()
            self.hide()
        elif now - self._since < WAIT_S or not self._timer.isActive():
            self._timer.start(REST_MS)

    def _draw(self) -> None:
        """A slice of the drawing, and the next one soon after."""
        if self._work is None:
            self._work = self._drawing()
        end = perf_counter() + SLICE_S
        for _ in self._work:
            if perf_counter() > end:
                self._timer.start(1)
                return
        self._work = None
        self._corner = self._free_corner()
        self.follow()
        self.update()

    def _drawing(self) -> Iterator[None]:
        """Draws a new picture bit by bit and puts it in place of the old one."""
        canvas = self._camera.canvas
        graph = canvas.graph
        if graph is None or not (graph.nodes or graph.frames):
            self._picture = None
            return
        nodes = list(graph.nodes.values())
        world = QRectF()
        for frame in graph.frames.values():
            world = world.united(QRectF(frame.x, frame.y, frame.width, frame.height))
        world = world.united(self._extent(nodes))
        yield
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        scale, shift = _fitting(world, self.size())
        painter = QPainter(picture)
        try:
            painter.translate(shift)
            painter.scale(scale, scale)
            painter.setPen(Qt.PenStyle.NoPen)
            for frame in graph.frames.values():
                painter.setBrush(faded(tint(frame.color), 0.25))
                painter.drawRect(QRectF(frame.x, frame.y, frame.width, frame.height))
            for at in range(0, len(nodes), BATCH):
                self._paint_nodes(painter, nodes[at : at + BATCH], scale)
                yield
            chosen = [graph.nodes[id] for id in canvas.selection if id in graph.nodes]
            painter.setBrush(brushes().accent)
            for at in range(0, len(chosen), BATCH):
                painter.drawRects([self._rect(one, scale) for one in chosen[at : at + BATCH]])
                yield
        finally:
            # Also when the drawing is dropped for a newer one.
            painter.end()
        self._world, self._picture = world, picture

    def _extent(self, nodes: Sequence[Node]) -> QRectF:
        """The rectangle around the nodes."""
        if not nodes:
            return QRectF()
        items, (width, height) = self._camera.canvas.nodes, NODE_SIZE
        left, top = min([node.x for node in nodes]), min([node.y for node in nodes])
        right = max([n.x + (items[n.id].width if n.id in items else width) for n in nodes])
        bottom = max([n.y + (items[n.id].height if n.id in items else height) for n in nodes])
        return QRectF(left, top, right - left, bottom - top)

    def _paint_nodes(self, painter: QPainter, nodes: Sequence[Node], scale: float) -> None:
        """Those of a family together; nothing is kept, so that nothing has to be cleaned up."""
        rects: dict[str, list[QRectF]] = {}
        for node in nodes:
            rects.setdefault(_family(node.layer), []).append(self._rect(node, scale))
        for family, found in rects.items():
            painter.setBrush(brushes().family(family))
            painter.drawRects(found)

    def _rect(self, node: Node, scale: float) -> QRectF:
        """A node's card; one that would be too small to be seen gets a pixel and a half."""
        item, least = self._camera.canvas.nodes.get(node.id), 1.5 / scale
        width, height = (item.width, item.height) if item is not None else NODE_SIZE
        return QRectF(node.x, node.y, max(width, least), max(height, least))

    # -- the view ------------------------------------------------------------------------

    def follow(self) -> None:
        """The view has moved: show where it is; nothing is needed while all is in sight."""
        camera = self._camera
        seen = camera.mapToScene(camera.viewport().rect()).boundingRect()
        room = camera.size()
        large = room.width() >= LEAST_ROOM.width() and room.height() >= LEAST_ROOM.height()
        wanted = self._wanted and large and self._picture is not None
        wanted = wanted and camera.canvas.graph is not None
        shown = wanted and (self._grip is not None or not seen.contains(self._world))
        if shown != self.isVisibleTo(camera):
            self.setVisible(shown)
        if shown:
            self.move(self._corners()[self._corner].topLeft())
            self.update()

    def _corners(self) -> list[QRect]:
        """Where it may stand: right and left at the bottom, then at the top."""
        right = self._camera.width() - self.width() - MARGIN
        bottom = self._camera.height() - self.height() - MARGIN
        places = ((right, bottom), (MARGIN, bottom), (right, MARGIN), (MARGIN, MARGIN))
        return [QRect(QPoint(x, y), self.size()) for x, y in places]

    def _free_corner(self) -> int:
        """The corner where it hides least of the nodes in sight; it stays if that is no worse.

        Asked when the graph has changed, not when the view moves: it would jump about.
        """
        camera = self._camera
        graph = camera.canvas.graph
        seen = camera.mapToScene(camera.viewport().rect()).boundingRect()
        left, right = seen.left() - NODE_SIZE[0], seen.right()
        top, bottom = seen.top() - NODE_SIZE[1], seen.bottom()
        nodes = graph.nodes.values() if graph is not None else ()
        near = [node for node in nodes if left < node.x < right and top < node.y < bottom]
        if len(near) > MANY:
            return self._corner
        hidden = []
        for place in self._corners():
            area = camera.mapToScene(place).boundingRect()
            shared = [area & self._rect(node, camera.zoom) for node in near]
            hidden.append(sum(part.width() * part.height() for part in shared))
        return min(range(4), key=lambda at: (hidden[at], at != self._corner))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._camera and event.type() == QEvent.Type.Resize:
            self.follow()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._picture is None:
            return
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(tokens.border)
        painter.setBrush(faded(tokens.panel, 0.94))
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, theme.RADIUS, theme.RADIUS)
        painter.drawPixmap(0, 0, self._picture)
        painter.setPen(tokens.accent)
        painter.setBrush(faded(tokens.accent, 0.10))
        painter.drawRect(self.sight().intersected(frame.adjusted(1, 1, -1, -1)))
        painter.end()

    def sight(self) -> QRectF:
        """What is in sight, as a rectangle of this widget."""
        camera = self._camera
        seen = camera.mapToScene(camera.viewport().rect()).boundingRect()
        scale, shift = _fitting(self._world, self.size())
        corner = QPointF(seen.x() * scale, seen.y() * scale) + shift
        return QRectF(corner.x(), corner.y(), seen.width() * scale, seen.height() * scale)

    # -- the mouse -----------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at, sight = event.position(), self.sight()
        # The rectangle is held where it was grabbed; elsewhere its middle comes to the mouse.
        self._grip = at - sight.center() if sight.contains(at) else QPointF()
        self._go(at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None:
            self._go(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None
        self.follow()

    def wheelEvent(self, event: QWheelEvent) -> None:
        middle = self._camera.viewport().rect().center()
        self._camera.zoom_at(middle, 1.0015 ** event.angleDelta().y())
        event.accept()

    def _go(self, at: QPointF) -> None:
        scale, shift = _fitting(self._world, self.size())
        target = (at - (self._grip or QPointF()) - shift) / scale
        self._camera.centerOn(target)
        self._camera.panned = True
        self.follow()


def _fitting(world: QRectF, size: QSize) -> tuple[float, QPointF]:
    """Scale and shift that bring a part of the scene into the widget."""
    width, height = max(world.width(), 1.0), max(world.height(), 1.0)
    scale = min((size.width() - 2 * INNER) / width, (size.height() - 2 * INNER) / height, 0.12)
    middle = world.center()
    shift = QPointF(size.width() / 2 - middle.x() * scale, size.height() / 2 - middle.y() * scale)
    return scale, shift


def _family(layer: str) -> str:
    kind = catalogue.find(layer)
    return (kind.family if kind is not None else Family.UNKNOWN).value
