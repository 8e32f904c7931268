"""A titled rectangle behind some nodes, or a note: the same without a title."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QTextLayout, QTextOption
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from netbuilder.graph import frames
from netbuilder.graph.model import Frame
from netbuilder.graph.places import Box
from netbuilder.gui.canvas.brushes import Type, brushes, faded
from netbuilder.gui.canvas.wire_item import pen
from netbuilder.gui.look import theme

TITLE = frames.TITLE
"""Height of the part of a frame that holds its title and by which it is dragged."""
COLORS: Mapping[str, str] = {
    "No colour": "",
    "Red": "#ec7a78",
    "Orange": "#e0873f",
    "Yellow": "#b9a035",
    "Green": "#68b96e",
    "Teal": "#21b8b5",
    "Blue": "#56a4ef",
    "Violet": "#a98ae8",
    "Pink": "#df7bb0",
}
NOTE_COLOR = COLORS["Yellow"]
NOTE_SIZE = (224.0, 112.0)
"""Width and height of a new note, in scene units."""
NEAR, FAR = 0.58, 0.35
"""Below these zooms titles are written larger, and as labels on their frames' upper edges."""
FAR_PIXELS = 12.0
LABELLED, LABEL = 28.0, 150.0
"""How high a frame must be to have a label from afar, and how long that may be, in pixels."""
MOST_TITLE, MOST_NOTE = 200, 10_000
"""So many characters are looked at for painting, whatever a file holds."""
MARGIN = 12.0

Edge = tuple[int, int]
"""Which sides of a frame are meant, across and down: -1 the first, 1 the last, 0 neither."""


def tint(color: str) -> QColor:
    """A frame's colour; grey for none and for one that is not understood."""
    result = QColor(color) if color else QColor()
    return result if result.isValid() else theme.current().muted


def plate(color: str) -> QColor:
    """What notes and labels are written on."""
    return theme.mixed(tint(color), theme.current().card, 0.16)


class FrameItem(QGraphicsItem):
    """Paints a frame; it holds no items."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame
        self.selected = False
        self._lines: list[str] | None = None
        self.setZValue(-2)
        self.setPos(frame.x, frame.y)

    def set_frame(self, frame: Frame) -> None:
        self.prepareGeometryChange()
        self.frame = frame
        self._lines = None
        self.setPos(frame.x, frame.y)
        self.update()

    def set_selected(self, selected: bool) -> None:
        if selected != self.selected:
            self.selected = selected
            self.update()

    @property
    def note(self) -> bool:
        """Whether this is a note: it can be grabbed anywhere."""
        return bool(self.frame.note) and not self.frame.title

    @property
    def box(self) -> Box:
        x, y = self.x(), self.y()
        return Box(x, y, x + self.frame.width, y + self.frame.height)

    def edge_at(self, x: float, y: float, reach: float) -> Edge:
        """The sides that a scene point is on, within `reach`; (0, 0) off the edges."""
        box = self.box
        if not box.grown(reach).meets(Box(x, y, x + 0.01, y + 0.01)):
            return 0, 0
        across = -1 if x - box.left < reach else 1 if box.right - x < reach else 0
        down = -1 if y - box.top < reach else 1 if box.bottom - y < reach else 0
        return across, down

    def boundingRect(self) -> QRectF:
        return QRectF(-2, -2, self.frame.width + 4, self.frame.height + 4)

    def restyle(self) -> None:
        """Measure again after the theme or a font has changed."""
        self._lines = None
        self.update()

    # -- painting ------------------------------------------------------------------------

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        style = brushes()
        zoom = painter.worldTransform().m11()
        color = tint(self.frame.color)
        if self.note:
            painter.setBrush(plate(self.frame.color))
        else:
            painter.setBrush(faded(color, 0.08))
        painter.setPen(style.selected_pen if self.selected else pen(faded(color, 0.45)))
        rect = QRectF(0.5, 0.5, self.frame.width - 1, self.frame.height - 1)
        painter.drawRoundedRect(rect, theme.RADIUS, theme.RADIUS)
        painter.setPen(style.muted_pen)
        self._paint_title(painter, zoom)
        if zoom >= FAR and self.frame.note:
            self._paint_note(painter, style.small)

    def _paint_title(self, painter: QPainter, zoom: float) -> None:
        style, title = brushes(), self.frame.title[:MOST_TITLE]
        if not title or zoom < FAR:
            return
        kind = style.name if zoom >= NEAR else style.large
        painter.setFont(kind.font)
        words = kind.elided(title, self.frame.width - 2 * MARGIN)
        painter.drawText(QPointF(MARGIN, (TITLE + kind.metrics.ascent()) / 2 - 1), words)

    def paint_label(self, painter: QPainter, zoom: float) -> None:
        """From afar: the title over all else, at the frame's upper edge, where there is room."""
        title = self.frame.title[:MOST_TITLE]
        if not title or self.frame.height * zoom < LABELLED:
            return
        font = QFont(brushes().small.font)
        font.setPixelSize(max(1, round(FAR_PIXELS / zoom)))
        kind, pad = Type(font), 4.0 / zoom
        words = kind.elided(title, max(self.frame.width, LABEL / zoom))
        rect = QRectF(
            self.x(), self.y() - kind.height / 2, kind.width(words) + 2 * pad, kind.height
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(plate(self.frame.color))
        painter.drawRoundedRect(rect, pad, pad)
        painter.setPen(brushes().text_pen)
        painter.setFont(font)
        painter.drawText(QPointF(rect.left() + pad, rect.top() + kind.metrics.ascent()), words)

    def _paint_note(self, painter: QPainter, kind: Type) -> None:
        painter.setFont(kind.font)
        if self.note:
            painter.setPen(brushes().text_pen)
        if self._lines is None:
            self._lines = self._broken(kind)
        top = MARGIN if not self.frame.title else TITLE
        baseline = top + kind.metrics.ascent()
        for line in self._lines:
            painter.drawText(QPointF(MARGIN, baseline), line)
            baseline += kind.height + 2

    def _broken(self, kind: Type) -> list[str]:
        """The note in lines that fit, as many as there is room for; the last says if more."""
        top = MARGIN if not self.frame.title else TITLE
        most = int((self.frame.height - top - MARGIN / 2) // (kind.height + 2))
        lines: list[str] = []
        for paragraph in self.frame.note[:MOST_NOTE].splitlines():
            lines += wrapped(paragraph, kind.font, self.frame.width - 2 * MARGIN, most + 1)
            if len(lines) > most:
                break
        if len(lines) > most > 0:
            lines = [*lines[: most - 1], lines[most - 1].rstrip() + " …"]
        return lines[: max(most, 0)]


def wrapped(text: str, font: QFont, width: float, most: int) -> list[str]:
    """A paragraph in at most so many lines, broken between words where it can be."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    option.setAlignment(Qt.AlignmentFlag.AlignLeft)
    layout.setTextOption(option)
    # Qt counts in halves of UTF-16, Python in characters.
    coded = text.encode("utf-16-le")
    layout.beginLayout()
    lines: list[str] = []
    while len(lines) < most:
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(max(width, 1.0))
        start, end = line.textStart(), line.textStart() + line.textLength()
        lines.append(coded[2 * start : 2 * end].decode("utf-16-le", "replace").rstrip())
    layout.endLayout()
    return lines or [""]
