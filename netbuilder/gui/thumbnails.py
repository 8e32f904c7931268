"""A small picture of a graph, painted from the document itself."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap

from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.gui import theme
from netbuilder.layers import catalogue

_WIDTH, _HEIGHT = 150.0, 46.0
"""What a node is taken to measure on the canvas."""


def picture(document: Document, size: QSize, ratio: float = 1.0) -> QPixmap:
    """The document's networks side by side, fitted into `size` (in logical pixels)."""
    result = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
    result.setDevicePixelRatio(ratio)
    result.fill(theme.current().surface)
    graphs = [graph for graph in document.of_kind("network") if graph.nodes]
    graphs = graphs or [graph for graph in document.of_kind("step") if graph.nodes]
    if not graphs:
        return result
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    width = size.width() / len(graphs)
    for number, graph in enumerate(graphs):
        cell = QRectF(number * width, 0, width, size.height()).adjusted(10, 10, -10, -10)
        _paint(painter, graph, cell, document.project.flow == "down")
    painter.end()
    return result


def _paint(painter: QPainter, graph: Graph, cell: QRectF, down: bool) -> None:
    nodes = list(graph.nodes.values())
    # A tall chain in a wide card would be a hair: it is laid on its side.
    places = {node.id: (node.x, node.y) for node in nodes}
    bounds = _bounds(places)
    turned = bounds.height() > bounds.width() * 1.6
    if turned:
        pitch = (_WIDTH + 40) / 72
        places = {id: (y * pitch, x * 0.5) for id, (x, y) in places.items()}
        bounds = _bounds(places)
    scale = min(cell.width() / bounds.width(), cell.height() / bounds.height(), 0.9)
    offset = cell.center() - bounds.center() * scale
    boxes = {
        id: QRectF(x * scale + offset.x(), y * scale + offset.y(), _WIDTH * scale, _HEIGHT * scale)
        for id, (x, y) in places.items()
    }
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.current().wire, 1))
    for wire in graph.wires.values():
        _wire(painter, boxes[wire.source], boxes[wire.target], down and not turned)
    for node in nodes:
        _node(painter, node, boxes[node.id])


def _bounds(places: dict[str, tuple[float, float]]) -> QRectF:
    xs, ys = zip(*places.values(), strict=True)
    return QRectF(min(xs), min(ys), max(xs) - min(xs) + _WIDTH, max(ys) - min(ys) + _HEIGHT)


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


def _node(painter: QPainter, node: Node, box: QRectF) -> None:
    tokens = theme.current()
    kind = catalogue.find(node.layer)
    color = tokens.family(kind.family.value if kind is not None else "unknown")
    fill = QColor(color)
    fill.setAlphaF(0.30)
    radius = min(4.0, box.height() / 3)
    painter.setPen(QPen(color, 1))
    painter.setBrush(tokens.card)
    painter.drawRoundedRect(box, radius, radius)
    painter.setBrush(fill)
    painter.drawRoundedRect(box, radius, radius)
