"""A node on the canvas: one item that paints its card, ports and texts itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QStaticText
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from netbuilder.graph.layout import Flow
from netbuilder.graph.places import Box
from netbuilder.gui.canvas.brushes import brushes
from netbuilder.gui.canvas.face import Face
from netbuilder.gui.canvas.node_paint import Texts, paint_node
from netbuilder.gui.canvas.node_shape import PortKey, measure

if TYPE_CHECKING:
    from netbuilder.gui.canvas.shading import Shade


class NodeItem(QGraphicsItem):
    """Geometry and picture of one node. It handles no events; the view's gestures do."""

    def __init__(self, id: str, face: Face, flow: Flow) -> None:
        super().__init__()
        self.id = id
        self.face = face
        self.flow = flow
        self.selected = False
        self.hovered = False
        self.dimmed = False
        self.offered: bool | None = None
        """The side whose ports a wire that is being drawn may end at: True for outputs."""
        self.hot: tuple[bool, str] | None = None
        """The port under the mouse: whether an output, and its name."""
        self.running = False
        """Whether its weights are being trained."""
        self.shade: Shade | None = None
        """A colour that tells a figure, instead of the card's own."""
        self.width = self.height = 0.0
        self.ports: dict[PortKey, QPointF] = {}
        self.shapes: list[tuple[QPointF, str]] = []
        self._bounds = QRectF()
        # Prepared by the first painting.
        self.texts: Texts | None = None
        self.large: QStaticText | None = None
        self._measure()

    # -- contents ------------------------------------------------------------------------

    def set_face(self, face: Face, flow: Flow) -> bool:
        """Show something else; True if the size or the ports have changed."""
        if face == self.face and flow == self.flow:
            return False
        before = (self.width, self.height, self.ports)
        self.face, self.flow = face, flow
        self.prepareGeometryChange()
        self._measure()
        self.update()
        return before != (self.width, self.height, self.ports)

    def restyle(self) -> None:
        """Measure again after the theme or a font has changed."""
        self.prepareGeometryChange()
        self._measure()
        self.update()

    def set_state(
        self,
        *,
        selected: bool | None = None,
        hovered: bool | None = None,
        dimmed: bool | None = None,
        running: bool | None = None,
    ) -> None:
        """Change how the node stands out."""
        if selected is not None and selected != self.selected:
            self.selected = selected
            self.update()
        if hovered is not None and hovered != self.hovered:
            self.hovered = hovered
            self.setZValue(1.0 if hovered else 0.0)
            self.update()
        if dimmed is not None and dimmed != self.dimmed:
            self.dimmed = dimmed
            self.update()

        if running is not None and running != self.running:
            self.running = running
            self.update()

    def set_shade(self, shade: Shade | None) -> bool:
        """Tell a figure by a colour; True if it is another one."""
        if shade == self.shade:
            return False
        self.shade = shade
        self.update()
        return True

    def set_offered(self, offered: bool | None) -> None:
        """Let the ports of one side stand out."""
        if offered != self.offered:
            self.offered = offered
            self.update()

    def set_hot(self, hot: tuple[bool, str] | None) -> None:
        """Mark a port as the one that the mouse means."""
        if hot != self.hot:
            self.hot = hot
            self.update()

    # -- geometry ------------------------------------------------------------------------

    def boundingRect(self) -> QRectF:
        return self._bounds

    @property
    def box(self) -> Box:
        """The card in scene coordinates."""
        x, y = self.x(), self.y()
        return Box(x, y, x + self.width, y + self.height)

    def port(self, output: bool, name: str) -> tuple[float, float] | None:
        """Where a port is, in scene coordinates; None if there is no such port."""
        at = self.ports.get((output, name))
        return None if at is None else (self.x() + at.x(), self.y() + at.y())

    def port_near(self, x: float, y: float, radius: float) -> tuple[bool, str] | None:
        """The port nearest to a scene point, within `radius`."""
        px, py = x - self.x(), y - self.y()
        best, least = None, radius * radius
        for key, at in self.ports.items():
            distance = (at.x() - px) ** 2 + (at.y() - py) ** 2
            if distance <= least:
                best, least = key, distance
        return best

    def _measure(self) -> None:
        shape = measure(self.face, self.flow, brushes())
        self.width, self.height = shape.width, shape.height
        self.ports, self.shapes, self._bounds = shape.ports, shape.shapes, shape.bounds
        self.texts = self.large = None

    # -- painting ------------------------------------------------------------------------

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        paint_node(painter, self, painter.worldTransform().m11())
