"""Select by click and by a box."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtWidgets import QGraphicsRectItem

from netbuilder.graph.places import Box
from netbuilder.gui.canvas.brushes import faded
from netbuilder.gui.canvas.gestures.base import Gesture, Modifiers, Mouse
from netbuilder.gui.canvas.wire_item import pen
from netbuilder.gui.look import theme


def combined(before: set[str], hit: set[str], modifiers: Modifiers) -> set[str]:
    """The new selection: plain replaces, Shift adds, Ctrl toggles."""
    if modifiers & Modifiers.ControlModifier:
        return before ^ hit
    if modifiers & Modifiers.ShiftModifier:
        return before | hit
    return set(hit)


class Select(Gesture):
    """A click on one thing that can't be dragged: a wire."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        chosen = combined(self.scene.selection, {self.hit.id}, self.press.modifiers)
        self.scene.select(chosen)


class BoxSelect(Gesture):
    """A rectangle over empty space; it takes every node and frame that it touches."""

    cursor = Qt.CursorShape.CrossCursor

    def begin(self) -> None:
        self._before = set(self.scene.selection)
        color = theme.current().accent
        self._band = QGraphicsRectItem()
        self._band.setPen(pen(color))
        self._band.setBrush(faded(color, 0.10))
        self._band.setZValue(10)
        self.scene.add_overlay(self._band)

    def drag(self, mouse: Mouse) -> None:
        rect = QRectF(self.press.at, mouse.at).normalized()
        self._band.setRect(rect)
        area = Box(rect.left(), rect.top(), rect.right(), rect.bottom())
        inside = set(self.scene.places.near(area))
        inside |= {
            id
            for id, frame in self.scene.frames.items()
            if area.joined(frame.box) == area  # frames only when wholly inside
        }
        self.scene.select(combined(self._before, inside, self.press.modifiers))
        self.view.refresh()

    def drop(self, mouse: Mouse) -> None:
        self.scene.drop_overlay(self._band)
        self.view.refresh()

    def click(self, mouse: Mouse) -> None:
        if not mouse.modifiers & (Modifiers.ControlModifier | Modifiers.ShiftModifier):
            self.scene.select(())

    def cancel(self) -> None:
        if self.dragged:
            self.scene.drop_overlay(self._band)
            self.scene.select(self._before)
            self.view.refresh()
