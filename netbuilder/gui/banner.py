"""Lines above the page that tell what stands in the way of saving, and offer what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from netbuilder.gui.look.widgets import button, label, row, set_role

Actions = tuple[tuple[str, Callable[[], object]], ...]


class Banner(QFrame):
    """One sentence with its buttons; the first button is what most people want."""

    def __init__(self, key: str, text: str, severity: str, actions: Actions) -> None:
        super().__init__()
        self.setObjectName(f"banner.{key}")
        self.setAccessibleName(text)
        self.text = label(text, wrap=True)
        self.choices = [button(title, partial(_press, pressed)) for title, pressed in actions]
        for choice in self.choices:
            choice.setAutoDefault(True)
        line = row(gap=8, margins=(16, 6, 12, 6))
        line.addWidget(self.text, 1)
        for choice in self.choices:
            line.addWidget(choice, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setLayout(line)
        set_role(self, f"banner-{severity}")


def _press(action: Callable[[], object]) -> None:
    action()


class BannerArea(QWidget):
    """The banners, each with a key of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._shown: dict[str, Banner] = {}
        self.hide()

    def say(self, key: str, text: str, actions: Actions, severity: str = "info") -> None:
        """Show a banner in place of the one with this key; `severity` is info or warning."""
        self.take(key)
        banner = self._shown[key] = Banner(key, text, severity, actions)
        self._layout.addWidget(banner)
        self.show()

    def take(self, *keys: str) -> None:
        """Take banners away; nothing happens where there is none."""
        for key in keys:
            banner = self._shown.pop(key, None)
            if banner is not None:
                self._layout.removeWidget(banner)
                banner.hide()
                banner.deleteLater()
        self.setVisible(bool(self._shown))

    def shown(self, key: str) -> Banner | None:
        """The banner with this key, if there is one."""
        return self._shown.get(key)
