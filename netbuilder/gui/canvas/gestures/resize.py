"""Drag a side or a corner of a frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from netbuilder.graph import edits, frames
from netbuilder.graph.model import Frame
from netbuilder.gui.canvas.frame_item import Edge
from netbuilder.gui.canvas.gestures.base import Gesture, Mouse
from netbuilder.gui.canvas.gestures.select import combined
from netbuilder.gui.canvas.hits import Hit

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView

CURSORS = {
    (-1, 0): Qt.CursorShape.SizeHorCursor,
    (1, 0): Qt.CursorShape.SizeHorCursor,
    (0, -1): Qt.CursorShape.SizeVerCursor,
    (0, 1): Qt.CursorShape.SizeVerCursor,
    (-1, -1): Qt.CursorShape.SizeFDiagCursor,
    (1, 1): Qt.CursorShape.SizeFDiagCursor,
    (-1, 1): Qt.CursorShape.SizeBDiagCursor,
    (1, -1): Qt.CursorShape.SizeBDiagCursor,
}


class Resize(Gesture):
    """The grabbed sides follow the mouse by the grid; what stands in the frame stays."""

    def __init__(self, view: CanvasView, press: Mouse, hit: Hit, edge: Edge) -> None:
        super().__init__(view, press, hit)
        self.edge = edge
        self.cursor = CURSORS[edge]
        self._was_selected = hit.id in self.scene.selection
        self.scene.select(combined(self.scene.selection, {hit.id}, press.modifiers))

    def _frame(self, mouse: Mouse) -> Frame:
        """The frame with its sides where the mouse wants them."""
        before = self.view.shown.frames[self.hit.id]
        way = mouse.at - self.press.at
        x, width = _moved(before.x, before.width, self.edge[0], way.x(), frames.LEAST[0])
        y, height = _moved(before.y, before.height, self.edge[1], way.y(), frames.LEAST[1])
        return replace(before, x=x, y=y, width=width, height=height)

    def drag(self, mouse: Mouse) -> None:
        if self.hit.id in self.view.shown.frames:
            self.scene.frames[self.hit.id].set_frame(self._frame(mouse))
            self.view.refresh()

    def drop(self, mouse: Mouse) -> None:
        id, view = self.hit.id, self.view
        if id not in view.shown.frames:
            return
        after = self._frame(mouse)
        sides = {key: getattr(after, key) for key in ("x", "y", "width", "height")}
        view.past.seal()
        view.edit(lambda: edits.set_frame(view.past, view.shown, id, **sides))
        self._settle()

    def cancel(self) -> None:
        if self.dragged:
            self._settle()

    def _settle(self) -> None:
        """The document decides."""
        frame = self.view.shown.frames.get(self.hit.id)
        if frame is not None:
            self.scene.frames[self.hit.id].set_frame(frame)
        self.view.refresh()


def _moved(start: float, length: float, side: int, way: float, least: float) -> tuple[float, float]:
    """Start and length of a frame after one of its sides went some way."""
    if not side:
        return start, length
    least = min(least, length)
    if side > 0:
        return start, max(least, edits.snap(start + length + way) - start)
    end = start + length
    start = min(edits.snap(start + way), end - least)
    return start, end - start
