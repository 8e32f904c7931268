"""The tabs of the panels below the canvas: with icons where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import QTabWidget

from netbuilder.gui.look import icons, theme

ICON = 16
BESIDE_ICON = 8
"""What a tab with an icon takes in addition to the icon, at least."""


class PanelTabs(QTabWidget):
    """Words alone in a narrow window: half a word behind arrows says less than no icon."""

    def __init__(self, marks: Sequence[str]) -> None:
        super().__init__()
        self._marks = tuple(marks)
        self._dressed = False
        self.setDocumentMode(True)
        self.setIconSize(QSize(ICON, ICON))
        self.setAccessibleName("Panels")
        self.tabBar().setAccessibleName("Panels")

    def dress(self) -> None:
        """Take the colours of the theme in use."""
        self._dressed = self._roomy()
        for at, name in enumerate(self._marks[: self.count()]):
            mark = icons.icon(name, theme.current().muted, ICON) if self._dressed else QIcon()
            self.setTabIcon(at, mark)

    def fit(self) -> None:
        """Icons or none, for the present width and words."""
        if self._roomy() != self._dressed:
            self.dress()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def _roomy(self) -> bool:
        bar = self.tabBar()
        wide = sum(bar.tabSizeHint(at).width() for at in range(bar.count()))
        if not self._dressed:
            wide += bar.count() * (ICON + BESIDE_ICON)
        return wide <= self.width()
