"""How a node is painted: card, icon, texts, ports, and the marks of its states."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QStaticText

from netbuilder.gui.canvas.brushes import ICON, Brushes, brushes, static, strip
from netbuilder.gui.canvas.node_shape import (
    DOT_RADIUS,
    DOT_SIDE,
    ICON_LEFT,
    PADDING,
    SHEET,
    TEXT_LEFT,
    aside,
    sheets,
    times_text,
)
from netbuilder.gui.look import icons, theme

if TYPE_CHECKING:
    from netbuilder.gui.canvas.node_item import NodeItem

PORT_RADIUS = 4.0
# From these zooms on a node shows more; less is not readable there and costs a frame.
DETAILS, SHAPES, SHADOWS = 0.58, 0.68, 0.8
DIMMED, MUTED = 0.45, 0.5
SHADED = 0.45
"""How much of a card's colour is that of its shade."""
RUN = 2.0
"""Height of the strip of a node whose weights are being trained."""

_NO_PEN = Qt.PenStyle.NoPen


@dataclass(slots=True)
class Texts:
    """The prepared texts of a node with their places."""

    name: QStaticText
    name_at: QPointF
    rest: list[tuple[QStaticText, QPointF]] = field(default_factory=list)
    mono: list[tuple[QStaticText, QPointF]] = field(default_factory=list)
    times: tuple[QStaticText, QPointF] | None = None
    note: tuple[QStaticText, QPointF] | None = None


def paint_node(painter: QPainter, item: NodeItem, zoom: float) -> None:
    """Paint a node at its place; at a small zoom less of it."""
    style, face = brushes(), item.face
    if item.dimmed or face.mute:
        painter.setOpacity(DIMMED if item.dimmed else MUTED)
    if face.kind == "dot":
        _paint_dot(painter, item, style)
    else:
        _paint_card(painter, item, style, zoom)
        if zoom < DETAILS:
            _paint_large_name(painter, item, style)
        else:
            _paint_inside(painter, item, style, zoom)
    if face.errors or face.warnings:
        painter.setOpacity(1.0)
        _paint_badge(painter, item, style)


def _paint_inside(painter: QPainter, item: NodeItem, style: Brushes, zoom: float) -> None:
    texts = item.texts or _prepare(item, style)
    painter.setPen(style.text_pen)
    painter.setFont(style.name.font)
    painter.drawStaticText(texts.name_at, texts.name)
    if texts.times is not None:
        painter.setPen(style.family_pen(item.face.family))
        painter.drawStaticText(texts.times[1], texts.times[0])
    _paint_icon(painter, item, style, zoom)
    painter.setPen(style.muted_pen)
    if texts.note is not None:
        _paint_note(painter, style, *texts.note)
    if texts.rest:
        painter.setFont(style.small.font)
        for text, at in texts.rest:
            painter.drawStaticText(at, text)
    if zoom >= SHAPES and texts.mono:
        painter.setFont(style.mono.font)
        for text, at in texts.mono:
            painter.drawStaticText(at, text)
    _paint_ports(painter, item, style)
    if item.shade is not None:
        _paint_figure(painter, item, style, *item.shade)


def _paint_figure(
    painter: QPainter, item: NodeItem, style: Brushes, color: QColor, text: str
) -> None:
    """The figure that the card's colour tells, on its lower edge."""
    width = min(style.small.width(text) + 10, item.width / 2)
    # Clear of the port in the middle.
    left = min(4.0, item.width / 2 - 10 - width)
    rect = QRectF(left, item.height - 8, width, style.small.height + 2)
    painter.setPen(_NO_PEN)
    painter.setBrush(theme.mixed(color, style.tokens.card, 0.75))
    painter.drawRoundedRect(rect, 6, 6)
    painter.setPen(style.text_pen)
    painter.setFont(style.small.font)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, style.small.elided(text, width - 4))


def _paint_note(painter: QPainter, style: Brushes, text: QStaticText, at: QPointF) -> None:
    """The note, on ground of its own: the wire into the card runs behind it."""
    ground = QRectF(at, text.size()).adjusted(-2, -1, 2, 1)
    painter.fillRect(ground, style.tokens.surface)
    painter.setFont(style.small.font)
    painter.drawStaticText(at, text)


def _paint_icon(painter: QPainter, item: NodeItem, style: Brushes, zoom: float) -> None:
    family = item.face.family
    top = (item.height - ICON) / 2
    if style.vector:
        icons.draw(painter, family, style.tokens.family(family), QRectF(ICON_LEFT, top, ICON, ICON))
        return
    device = painter.device()
    ratio = zoom * (device.devicePixelRatio() if device else 1.0)
    painter.drawPixmap(QPointF(ICON_LEFT, top), style.icon(family, ratio))


def _paint_large_name(painter: QPainter, item: NodeItem, style: Brushes) -> None:
    """Half way to the view from afar: only the name, larger."""
    if item.large is None:
        room = item.width - theme.M - theme.S
        item.large = static(style.large.elided(item.face.name, room), style.large.font)
    painter.setPen(style.text_pen)
    painter.setFont(style.large.font)
    at = QPointF(theme.M + 4, (item.height - style.large.height) / 2)
    painter.drawStaticText(at, item.large)


def _outline(item: NodeItem, style: Brushes) -> QPen:
    if item.selected:
        return style.selected_pen
    if item.face.mute or not item.face.known:
        return style.dashed_pen
    if item.face.errors:
        return style.error_pen
    return style.hover_pen if item.hovered else style.border_pen


def _paint_card(painter: QPainter, item: NodeItem, style: Brushes, zoom: float) -> None:
    face = item.face
    card = QRectF(0.5, 0.5, item.width - 1, item.height - 1)
    if zoom >= SHADOWS and not style.vector:
        painter.setPen(_NO_PEN)
        painter.setBrush(style.shadow)
        painter.drawRoundedRect(card.translated(0, 2), theme.RADIUS, theme.RADIUS)
    outline = _outline(item, style)
    for number in range(sheets(face), 0, -1):
        painter.setPen(style.border_pen)
        painter.setBrush(style.sheet(face.family))
        way = number * SHEET
        painter.drawRoundedRect(card.translated(way, -way), theme.RADIUS, theme.RADIUS)
    painter.setPen(outline)
    painter.setBrush(style.card)
    if item.shade is not None:
        painter.setBrush(theme.mixed(item.shade[0], style.tokens.card, SHADED))
    if zoom < DETAILS:
        painter.drawRect(card)
        painter.fillRect(QRectF(0, 0, theme.S, item.height), style.family(face.family))
    else:
        painter.drawRoundedRect(card, theme.RADIUS, theme.RADIUS)
        painter.setPen(_NO_PEN)
        painter.setBrush(style.family(face.family))
        across = item.flow == "right"
        painter.drawPath(strip(item.height, across, item.width if across else 0.0))
    if item.running:
        inset = theme.RADIUS
        line = QRectF(inset, item.height - RUN - 1, item.width - 2 * inset, RUN)
        painter.fillRect(line, style.success)
    if face.mute == "bypassed":
        _paint_bypass(painter, item, style)


def _paint_bypass(painter: QPainter, item: NodeItem, style: Brushes) -> None:
    """What comes in first goes out of every output: the wire runs through."""
    start = next((at for (output, _), at in item.ports.items() if not output), None)
    ends = [at for (output, _), at in item.ports.items() if output]
    if start is not None and ends:
        painter.setPen(style.through_pen)
        painter.drawLines([QLineF(start, end) for end in ends])


def _paint_dot(painter: QPainter, item: NodeItem, style: Brushes) -> None:
    middle = QPointF(DOT_SIDE / 2, DOT_SIDE / 2)
    if item.selected:
        painter.setPen(style.selected_pen)
    else:
        painter.setPen(style.hover_pen if item.hovered else style.wire_pen)
    painter.setBrush(style.wire)
    painter.drawEllipse(middle, DOT_RADIUS, DOT_RADIUS)
    at = item.ports.get(item.hot) if item.hot else None
    if at is not None or item.offered is not None:
        painter.setPen(style.accent_pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(middle, DOT_RADIUS + 3, DOT_RADIUS + 3)


def _prepare(item: NodeItem, style: Brushes) -> Texts:
    face = item.face
    room = item.width - TEXT_LEFT - PADDING - aside(face, style)
    name = style.name.elided(face.name, room)
    subtitle = "" if face.collapsed else style.small.elided(face.subtitle, room)
    total = style.name.height + (style.small.height + 1 if subtitle else 0.0)
    top = round((item.height - total) / 2)
    texts = Texts(static(name, style.name.font), QPointF(TEXT_LEFT, top))
    if subtitle:
        at = QPointF(TEXT_LEFT, top + style.name.height + 1)
        texts.rest.append((static(subtitle, style.small.font), at))
    if face.note:
        line = style.small.elided(face.note.splitlines()[0], item.width)
        texts.note = static(line, style.small.font), QPointF(0, _above(item, style))
    _prepare_aside(item, style, texts, top)
    for place, shape in item.shapes:
        texts.mono.append((static(shape, style.mono.font), place))
    item.texts = texts
    return texts


def _above(item: NodeItem, style: Brushes) -> float:
    """Where a note stands: over the card and what shows behind it."""
    return -style.small.height - 4 - sheets(item.face) * SHEET


def _prepare_aside(item: NodeItem, style: Brushes, texts: Texts, top: float) -> None:
    """At the right: how often, and the number of weights."""
    face, times = item.face, times_text(item.face)
    count = "" if face.collapsed else face.count
    right = item.width - PADDING
    if times:
        at = QPointF(right - style.name.width(times), top)
        texts.times = (static(times, style.name.font), at)
    if count:
        beside = (item.height - style.mono.height) / 2
        below = top + style.name.height + 1 + (style.small.height - style.mono.height) / 2
        at = QPointF(right - style.mono.width(count), below if times else beside)
        texts.mono.append((static(count, style.mono.font), at))


def _paint_ports(painter: QPainter, item: NodeItem, style: Brushes) -> None:
    for output in (False, True):
        painter.setPen(style.accent_pen if item.offered is output else style.wire_pen)
        for port in item.face.ports(output):
            painter.setBrush(style.wire if port.wired else style.card)
            painter.drawEllipse(item.ports[output, port.name], PORT_RADIUS, PORT_RADIUS)
    at = item.ports.get(item.hot) if item.hot else None
    if at is not None:
        painter.setPen(style.accent_pen)
        painter.setBrush(style.accent)
        painter.drawEllipse(at, PORT_RADIUS + 1.5, PORT_RADIUS + 1.5)


def _paint_badge(painter: QPainter, item: NodeItem, style: Brushes) -> None:
    face = item.face
    count = face.errors or face.warnings
    text = str(count) if count < 100 else "99"
    width = max(18.0, style.badge.width(text) + 10)
    rect = QRectF(item.width - width + 6, -8, width, 18)
    painter.setPen(_NO_PEN)
    painter.setBrush(style.error if face.errors else style.warning)
    painter.drawRoundedRect(rect, 9, 9)
    painter.setPen(style.badge_pen)
    painter.setFont(style.badge.font)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
