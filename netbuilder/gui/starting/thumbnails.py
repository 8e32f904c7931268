"""A small picture of a project, painted from the document itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from netbuilder.gui.look import icons, theme

if TYPE_CHECKING:
    from netbuilder.graph.document import Document, Graph
    from netbuilder.graph.model import Node

_WIDTH, _HEIGHT = 150.0, 46.0
"""What a node is taken to measure on the canvas."""
_SLAB = 56.0
_PITCH = 34.0
IN_LINE = 3
"""How many networks stand side by side before they are parted into two lines."""

Families = Mapping[str, str]
"""A family's name by layer id."""


class GraphPicture(QWidget):
    """The networks of a document; nothing until `show_document`. `wanted`: it is seen for the
    first time, and has none."""

    wanted = Signal()

    def __init__(self, height: int) -> None:
        super().__init__()
        self.setFixedHeight(height)
        self._asked = False
        self._document: Document | None = None
        self._families: Families = {}

    def show_document(self, document: Document, families: Families) -> None:
        """Paint this one."""
        self._document, self._families = document, families
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(260, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        # Rounded above like the card, straight below.
        area = QRectF(self.rect())
        outline.addRoundedRect(area.adjusted(0, 0, 0, 12), 7, 7)
        painter.setClipRect(area)
        painter.fillPath(outline, theme.current().surface)
        document = self._document
        if document is None:
            if not self._asked:
                self._asked = True
                self.wanted.emit()
            return
        graphs = [graph for graph in document.of_kind("network") if graph.nodes]
        # Many in one line would be specks.
        lines = 1 if len(graphs) <= IN_LINE else 2
        columns = max(1, -(-len(graphs) // lines))
        width, height = area.width() / columns, area.height() / lines
        for number, graph in enumerate(graphs):
            line, place = divmod(number, columns)
            here = min(columns, len(graphs) - line * columns)
            left = (area.width() - here * width) / 2 + place * width
            cell = QRectF(left, line * height, width, height)
            cell = cell.adjusted(16, 12, -16, -12) if lines == 1 else cell.adjusted(10, 9, -10, -9)
            self._paint(painter, graph, cell, document.project.flow == "down")

    def _paint(self, painter: QPainter, graph: Graph, cell: QRectF, down: bool) -> None:
        nodes = list(graph.nodes.values())
        places = {node.id: (node.x, node.y) for node in nodes}
        size = (_WIDTH, _HEIGHT)
        bounds = _bounds(places, size)
        # A tall chain in a wide card would be a hair: it is laid on its side, as in papers.
        turned = bounds.height() > bounds.width() * 1.6
        if turned:
            rows = {y: number for number, y in enumerate(sorted({y for _, y in places.values()}))}
            places = {id: (rows[y] * _PITCH, x * 0.4) for id, (x, y) in places.items()}
            size = (_PITCH * 0.68, _SLAB)
            bounds = _bounds(places, size)
        scale = min(cell.width() / bounds.width(), cell.height() / bounds.height(), 1.2)
        offset = cell.center() - bounds.center() * scale
        boxes = {
            id: QRectF(
                x * scale + offset.x(), y * scale + offset.y(), size[0] * scale, size[1] * scale
            )
            for id, (x, y) in places.items()
        }
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.current().wire, 1))
        for wire in graph.wires.values():
            _wire(painter, boxes[wire.source], boxes[wire.target], down and not turned)
        for node in nodes:
            self._node(painter, node, boxes[node.id])

    def _node(self, painter: QPainter, node: Node, box: QRectF) -> None:
        tokens = theme.current()
        family = self._families.get(node.layer, "unknown")
        color = tokens.family(family)
        fill = QColor(color)
        fill.setAlphaF(0.22)
        radius = min(4.0, box.height() / 3)
        painter.setPen(QPen(color, 1))
        painter.setBrush(tokens.card)
        painter.drawRoundedRect(box, radius, radius)
        painter.setBrush(fill)
        painter.drawRoundedRect(box, radius, radius)
        side = round(min(box.width(), box.height()) * 0.74)
        if side >= 9:
            mark = icons.pixmap(family, color, side, self.devicePixelRatioF())
            corner = box.center() - QPointF(side / 2, side / 2)
            painter.drawPixmap(QPointF(round(corner.x()), round(corner.y())), mark)


def _bounds(places: Mapping[str, tuple[float, float]], size: tuple[float, float]) -> QRectF:
    xs, ys = zip(*places.values(), strict=True)
    return QRectF(min(xs), min(ys), max(xs) - min(xs) + size[0], max(ys) - min(ys) + size[1])


def _wire(painter: QPainter, source: QRectF, target: QRectF, down: bool) -> None:
    if down:
        start = QPointF(source.center().x(), source.bottom())
        end = QPointF(target.center().x(), target.top())
        bend = QPointF(0, (end.y() - start.y()) / 2)
    else:
        start = QPointF(source.right(), source.center().y())
        end = QPointF(target.left(), target.center().y())
        bend = QPointF((end.x() - start.x()) / 2, 0)
    path = QPainterPath(start)
    path.cubicTo(start + bend, end - bend, end)
    painter.drawPath(path)
