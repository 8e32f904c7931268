"""A small plain text near the mouse: a refusal, a port's name, a node's problems."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QWidget

from netbuilder.gui.look import theme

Tone = Literal["plain", "error", "warning"]

WIDTH = 360
LIMIT = (1 << 24) - 1
"""Qt's own limit of a widget's size: no limit."""


class Hint(QLabel):
    """A label over the canvas that takes no mouse events and never reads its text as HTML."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_at(self, pixel: QPoint, text: str, tone: Tone = "plain") -> None:
        """Show a text beside a point of the parent, wholly inside of it."""
        tokens = theme.current()
        edge = {"plain": tokens.border, "error": tokens.error, "warning": tokens.warning}[tone]
        self.setStyleSheet(
            f"background: {tokens.card.name()}; color: {tokens.text.name()};"
            f"border: 1px solid {edge.name()}; border-radius: 5px; padding: 4px 8px;"
        )
        self.setFont(theme.font("small"))
        self.setMinimumSize(0, 0)
        self.setMaximumSize(LIMIT, LIMIT)
        self.setWordWrap(False)
        self.setText(text)
        self.adjustSize()
        if self.width() > WIDTH:
            self.setWordWrap(True)
            self.setFixedWidth(WIDTH)
            self.setFixedHeight(self.heightForWidth(WIDTH))
        parent = self.parentWidget()
        room = parent.rect() if parent else self.rect()
        x = min(pixel.x() + 16, room.right() - self.width() - 8)
        y = pixel.y() + 18
        if y + self.height() > room.bottom() - 8:
            y = pixel.y() - self.height() - 12
        self.move(max(8, x), max(8, y))
        self.show()
        self.raise_()
