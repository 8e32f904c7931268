"""A row of colours to choose one for a frame."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QWidget

from netbuilder.gui.canvas.frame_item import COLORS, tint
from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import set_tip

DOT = 18


class _Swatch(QAbstractButton):
    """One colour; the chosen one has a ring."""

    def __init__(self, name: str, color: str) -> None:
        super().__init__()
        self.color = color
        self.setAccessibleName(name)
        self.setCheckable(True)
        set_tip(self, name)

    def sizeHint(self) -> QSize:
        return QSize(DOT + 8, DOT + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(self.width() / 2, self.height() / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tint(self.color))
        painter.drawEllipse(middle, DOT / 2, DOT / 2)
        if self.isChecked() or self.hasFocus() or self.underMouse():
            color = tokens.accent if self.hasFocus() or self.underMouse() else tokens.text
            painter.setPen(QColor(color))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            reach = DOT + 5
            painter.drawEllipse(
                QRectF(middle.x() - reach / 2, middle.y() - reach / 2, reach, reach)
            )
        painter.end()


class Swatches(QFrame):
    """Lies in the canvas; arrows go from colour to colour, Enter takes one, Esc none."""

    chosen = Signal(str)
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("swatches")
        self.setAccessibleName("Colour of the frame")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.XS, theme.XS, theme.XS, theme.XS)
        row.setSpacing(2)
        self.buttons: list[_Swatch] = []
        for name, color in COLORS.items():
            button = _Swatch(name, color)
            button.installEventFilter(self)
            button.clicked.connect(lambda checked=False, color=color: self._choose(color))
            self.buttons.append(button)
            row.addWidget(button)
        self.hide()

    def open_at(self, pixel: QPoint, now: str) -> None:
        """Offer the colours above a point of the parent; `now` is the one in use."""
        tokens = theme.current()
        self.setStyleSheet(
            f"#swatches {{ background: {tokens.card.name()}; border: 1px solid"
            f" {tokens.border.name()}; border-radius: {theme.RADIUS}px; }}"
        )
        self.adjustSize()
        parent = self.parentWidget()
        room = parent.rect() if parent else self.rect()
        x = max(theme.S, min(pixel.x(), room.right() - self.width() - theme.S))
        y = max(theme.S, min(pixel.y() - self.height() - theme.XS, room.bottom() - self.height()))
        self.move(x, y)
        self.show()
        self.raise_()
        at = next((b for b in self.buttons if b.color == now), self.buttons[0])
        for button in self.buttons:
            button.setChecked(button is at)
        at.setFocus(Qt.FocusReason.PopupFocusReason)

    def _choose(self, color: str) -> None:
        self._leave()
        self.chosen.emit(color)

    def _leave(self) -> None:
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            match event.key():
                case Qt.Key.Key_Escape:
                    self._leave()
                    return True
                case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                    assert isinstance(watched, _Swatch)
                    self._choose(watched.color)
                    return True
                case Qt.Key.Key_Left | Qt.Key.Key_Right:
                    step = 1 if event.key() == Qt.Key.Key_Right else -1
                    at = self.buttons.index(watched)  # type: ignore[arg-type]
                    self.buttons[(at + step) % len(self.buttons)].setFocus()
                    return True
        if event.type() == QEvent.Type.FocusOut and self.isVisible():
            # The focus goes to another swatch in the same moment, or away for good.
            event_window = self.window()
            if event_window.focusWidget() not in self.buttons:
                self._leave()
        return super().eventFilter(watched, event)
