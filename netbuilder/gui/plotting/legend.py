"""The line above a plot: its title, and an entry for each curve that switches it off and on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QLabel, QSizePolicy, QWidget

from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import label, set_tip

SWATCH, PAD, GAP = 18, 5, 2
ROOM = 7
"""How many letters of a value an entry keeps room for before it has to grow."""


class Entry(QAbstractButton):
    """A stroke as the curve is drawn, its name and its value; off, the curve is hidden."""

    def __init__(self, name: str, plot: str) -> None:
        super().__init__()
        # Where a plot has one curve of the same name, the name is said once.
        self.name = "" if name.casefold() == plot.casefold() else name
        self.setText(self.name)
        self.setCheckable(True)
        self.setChecked(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"Curve {name} of {plot}")
        set_tip(self, f"Show or hide {name}")
        self._value = ""
        self._room = ROOM
        self._color = QColor()
        self._dashed = False

    def look(self, color: QColor, dashed: bool) -> None:
        """How its curve is drawn."""
        self._color, self._dashed = color, dashed
        self.update()

    def say(self, value: str) -> None:
        """The value of its curve, as text."""
        if value != self._value:
            self._value = value
            self.setAccessibleDescription(value)
            self.update()
            if len(value) > self._room:
                self._room = len(value)
                legend = self.parentWidget()
                if isinstance(legend, Legend):
                    legend.arrange()

    @property
    def value(self) -> str:
        return self._value

    def sizeHint(self) -> QSize:
        name = _advance(theme.font("small"), self.text())
        figures = _advance(theme.mono("small"), "0" * self._room)
        wide = PAD + SWATCH + 5 + name + (6 if name else 0) + figures
        return QSize(wide, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            painter.setPen(QPen(tokens.accent, 1) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(tokens.hover)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        on = self.isChecked()
        pen = QPen(self._color if on else tokens.border, 2)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        if self._dashed:
            pen.setDashPattern([2.5, 1.5])
        painter.setPen(pen)
        middle = self.height() / 2
        painter.drawLine(QPointF(PAD, middle), QPointF(PAD + SWATCH, middle))
        left = PAD + SWATCH + 5
        painter.setFont(theme.font("small"))
        painter.setPen(tokens.text if on else tokens.muted)
        words = QRectF(left, 0, self.width() - left, self.height())
        align = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(words, align | Qt.AlignmentFlag.AlignLeft, self.text())
        if on:
            painter.setPen(tokens.muted)
            painter.setFont(theme.mono("small"))
            name = _advance(theme.font("small"), self.text())
            at = left + name + (6 if name else 0)
            painter.drawText(
                QRectF(at, 0, self.width() - at, self.height()),
                align | Qt.AlignmentFlag.AlignLeft,
                self._value,
            )


def _advance(font: QFont, text: str) -> int:
    return QFontMetrics(font).horizontalAdvance(text)


class Legend(QWidget):
    """Title and entries side by side; what does not fit goes on the next line."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = label(title, "heading")
        self.title.setParent(self)
        self.note = label("", "small")
        self.note.setParent(self)
        self.entries: list[Entry] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.arrange()

    def add(self, entry: Entry) -> None:
        """One more curve; those of one training step (`generate train`) stand together."""
        entry.setParent(self)
        entry.show()
        step = entry.name.rpartition(" ")[0]
        same = [at for at, one in enumerate(self.entries) if one.name.rpartition(" ")[0] == step]
        self.entries.insert(same[-1] + 1 if step and same else len(self.entries), entry)
        self.arrange()

    def clear(self) -> None:
        """No curves."""
        for entry in self.entries:
            entry.hide()
            entry.setParent(None)
            entry.deleteLater()
        self.entries.clear()
        self.arrange()

    def say(self, note: str) -> None:
        """A remark after the title: where the values are read, what is left out."""
        if note != self.note.text():
            self.note.setText(note)
            self.note.setToolTip(note)
            self.arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.arrange()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.arrange()

    def _name(self) -> None:
        """Of each step's curves only the first has the step's name: they share its colour."""
        before = ""
        for entry in self.entries:
            step, _, part = entry.name.rpartition(" ")
            entry.setText(part if step and step == before else entry.name)
            before = step

    def arrange(self) -> None:
        """Give everything its place for the present width."""
        wide = self.width()
        x, y = 8, 2
        line = max(self.title.sizeHint().height(), 18)
        self._name()
        parts: list[QLabel | Entry] = [self.title, *self.entries]
        if self.note.text():
            parts.insert(1, self.note)
        self.note.setVisible(bool(self.note.text()))
        for part in parts:
            size = part.sizeHint()
            needed = min(size.width(), wide - 12)
            if x > 8 and x + needed > wide - 4:
                x, y = 8, y + line + GAP
            part.setGeometry(x, y + (line - size.height()) // 2, needed, size.height())
            x += needed + 8
        self.setFixedHeight(y + line + GAP)
