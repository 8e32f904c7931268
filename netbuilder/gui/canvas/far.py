"""The graph from afar: all nodes and wires painted in a few calls instead of item by item."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem

from netbuilder.graph.places import Box
from netbuilder.gui.canvas.brushes import brushes
from netbuilder.gui.canvas.node_shape import DOT_RADIUS, DOT_SIDE
from netbuilder.gui.canvas.scene import CanvasScene
from netbuilder.gui.canvas.wire_item import Look

FAR_BELOW = 0.35
"""Under this zoom no text can be read, and so many items are in sight that each call counts."""
HAIR_BELOW = 0.2
"""Under this zoom wires are short: smooth edges can't be seen and cost most of a frame."""
_DOT = (DOT_SIDE - 2 * DOT_RADIUS) / 2
"""A reroute dot's room around what is seen of it."""
TILE = 4096.0
"""The side of a region that is painted or left out as a whole, in scene units."""
REFINE_S = 0.2
"""While slices bring courses up to date, the picture follows so often."""


class _Tile:
    """What is painted together or left out together. Its lists are made when needed."""

    def __init__(self) -> None:
        self.nodes: dict[str, None] = {}
        self.wires: dict[str, None] = {}
        self._cards: dict[tuple[str, bool], list[QRectF]] | None = None
        self._lines: dict[bool, list[QLineF]] = {}
        self.problems: list[tuple[QPointF, bool]] = []
        self.shaded: list[tuple[QRectF, QColor]] = []

    def forget(self) -> None:
        """Something here has changed."""
        self._cards = None
        self._lines.clear()

    def cards(self, scene: CanvasScene) -> dict[tuple[str, bool], list[QRectF]]:
        """The nodes' cards by family and whether they are muted."""
        if self._cards is None:
            self._cards, self.problems, self.shaded = {}, [], []
            for id in self.nodes:
                node = scene.nodes[id]
                box, face = node.box, node.face
                rect = QRectF(box.left, box.top, box.right - box.left, box.bottom - box.top)
                if face.kind == "dot":
                    rect.adjust(_DOT, _DOT, -_DOT, -_DOT)
                if node.shade is not None:
                    self.shaded.append((rect, node.shade[0]))
                else:
                    self._cards.setdefault((face.family, bool(face.mute)), []).append(rect)
                if face.errors or face.warnings:
                    self.problems.append((rect.topRight(), bool(face.errors)))
        return self._cards

    def lines(self, scene: CanvasScene, hair: bool) -> list[QLineF]:
        """The wires as lines, with their bends or without."""
        found = self._lines.get(hair)
        if found is None:
            found = self._lines[hair] = []
            for id in self.wires:
                item = scene.wires[id]
                if id in scene.loose and id not in scene.lifted:
                    start, end = scene.ends(item.wire)
                    found.append(QLineF(*start, *end))
                else:
                    found += item.lines(hair)
        return found


_Key = tuple[int, int]


class _Tiles:
    """All that stands still, by regions; those that reach over many regions stand apart."""

    def __init__(self) -> None:
        self.wide = _Tile()
        self._tiles: dict[_Key, _Tile] = {}
        self._of: dict[str, _Tile] = {}

    def follow(self, scene: CanvasScene, ids: Iterable[str]) -> None:
        """These nodes and wires have come, gone or changed."""
        # A layout touches thousands: what is looked up each time stands outside of the loop.
        of, nodes, wires, lifted = self._of, scene.nodes, scene.wires, scene.lifted
        box_of, at, changed = scene.places.box, self._at, set()
        for id in ids:
            old = of.pop(id, None)
            if old is not None:
                old.nodes.pop(id, None)
                old.wires.pop(id, None)
                changed.add(old)
            if id in lifted:
                continue
            if id in nodes:
                tile = at(box_of(id))
                tile.nodes[id] = None
            elif id in wires and wires[id].isVisible():
                tile = at(_reach(scene, id))
                tile.wires[id] = None
            else:
                continue
            of[id] = tile
            changed.add(tile)
        for tile in changed:
            tile.forget()

    def _at(self, box: Box) -> _Tile:
        left, top, right, bottom = box
        if right - left > TILE or bottom - top > TILE:
            return self.wide
        key = (int((left + right) / 2 // TILE), int((top + bottom) / 2 // TILE))
        tile = self._tiles.get(key)
        if tile is None:
            tile = self._tiles[key] = _Tile()
        return tile

    def seen(self, sight: Box) -> list[_Tile]:
        """What has to be painted where only this is seen."""
        # A thing stands in the region of its middle, and is no larger than one.
        half = TILE / 2
        left, right = (sight.left - half) // TILE, (sight.right + half) // TILE
        top, bottom = (sight.top - half) // TILE, (sight.bottom + half) // TILE
        near = [
            tile
            for (x, y), tile in self._tiles.items()
            if left <= x <= right and top <= y <= bottom
        ]
        return [self.wide, *near]


def _reach(scene: CanvasScene, wire: str) -> Box:
    item = scene.wires[wire]
    if wire not in scene.loose:
        return item.box
    # Not exactly its ends, but quickly: it is on its way to another course.
    box_of = scene.places.box
    return box_of(item.wire.source).joined(box_of(item.wire.target))


def _lifted(scene: CanvasScene) -> _Tile:
    """What a drag has lifted, where it is now."""
    moving = _Tile()
    for id in scene.lifted:
        if id in scene.nodes:
            moving.nodes[id] = None
        elif id in scene.wires and scene.wires[id].isVisible():
            moving.wires[id] = None
    return moving


class FarPainter:
    """Keeps what stands still as lists, and as a picture while the view stands still too."""

    def __init__(self) -> None:
        self._revision = -1
        self._made_at = 0.0
        self._still = _Tiles()
        self._looked: object = None
        self._picture: QPixmap | None = None

    def paint(self, painter: QPainter, scene: CanvasScene, zoom: float) -> None:
        """Paint frames, wires, cards and what gestures show, in scene coordinates."""
        self._follow(scene)
        option = QStyleOptionGraphicsItem()
        for frame in scene.frames.values():
            _paint_item(painter, frame, option)
        self._paint_still(painter, scene, zoom)
        if scene.lifted:
            _paint(painter, scene, [_lifted(scene)], zoom)
        self._paint_marks(painter, scene)
        for frame in scene.frames.values():
            frame.paint_label(painter, zoom)
        for overlay in scene.overlays:
            _paint_item(painter, overlay, option)

    def _follow(self, scene: CanvasScene) -> None:
        """Bring the lists up to date with what has changed since the last look."""
        refining = scene.revision == self._revision and scene.unsettled
        if not scene.touched or (refining and perf_counter() - self._made_at < REFINE_S):
            return
        self._revision, self._made_at = scene.revision, perf_counter()
        self._looked = self._picture = None
        self._still.follow(scene, scene.touched)
        scene.touched = set()

    def _paint_still(self, painter: QPainter, scene: CanvasScene, zoom: float) -> None:
        """From the second time on that nothing moves but what a drag lifts, from a picture."""
        device, transform = painter.device(), painter.worldTransform()
        ratio = device.devicePixelRatio()
        look = (transform, device.width(), device.height(), ratio, brushes().tokens.name)
        if look != self._looked:
            self._looked, self._picture = look, None
            _paint(painter, scene, self._still.seen(_sight(painter)), zoom)
            return
        if self._picture is None:
            picture = QPixmap(round(device.width() * ratio), round(device.height() * ratio))
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            inner = QPainter(picture)
            inner.setRenderHints(painter.renderHints())
            inner.setTransform(transform)
            _paint(inner, scene, self._still.seen(_sight(inner)), zoom)
            inner.end()
            self._picture = picture
        painter.setWorldTransform(QTransform())
        painter.drawPixmap(0, 0, self._picture)
        painter.setWorldTransform(transform)

    @staticmethod
    def _paint_marks(painter: QPainter, scene: CanvasScene) -> None:
        """What is selected or meant, over the rest."""
        style = brushes()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        lines: list[QLineF] = []
        for id in scene.accented:
            item = scene.wires.get(id)
            if item is not None and item.isVisible() and item.look is not Look.DIMMED:
                lines += item.lines()
        if lines:
            painter.setPen(style.accent_pen)
            painter.drawLines(lines)
        chosen = [scene.nodes[id] for id in scene.selection if id in scene.nodes]
        if chosen:
            painter.setPen(style.selected_pen)
            painter.drawRects([QRectF(n.x(), n.y(), n.width, n.height) for n in chosen])


def _sight(painter: QPainter) -> Box:
    """What of the scene the painter's device can show."""
    device = painter.device()
    seen = QRectF(0, 0, device.width(), device.height())
    area = painter.worldTransform().inverted()[0].mapRect(seen)
    return Box(area.left(), area.top(), area.right(), area.bottom())


def _paint(painter: QPainter, scene: CanvasScene, tiles: list[_Tile], zoom: float) -> None:
    style = brushes()
    hair = zoom < HAIR_BELOW
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(style.hair_pen if hair else style.wire_pen)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, not hair)
    for tile in tiles:
        painter.drawLines(tile.lines(scene, hair))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    for tile in tiles:
        for (family, muted), cards in tile.cards(scene).items():
            painter.setBrush(style.faint(family) if muted else style.far(family))
            painter.drawRects(cards)
        for rect, color in tile.shaded:
            painter.fillRect(rect, color)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    radius = 4.0 / zoom
    for tile in tiles:
        for corner, error in tile.problems:
            painter.setBrush(style.error if error else style.warning)
            painter.drawEllipse(corner, radius, radius)


def _paint_item(painter: QPainter, item: QGraphicsItem, option: QStyleOptionGraphicsItem) -> None:
    painter.save()
    painter.translate(item.pos())
    painter.setOpacity(item.opacity())
    item.paint(painter, option, None)
    painter.restore()
