"""Move the view: middle button, or Space with the left."""

from __future__ import annotations

from PySide6.QtCore import Qt

from netbuilder.gui.canvas.gestures.base import Gesture, Mouse


class Pan(Gesture):
    """The scene follows the mouse."""

    cursor = Qt.CursorShape.ClosedHandCursor
    scrolls = False

    def begin(self) -> None:
        self._last = self.press.pixel

    def drag(self, mouse: Mouse) -> None:
        way = mouse.pixel - self._last
        self._last = mouse.pixel
        self.view.pan_by(way.x(), way.y())
