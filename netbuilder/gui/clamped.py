"""A text in a few lines: what does not fit ends in an ellipsis, and is the tooltip."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QSizePolicy, QWidget

from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import set_tip


class Clamped(QWidget):
    """At most so many lines of a text, taken letter by letter as it is."""

    def __init__(self, text: str, lines: int) -> None:
        super().__init__()
        self.text, self._lines = text, lines
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text)
        set_tip(self, text)

    def sizeHint(self) -> QSize:
        return QSize(160, self._lines * self.fontMetrics().lineSpacing())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(theme.current().muted)
        layout = QTextLayout(self.text, self.font())
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        metrics = painter.fontMetrics()
        layout.beginLayout()
        for number in range(self._lines):
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(self.width())
            start, length = line.textStart(), line.textLength()
            text = self.text[start : start + length]
            if number == self._lines - 1 and start + length < len(self.text):
                rest = self.text[start:]
                text = metrics.elidedText(rest, Qt.TextElideMode.ElideRight, self.width())
            painter.drawText(0, number * metrics.lineSpacing() + metrics.ascent(), text)
        layout.endLayout()
