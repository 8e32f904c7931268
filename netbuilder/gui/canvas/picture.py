"""A graph as a picture for a paper or a chat: SVG, PDF or PNG, on light ground.

The picture is painted by the canvas's own items in a scene of their own, so that it looks
like what is edited, whatever is selected, zoomed or out of sight at the moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Literal, get_args

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPointF, QRectF, QSize, QSizeF, Qt
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

from netbuilder.app.trail import first_use, values_here
from netbuilder.compiler.report import Report
from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.layout import Flow
from netbuilder.graph.model import Json
from netbuilder.gui.canvas import brushes
from netbuilder.gui.canvas.scene import CanvasScene
from netbuilder.gui.canvas.wire_item import Screen
from netbuilder.gui.look import theme
from netbuilder.layers.catalogue import parameters_of

_NOTHING: Mapping[str, Json] = {}

Kind = Literal["pdf", "svg", "png"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MARGIN = 24.0
TITLE = 40.0
"""The room for a graph's name above it, where several are shown."""
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
    values: Mapping[str, Json] = _NOTHING,
    dark: bool = False,
) -> bytes:
    """The file's bytes. `only` are nodes and frames to show; without them all of the graph.

    `values` are those of a block's parameters in the use to show. Raises `NetbuilderError` if
    there is nothing to show.
    """
    with _printing(theme.DARK if dark else theme.LIGHT, vector=kind != "png"):
        panel = _panel(document, graph, report, only, values)
        if panel is None:
            raise NetbuilderError("There is nothing to show.", "Add a layer first.")
        try:
            return _paint([panel], kind, graph.name)
        finally:
            panel.close()


def render_all(
    document: Document, graphs: Sequence[Graph], report: Report | None, kind: Kind
) -> bytes:
    """Several graphs in one picture with their names above them, in the order of reading."""
    with _printing(theme.LIGHT, vector=kind != "png"):
        made = []
        for graph in graphs:
            values = values_here(document, first_use(document, report, graph))
            made.append(_panel(document, graph, report, (), values))
        panels = [panel for panel in made if panel is not None]
        if not panels:
            raise NetbuilderError("There is nothing to show.", "Add a layer first.")
        try:
            _arrange(panels, document.project.flow)
            return _paint(panels, kind, document.project.title)
        finally:
            for panel in panels:
                panel.close()


@dataclass(slots=True)
class _Panel:
    """A graph in a scene of its own, and where it stands in the picture."""

    scene: CanvasScene
    area: QRectF
    title: str = ""
    at: QPointF = field(default_factory=QPointF)

    @property
    def place(self) -> QRectF:
        return QRectF(self.at, self.area.size())

    def close(self) -> None:
        self.scene.show_graph(None, None)


def _panel(
    document: Document,
    graph: Graph,
    report: Report | None,
    only: Collection[str],
    values: Mapping[str, Json],
) -> _Panel | None:
    scene = CanvasScene()
    # Problems belong to the editor, not into a paper.
    scene.report = Report(graphs=report.graphs) if report is not None else None
    scene.values = lambda: values
    scene.show_graph(document, graph)
    scene.settle_all()
    if only:
        _leave_out(scene, only)
    area = _area(scene)
    if area.isEmpty():
        scene.show_graph(None, None)
        return None
    declared = ", ".join(parameters_of(graph))
    return _Panel(scene, area, f"{graph.name}({declared})" if declared else graph.name)


def _arrange(panels: Sequence[_Panel], flow: Flow) -> None:
    """Side by side where data flows down, else one below the other; a line for each title."""
    at = 0.0
    for panel in panels:
        panel.at = QPointF(at, TITLE) if flow == "down" else QPointF(0, at + TITLE)
        at += panel.area.width() if flow == "down" else panel.area.height() + TITLE


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


def _paint(panels: Sequence[_Panel], kind: Kind, title: str) -> bytes:
    whole = QRectF()
    for panel in panels:
        whole = whole.united(panel.place)
    width, height = whole.right(), whole.bottom()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if kind == "png":
        scale = min(SCALE, (MOST_PIXELS / (width * height)) ** 0.5)
        image = QImage(round(width * scale), round(height * scale), QImage.Format.Format_RGB32)
        dark = theme.current() is theme.DARK
        image.fill(theme.current().surface if dark else Qt.GlobalColor.white)
        _fill(image, panels, scale)
        image.save(buffer, "PNG")  # type: ignore[call-overload]
    elif kind == "svg":
        svg = QSvgGenerator()
        svg.setOutputDevice(buffer)
        svg.setResolution(_dpi())
        svg.setSize(QSize(round(width), round(height)))
        svg.setViewBox(QRectF(0, 0, width, height))
        svg.setTitle(title)
        svg.setDescription("Drawn with netbuilder")
        _fill(svg, panels, 1.0)
    else:
        pdf = QPdfWriter(buffer)
        pdf.setResolution(_dpi())
        pdf.setTitle(title)
        pdf.setCreator("netbuilder")
        points = QSizeF(width, height) * (72 / _dpi())
        pdf.setPageSize(QPageSize(points, QPageSize.Unit.Point, title or "graph"))
        pdf.setPageMargins(QMarginsF())
        _fill(pdf, panels, pdf.width() / width)
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


def _fill(device: QPaintDevice, panels: Sequence[_Panel], scale: float) -> None:
    painter = QPainter()
    if not painter.begin(device):
        raise NetbuilderError("The picture can't be painted.", "Try another kind of file.")
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.scale(scale, scale)
    for panel in panels:
        if panel.at.y():
            painter.setPen(theme.current().text)
            painter.setFont(theme.font("title", medium=True))
            painter.drawText(panel.at + QPointF(MARGIN, 0), panel.title)
        panel.scene.render(painter, panel.place, panel.area)
    painter.end()
