"""How large a node is and where its ports and texts stand, worked out from its face."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

from netbuilder.graph.layout import Flow
from netbuilder.gui.canvas.brushes import ICON, Brushes
from netbuilder.gui.canvas.face import Face
from netbuilder.gui.look import theme

MIN_WIDTH, MIN_COLLAPSED, MAX_WIDTH, STEP = 192.0, 112.0, 352.0, 16.0
ICON_LEFT = 14.0
TEXT_LEFT = ICON_LEFT + ICON + 8.0
PADDING = 12.0
DOT_SIDE, DOT_RADIUS = 32.0, 7.0
"""The room of a reroute dot, which is grabbed in its middle, and what is seen of it."""
SHEET = 4.0
"""How far each sheet of a stack of cards shows behind the one before it."""

PortKey = tuple[bool, str]
"""Whether an output, and the port's name."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes and places in scene units, from the node's top left corner."""

    width: float
    height: float
    ports: dict[PortKey, QPointF]
    shapes: list[tuple[QPointF, str]]
    """The tensors' shapes beside the ports that they leave by."""
    bounds: QRectF
    """Everything that may be painted."""


def measure(face: Face, flow: Flow, style: Brushes) -> Shape:
    """The shape of a node with this face."""
    if face.kind == "dot":
        return _dot(face, flow)
    most = max(len(face.inputs), len(face.outputs))
    pitch = 32.0 if most <= 4 and flow == "down" else 16.0
    # The first port stands in the middle, so that the main chain runs straight.
    along = 2 * (pitch * (most - 1) + STEP) if most else 0.0
    width, height = _card(face, style)
    if flow == "down":
        width = max(width, along)
    else:
        height = max(height, _up(along, STEP))
    width = _up(width, STEP)
    ports = {}
    for output in (False, True):
        for number, port in enumerate(face.ports(output)):
            beside = number * pitch
            if flow == "down":
                at = QPointF(width / 2 + beside, height if output else 0.0)
            else:
                at = QPointF(width if output else 0.0, height / 2 + beside)
            ports[output, port.name] = at
    shapes = [] if face.collapsed else _shapes(face, flow, ports, style)
    return Shape(width, height, ports, shapes, _reach(face, width, height, shapes, style))


def _card(face: Face, style: Brushes) -> tuple[float, float]:
    name, small = style.name, style.small
    if face.collapsed:
        need = TEXT_LEFT + name.width(face.name) + aside(face, style) + PADDING
        return max(MIN_COLLAPSED, min(need, MAX_WIDTH)), _up(name.height + theme.S, STEP)
    text = max(name.width(face.name), small.width(face.subtitle) if face.subtitle else 0.0)
    need = TEXT_LEFT + text + aside(face, style) + PADDING
    height = _up(name.height + small.height + 2 * theme.S + 2, STEP)
    return max(MIN_WIDTH, min(need, MAX_WIDTH)), height


def aside(face: Face, style: Brushes) -> float:
    """The width of what stands at the right of the card, with its gap."""
    count = style.mono.width(face.count) if face.count and not face.collapsed else 0.0
    times = style.name.width(times_text(face)) if times_text(face) else 0.0
    return max(count, times) + theme.S if count or times else 0.0


def times_text(face: Face) -> str:
    """How often a block is repeated: a number, or T times over a sequence."""
    if face.over_time:
        return "×T"
    return f"×{face.repeat}" if face.repeat > 1 else ""


def sheets(face: Face) -> int:
    """How many cards show behind the first."""
    return 0 if face.kind != "stack" else 2 if times_text(face) else 1


def _dot(face: Face, flow: Flow) -> Shape:
    middle = DOT_SIDE / 2
    ports = {}
    for output in (False, True):
        for port in face.ports(output):
            way = DOT_RADIUS + 1 if output else -DOT_RADIUS - 1
            at = QPointF(middle, middle + way) if flow == "down" else QPointF(middle + way, middle)
            ports[output, port.name] = at
    bounds = QRectF(-4.0, -8.0, DOT_SIDE + 20.0, DOT_SIDE + 12.0)
    return Shape(DOT_SIDE, DOT_SIDE, ports, [], bounds)


def _shapes(
    face: Face, flow: Flow, ports: dict[PortKey, QPointF], style: Brushes
) -> list[tuple[QPointF, str]]:
    """What leaves by each wired output port (else by the first), beside the port.

    Where several are shown, each stands on a line of its own with the port's name.
    """
    outputs = face.outputs
    shown = [port for port in outputs if port.wired and port.text]
    shown = shown or [port for port in outputs[:1] if port.text]
    line = style.mono.height
    result = []
    for number, port in enumerate(shown):
        at = ports[True, port.name]
        # Along the wire: below a port of the lower edge, above a wire to the right.
        place = at + (QPointF(8, 6 + number * line) if flow == "down" else QPointF(8, -line - 2))
        result.append((place, port.text if len(shown) == 1 else f"{port.name} {port.text}"))
    return result


def _reach(
    face: Face, width: float, height: float, shapes: list[tuple[QPointF, str]], style: Brushes
) -> QRectF:
    """Card, outline, badge, sheets, note and shapes."""
    # Below the card a figure may stand that its colour tells.
    right, below, above = width + 10.0, height + style.small.height, 12.0
    if face.kind == "stack":
        right, above = right + 2 * SHEET, above + 2 * SHEET
    if face.note:
        above += style.small.height
    for at, shape in shapes:
        # Hinted glyphs can be wider than the font's own measure says.
        right = max(right, at.x() + style.mono.width(shape) * 1.15 + 4)
        below = max(below, at.y() + style.mono.height + 2)
    return QRectF(-8.0, -above, right + 8.0, below + above)


def _up(value: float, step: float) -> float:
    """The next multiple of `step`."""
    return -(-value // step) * step
