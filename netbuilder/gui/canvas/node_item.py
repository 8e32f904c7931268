"""A node on the canvas: one item that paints its card, ports and texts itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QStaticText
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from netbuilder.graph.layout import Flow
from netbuilder.gui import theme
from netbuilder.gui.canvas.brushes import ICON, Brushes, brushes, static, strip
from netbuilder.gui.canvas.face import Face
from netbuilder.gui.canvas.places import Box

MIN_WIDTH, MAX_WIDTH, STEP = 192.0, 352.0, 16.0
PORT_RADIUS = 4.0
ICON_LEFT = 14.0
TEXT_LEFT = ICON_LEFT + ICON + 8.0
PADDING = 12.0
# From these zooms on a node shows more; less is not readable there and costs a frame.
DETAILS, SHAPES, SHADOWS = 0.58, 0.68, 0.8

_NO_PEN = Qt.PenStyle.NoPen


@dataclass(slots=True)
class _Texts:
    """The prepared texts of a node with their places."""

    name: QStaticText
    name_at: QPointF
    rest: list[tuple[QStaticText, QPointF]] = field(default_factory=list)
    mono: list[tuple[QStaticText, QPointF]] = field(default_factory=list)


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
        self.width = self.height = self._pitch = 0.0
        self._ports: dict[tuple[bool, str], QPointF] = {}
        self._bounds = QRectF()
        self._texts: _Texts | None = None
        self._large: QStaticText | None = None
        self._measure()

    # -- contents ------------------------------------------------------------------------

    def set_face(self, face: Face, flow: Flow) -> bool:
        """Show something else; True if the size or the ports have changed."""
        if face == self.face and flow == self.flow:
            return False
        before = (self.width, self.height, self._ports)
        self.face, self.flow = face, flow
        self.prepareGeometryChange()
        self._measure()
        self.update()
        return before != (self.width, self.height, self._ports)

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
        at = self._ports.get((output, name))
        return None if at is None else (self.x() + at.x(), self.y() + at.y())

    def port_near(self, x: float, y: float, radius: float) -> tuple[bool, str] | None:
        """The port nearest to a scene point, within `radius`."""
        px, py = x - self.x(), y - self.y()
        best, least = None, radius * radius
        for key, at in self._ports.items():
            distance = (at.x() - px) ** 2 + (at.y() - py) ** 2
            if distance <= least:
                best, least = key, distance
        return best

    def _measure(self) -> None:
        style = brushes()
        face = self.face
        name, small, mono = style.name, style.small, style.mono
        count = mono.width(face.count) + theme.S if face.count else 0.0
        text = max(name.width(face.name), small.width(face.subtitle) if face.subtitle else 0.0)
        need = TEXT_LEFT + text + count + PADDING
        # The first port stands in the middle, so that the main chain runs straight.
        most = max(len(face.inputs), len(face.outputs))
        self._pitch = _pitch(most, self.flow)
        along = 2 * (self._pitch * (most - 1) + STEP) if most else 0.0
        self.height = _up(name.height + small.height + 2 * theme.S + 2, STEP)
        need = max(MIN_WIDTH, min(need, MAX_WIDTH))
        if self.flow == "down":
            need = max(need, along)
        else:
            self.height = max(self.height, _up(along, STEP))
        self.width = _up(need, STEP)
        self._ports = {
            (output, port.name): self._port_at(output, number)
            for output in (False, True)
            for number, port in enumerate(face.ports(output))
        }
        self._texts = self._large = None
        self._bounds = self._reach(style)

    def _port_at(self, output: bool, number: int) -> QPointF:
        beside = number * self._pitch
        if self.flow == "down":
            return QPointF(self.width / 2 + beside, self.height if output else 0.0)
        return QPointF(self.width if output else 0.0, self.height / 2 + beside)

    def _reach(self, style: Brushes) -> QRectF:
        """Everything that may be painted: card, outline, badge and shapes."""
        right, below = self.width + 10.0, self.height + 8.0
        for at, shape in self._shapes():
            # Hinted glyphs can be wider than the font's own measure says.
            right = max(right, at.x() + style.mono.width(shape) * 1.15 + 4)
            below = max(below, at.y() + style.mono.height + 2)
        return QRectF(-8.0, -12.0, right + 8.0, below + 12.0)

    def _shapes(self) -> list[tuple[QPointF, str]]:
        """What leaves by each wired output port (else by the first), beside the port.

        Where several are shown, each stands on a line of its own with the port's name.
        """
        outputs = self.face.outputs
        shown = [port for port in outputs if port.wired and port.text]
        shown = shown or [port for port in outputs[:1] if port.text]
        line = brushes().mono.height
        result = []
        for number, port in enumerate(shown):
            at = self._ports[True, port.name]
            # Along the wire: below a port of the lower edge, above a wire to the right.
            down = self.flow == "down"
            place = at + (QPointF(8, 6 + number * line) if down else QPointF(8, -line - 2))
            result.append((place, port.text if len(shown) == 1 else f"{port.name} {port.text}"))
        return result

    # -- painting ------------------------------------------------------------------------

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        zoom = painter.worldTransform().m11()
        style = brushes()
        if self.dimmed:
            painter.setOpacity(0.45)
        self._paint_card(painter, style, zoom)
        texts = self._texts or self._prepare(style)
        if zoom < DETAILS:
            self._paint_large_name(painter, style)
        else:
            painter.setPen(style.text_pen)
            painter.setFont(style.name.font)
            painter.drawStaticText(texts.name_at, texts.name)
            device = painter.device()
            ratio = zoom * (device.devicePixelRatio() if device else 1.0)
            top = (self.height - ICON) / 2
            painter.drawPixmap(QPointF(ICON_LEFT, top), style.icon(self.face.family, ratio))
            self._paint_texts(painter, style, texts, mono=zoom >= SHAPES)
            self._paint_ports(painter, style)
        if self.face.errors or self.face.warnings:
            self._paint_badge(painter, style)

    def _paint_large_name(self, painter: QPainter, style: Brushes) -> None:
        """Half way to the view from afar: only the name, larger."""
        if self._large is None:
            room = self.width - theme.M - theme.S
            text = style.large.elided(self.face.name, room)
            self._large = static(text, style.large.font)
        painter.setPen(style.text_pen)
        painter.setFont(style.large.font)
        painter.drawStaticText(
            QPointF(theme.M + 4, (self.height - style.large.height) / 2), self._large
        )

    def _paint_card(self, painter: QPainter, style: Brushes, zoom: float) -> None:
        card = QRectF(0.5, 0.5, self.width - 1, self.height - 1)
        if zoom >= SHADOWS:
            painter.setPen(_NO_PEN)
            painter.setBrush(style.shadow)
            painter.drawRoundedRect(card.translated(0, 2), theme.RADIUS, theme.RADIUS)
        if self.selected:
            painter.setPen(style.selected_pen)
        elif not self.face.known:
            painter.setPen(style.dashed_pen)
        elif self.face.errors:
            painter.setPen(style.error_pen)
        else:
            painter.setPen(style.hover_pen if self.hovered else style.border_pen)
        painter.setBrush(style.card)
        if zoom < DETAILS:
            painter.drawRect(card)
            painter.fillRect(QRectF(0, 0, theme.S, self.height), style.family(self.face.family))
            return
        painter.drawRoundedRect(card, theme.RADIUS, theme.RADIUS)
        painter.setPen(_NO_PEN)
        painter.setBrush(style.family(self.face.family))
        across = self.flow == "right"
        painter.drawPath(strip(self.height, across, self.width if across else 0.0))

    def _prepare(self, style: Brushes) -> _Texts:
        face = self.face
        count = style.mono.width(face.count) + theme.S if face.count else 0.0
        room = self.width - TEXT_LEFT - PADDING - count
        name, subtitle = style.name.elided(face.name, room), style.small.elided(face.subtitle, room)
        total = style.name.height + (style.small.height + 1 if subtitle else 0.0)
        top = round((self.height - total) / 2)
        texts = _Texts(static(name, style.name.font), QPointF(TEXT_LEFT, top))
        if subtitle:
            at = QPointF(TEXT_LEFT, top + style.name.height + 1)
            texts.rest.append((static(subtitle, style.small.font), at))
        if face.count:
            left = self.width - PADDING - style.mono.width(face.count)
            at = QPointF(left, (self.height - style.mono.height) / 2)
            texts.mono.append((static(face.count, style.mono.font), at))
        for place, shape in self._shapes():
            texts.mono.append((static(shape, style.mono.font), place))
        self._texts = texts
        return texts

    def _paint_texts(self, painter: QPainter, style: Brushes, texts: _Texts, *, mono: bool) -> None:
        painter.setPen(style.muted_pen)
        if texts.rest:
            painter.setFont(style.small.font)
            for text, at in texts.rest:
                painter.drawStaticText(at, text)
        if mono and texts.mono:
            painter.setFont(style.mono.font)
            for text, at in texts.mono:
                painter.drawStaticText(at, text)

    def _paint_ports(self, painter: QPainter, style: Brushes) -> None:
        for output in (False, True):
            painter.setPen(style.accent_pen if self.offered is output else style.wire_pen)
            for port in self.face.ports(output):
                painter.setBrush(style.wire if port.wired else style.card)
                painter.drawEllipse(self._ports[output, port.name], PORT_RADIUS, PORT_RADIUS)
        at = self._ports.get(self.hot) if self.hot else None
        if at is not None:
            painter.setPen(style.accent_pen)
            painter.setBrush(style.accent)
            painter.drawEllipse(at, PORT_RADIUS + 1.5, PORT_RADIUS + 1.5)

    def _paint_badge(self, painter: QPainter, style: Brushes) -> None:
        face = self.face
        count = face.errors or face.warnings
        text = str(count) if count < 100 else "99"
        width = max(18.0, style.badge.width(text) + 10)
        rect = QRectF(self.width - width + 6, -8, width, 18)
        painter.setPen(_NO_PEN)
        painter.setBrush(style.error if face.errors else style.warning)
        painter.drawRoundedRect(rect, 9, 9)
        painter.setPen(style.badge_pen)
        painter.setFont(style.badge.font)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def _pitch(ports: int, flow: Flow) -> float:
    """The distance between ports: roomy for a few, tight for many."""
    return 32.0 if ports <= 4 and flow == "down" else 16.0


def _up(value: float, step: float) -> float:
    """The next multiple of `step`."""
    return -(-value // step) * step
