"""A drag that comes to the edge of the view moves the view on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QTimer

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView

EDGE, STEP, PERIOD_MS = 16, 12, 16


class EdgeScroll(QObject):
    """Pans while the mouse is held near an edge; tells the view to go on with the drag."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self._view = view
        self._way = QPoint()
        self._timer = QTimer(self)
        self._timer.setInterval(PERIOD_MS)
        self._timer.timeout.connect(self.step)

    def watch(self, pixel: QPoint) -> None:
        """The mouse is here, in the middle of a drag."""
        room = self._view.viewport().rect()
        x = (pixel.x() > room.right() - EDGE) - (pixel.x() < EDGE)
        y = (pixel.y() > room.bottom() - EDGE) - (pixel.y() < EDGE)
        self._way = QPoint(x, y) * STEP
        if self._way.isNull():
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        """The drag is over."""
        self._timer.stop()

    def is_active(self) -> bool:
        return self._timer.isActive()

    def step(self) -> None:
        """Move the view a little on."""
        self._view.pan_by(-self._way.x(), -self._way.y())
        self._view.go_on()
