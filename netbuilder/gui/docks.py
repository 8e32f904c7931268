"""The docks around the canvas: where they stand, and how large they are at first."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

_AREAS = {
    "palette": ("Palette", Qt.DockWidgetArea.LeftDockWidgetArea),
    "outline": ("Outline", Qt.DockWidgetArea.LeftDockWidgetArea),
    "inspector": ("Inspector", Qt.DockWidgetArea.RightDockWidgetArea),
    "panels": ("Panels", Qt.DockWidgetArea.BottomDockWidgetArea),
}


class Docks(dict[str, QDockWidget]):
    """The docks of a main window by name."""

    def __init__(self, window: QMainWindow, widgets: Mapping[str, QWidget]) -> None:
        """`widgets` are what they show."""
        super().__init__({name: _dock(name, widget) for name, widget in widgets.items()})
        self._window = window
        self._placed = False
        for name, dock in self.items():
            window.addDockWidget(_AREAS[name][1], dock)
        for corner, area in (
            (Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea),
            (Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea),
        ):
            window.setCorner(corner, area)
        self["outline"].hide()

    def place(self) -> None:
        """At the first look: docks take their sizes only once the window has its own."""
        if not self._placed:
            self._placed = True
            self.reset()

    def restore(self, state: QByteArray) -> None:
        """The arrangement of an earlier time; one that does not fit leaves the usual one."""
        self._placed = self._window.restoreState(state)

    def reset(self) -> None:
        """The panels at their places and of the size they have at first."""
        for name, dock in self.items():
            dock.setVisible(name != "outline")
        window = self._window
        sides = [self["palette"], self["inspector"]]
        window.resizeDocks(sides, [224, 328], Qt.Orientation.Horizontal)
        tall = max(240, round(window.height() * 0.36))
        window.resizeDocks([self["panels"]], [tall], Qt.Orientation.Vertical)


def _dock(name: str, widget: QWidget) -> QDockWidget:
    dock = QDockWidget(_AREAS[name][0])
    dock.setObjectName(f"dock.{name}")
    dock.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)
    # The panels speak for themselves: an empty title bar saves its line.
    empty = QWidget()
    empty.setFixedHeight(0)
    dock.setTitleBarWidget(empty)
    dock.setWidget(widget)
    return dock
