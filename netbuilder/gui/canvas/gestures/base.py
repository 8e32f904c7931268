"""What a gesture is: it begins with a press, follows the mouse, and ends or is called off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, Qt

from netbuilder.gui.canvas.hits import Hit

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView

Modifiers = Qt.KeyboardModifier
DRAG_DISTANCE = 4
"""Pixels that the mouse must go before a press becomes a drag."""


@dataclass(frozen=True, slots=True)
class Mouse:
    """The mouse at one moment: where in the scene, where in the viewport, with which keys."""

    at: QPointF
    pixel: QPoint
    modifiers: Modifiers

    def holds(self, key: Modifiers) -> bool:
        return bool(self.modifiers & key)


class Gesture:
    """One drag or click. The view feeds it until `finish` or `cancel`."""

    cursor: Qt.CursorShape | None = None
    scrolls = True
    """Whether the view moves on when the mouse comes to its edge."""

    def __init__(self, view: CanvasView, press: Mouse, hit: Hit) -> None:
        self.view = view
        self.scene = view.canvas
        self.press = press
        self.hit = hit
        self.dragged = False

    def follow(self, mouse: Mouse) -> None:
        """The mouse has moved; `drag` is called once it has gone far enough."""
        if not self.dragged:
            way = mouse.pixel - self.press.pixel
            self.dragged = way.manhattanLength() >= DRAG_DISTANCE
            if self.dragged:
                self.begin()
        if self.dragged:
            self.drag(mouse)

    def begin(self) -> None:
        """The press has become a drag."""

    def drag(self, mouse: Mouse) -> None:
        """The mouse has moved during a drag."""

    def finish(self, mouse: Mouse) -> None:
        """The button was released."""
        if self.dragged:
            self.drop(mouse)
        else:
            self.click(mouse)

    def drop(self, mouse: Mouse) -> None:
        """The button was released after a drag."""

    def click(self, mouse: Mouse) -> None:
        """The button was released where it was pressed."""

    def cancel(self) -> None:
        """Put everything back."""
