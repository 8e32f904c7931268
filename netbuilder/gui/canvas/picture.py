"""A graph as a picture for a paper or a chat: SVG, PDF or PNG, on light ground.

The picture is painted by the canvas's own items in a scene of their own, so that it looks
like what is edited, whatever is selected, zoomed or out of sight at the moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from html import escape
from typing import Literal, get_args

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFontInfo,
    QGuiApplication,
    QImage,
    QPageSize,
    QPaintDevice,
    QPainter,
    QPdfWriter,
)
from PySide6.QtSvg import QSvgGenerator

from netbuilder.compiler.report import Report
from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document, Graph
from netbuilder.gui import theme
from netbuilder.gui.canvas import brushes
from netbuilder.gui.canvas.scene import CanvasScene
from netbuilder.gui.canvas.wire_item import Screen

Kind = Literal["pdf", "svg", "png"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MARGIN = 24.0
SCALE = 2.0
"""Pixels of a PNG for each unit of the canvas."""
MOST_PIXELS = 100_000_000
"""A PNG of a larger graph gets a smaller scale."""


def render(
    document: Document,
    graph: Graph,
    report: Report | None,
    kind: Kind,
    only: Collection[str] = (),
    *,
    dark: bool = False,
) -> bytes:
    """The file's bytes. `only` are nodes and frames to show; without them all of the graph.

    Raises `NetbuilderError` if there is nothing to show.
    """
    with _printing(theme.DARK if dark else theme.LIGHT, vector=kind != "png"):
        scene = CanvasScene()
        # Problems belong to the editor, not into a paper.
        scene.report = Report(graphs=report.graphs) if report is not None else None
        scene.show_graph(document, graph)
        scene.settle_all()
        if only:
            _leave_out(scene, only)
        area = _area(scene)
        try:
            if area.isEmpty():
                raise NetbuilderError("There is nothing to show.", "Add a layer first.")
            return _paint(scene, area, kind, graph.name)
        finally:
            scene.show_graph(None, None)


@contextmanager
def _printing(tokens: theme.Theme, *, vector: bool) -> Iterator[None]:
    """Items take their colours and pens for print meanwhile; nobody is told."""
    before, ratio = theme.notifier.theme, Screen.ratio
    theme.notifier.theme, Screen.vector = tokens, vector
    Screen.ratio = 1.0 if vector else SCALE
    brushes.forget()
    try:
        yield
    finally:
        theme.notifier.theme, Screen.ratio, Screen.vector = before, ratio, False
        brushes.forget()


def _dpi() -> int:
    """Texts were measured for the screen: a unit is as large in the file as there."""
    screen = QGuiApplication.primaryScreen()
    return round(screen.logicalDotsPerInch()) if screen is not None else 96


def _leave_out(scene: CanvasScene, only: Collection[str]) -> None:
    for id, node in scene.nodes.items():
        node.setVisible(id in only)
    for id, frame in scene.frames.items():
        frame.setVisible(id in only)
    for wire in scene.wires.values():
        wire.setVisible(wire.wire.source in only and wire.wire.target in only)


def _area(scene: CanvasScene) -> QRectF:
    area = QRectF()
    for item in scene.items():
        if item.isVisible():
            area = area.united(item.sceneBoundingRect())
    return area.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN) if not area.isEmpty() else area


def _paint(scene: CanvasScene, area: QRectF, kind: Kind, title: str) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if kind == "png":
        pixels = area.width() * area.height()
        scale = min(SCALE, (MOST_PIXELS / pixels) ** 0.5)
        size = QSize(round(area.width() * scale), round(area.height() * scale))
        image = QImage(size, QImage.Format.Format_RGB32)
        image.fill(
            theme.current().surface if theme.current() is theme.DARK else Qt.GlobalColor.white
        )
        _fill(image, scene, area, QRectF(image.rect()))
        image.save(buffer, "PNG")  # type: ignore[call-overload]
    elif kind == "svg":
        svg = QSvgGenerator()
        svg.setOutputDevice(buffer)
        svg.setResolution(_dpi())
        svg.setSize(area.size().toSize())
        svg.setViewBox(QRectF(0, 0, area.width(), area.height()))
        svg.setTitle(title)
        svg.setDescription("Drawn with netbuilder")
        _fill(svg, scene, area, QRectF(0, 0, area.width(), area.height()))
    else:
        pdf = QPdfWriter(buffer)
        pdf.setResolution(_dpi())
        pdf.setTitle(title)
        pdf.setCreator("netbuilder")
        pdf.setPageSize(
            QPageSize(area.size() * (72 / _dpi()), QPageSize.Unit.Point, title or "graph")
        )
        pdf.setPageMargins(QMarginsF())
        _fill(pdf, scene, area, QRectF(0, 0, pdf.width(), pdf.height()))
    buffer.close()
    data = bytes(buffer.data().data())
    return _named_fonts(data) if kind == "svg" else data


def _named_fonts(svg: bytes) -> bytes:
    """With the fonts' real names, and what to take where they are missing."""
    for font, instead in ((theme.font(), "sans-serif"), (theme.mono(), "monospace")):
        real = escape(QFontInfo(font).family(), quote=True)
        asked = f'font-family="{escape(font.family(), quote=True)}"'
        svg = svg.replace(asked.encode(), f'font-family="{real}, {instead}"'.encode())
    return svg


def _fill(device: QPaintDevice, scene: CanvasScene, area: QRectF, target: QRectF) -> None:
    painter = QPainter()
    if not painter.begin(device):
        raise NetbuilderError("The picture can't be painted.", "Try another kind of file.")
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    scene.render(painter, target, area)
    painter.end()
