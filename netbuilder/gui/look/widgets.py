"""Small widgets that all panels share. Every text is shown as plain text.

`role` is a dynamic property that `gui.style` turns into looks: `title`, `heading`, `muted`,
`mono`, `error`, `ok` for labels, `primary`, `danger`, `quiet` for buttons.
"""

from __future__ import annotations

import html
from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from netbuilder.gui.look import theme

SWITCH = QSize(28, 16)
GAP = 8
"""The rhythm of the panels: 4, 8, 16, 24 pixels."""


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget another look; see `gui.style`."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        style = widget.style()
        style.unpolish(widget)
        style.polish(widget)


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """A label that never takes its text for HTML."""
    result = QLabel()
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setText(text)
    result.setWordWrap(wrap)
    result.setIndent(0)
    if role:
        result.setProperty("role", role)
    return result


def selectable(text: str = "", role: str = "") -> QLabel:
    """A wrapping label whose text can be marked and copied."""
    result = label(text, role, wrap=True)
    flags = Qt.TextInteractionFlag.TextSelectableByMouse
    result.setTextInteractionFlags(flags | Qt.TextInteractionFlag.TextSelectableByKeyboard)
    return result


def set_tip(widget: QWidget, text: str) -> None:
    """A tooltip of plain text: Qt guesses whether a tooltip is HTML, so markup is escaped."""
    widget.setToolTip(plain_tip(text))


def plain_tip(text: str) -> str:
    """The text as a tooltip that shows it letter by letter."""
    if "<" not in text and "&" not in text:
        return text
    return "<qt>" + html.escape(text).replace("\n", "<br>") + "</qt>"


def button(
    text: str, pressed: Callable[[], object] | None = None, role: str = "", tip: str = ""
) -> QPushButton:
    """A push button; `&` in the text is shown."""
    result = QPushButton(text.replace("&", "&&"))
    result.setCursor(Qt.CursorShape.PointingHandCursor)
    if role:
        result.setProperty("role", role)
    if tip:
        set_tip(result, tip)
    if pressed is not None:
        result.clicked.connect(lambda: pressed())
    return result


def link(text: str, pressed: Callable[[], object]) -> QToolButton:
    """A flat button that reads like a link."""
    result = QToolButton()
    result.setText(text.replace("&", "&&"))
    result.setCursor(Qt.CursorShape.PointingHandCursor)
    result.setProperty("role", "link")
    result.clicked.connect(lambda: pressed())
    return result


class Switch(QCheckBox):
    """A check box that looks like a switch; half on for several values that differ."""

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        top = (self.height() - SWITCH.height()) / 2
        track = QRectF(0.5, top + 0.5, SWITCH.width() - 1, SWITCH.height() - 1)
        share = {
            Qt.CheckState.Unchecked: 0.0,
            Qt.CheckState.PartiallyChecked: 0.5,
            Qt.CheckState.Checked: 1.0,
        }[self.checkState()]
        rim = tokens.accent if share or self.hasFocus() else tokens.wire
        painter.setPen(QPen(rim, 1))
        painter.setBrush(tokens.accent if share == 1.0 else tokens.field)
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        if self.hasFocus() and share:
            painter.setPen(QPen(tokens.text, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.on_accent if share == 1.0 else tokens.muted)
        radius = track.height() / 2 - 3
        left = track.left() + track.height() / 2
        middle = QPointF(left + share * (track.width() - track.height()), track.center().y())
        painter.drawEllipse(middle, radius, radius)
        if self.text():
            painter.setPen(tokens.text)
            words = QRectF(SWITCH.width() + 7, 0, self.width(), self.height())
            align = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic
            painter.drawText(words, align, self.text())

    def sizeHint(self) -> QSize:
        words = self.fontMetrics().horizontalAdvance(self.text().replace("&&", "&"))
        return QSize(SWITCH.width() + (words + 8 if words else 0), SWITCH.height() + 4)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def hitButton(self, position: QPoint) -> bool:
        return self.rect().contains(position)


class Choice(QComboBox):
    """A list of choices that leaves the wheel to the panel it is scrolled in."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.setSizeAdjustPolicy(policy)
        self.setMinimumContentsLength(6)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        # The stylesheet that rounds the frame takes Fusion's arrow away.
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().muted, 1.3))
        x, y = self.width() - 12.0, self.height() / 2
        ends = (QPointF(x - 4, y - 2), QPointF(x, y + 2), QPointF(x + 4, y - 2))
        painter.drawPolyline(QPolygonF(ends))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


def row(
    *items: QWidget | int | None, gap: int = GAP, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QHBoxLayout:
    """Widgets side by side; an int is a space in pixels, None a stretch."""
    result = QHBoxLayout()
    _fill(result, items, gap, margins)
    return result


def column(
    *items: QWidget | int | None, gap: int = GAP, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QVBoxLayout:
    """Widgets below one another; an int is a space in pixels, None a stretch."""
    result = QVBoxLayout()
    _fill(result, items, gap, margins)
    return result


def _fill(
    layout: QHBoxLayout | QVBoxLayout,
    items: tuple[QWidget | int | None, ...],
    gap: int,
    margins: tuple[int, int, int, int],
) -> None:
    layout.setContentsMargins(*margins)
    layout.setSpacing(gap)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        else:
            layout.addWidget(item)


def holder(layout: QLayout, name: str = "") -> QWidget:
    """A widget around a layout."""
    result = QWidget()
    result.setLayout(layout)
    if name:
        result.setObjectName(name)
    return result


def clear(layout: QLayout) -> None:
    """Remove and delete everything in a layout."""
    while layout.count():
        item = layout.takeAt(0)
        if item is None:
            return
        widget = item.widget()
        inner = item.layout()
        if widget is not None:
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
        elif inner is not None:
            clear(inner)
            inner.deleteLater()


def scroller(content: QWidget) -> QScrollArea:
    """A frameless scroll area that follows the width of its content."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    # It scrolls to whatever in it gets the keys; itself it would be a stop without a meaning.
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area


def rule() -> QFrame:
    """A thin line between two parts of a panel."""
    line = QFrame()
    line.setProperty("role", "rule")
    line.setFixedHeight(1)
    return line


class EmptyState(QWidget):
    """What a panel shows when it has nothing: what will be here, and what to do first."""

    def __init__(
        self, title: str, text: str, action: str = "", pressed: Callable[[], object] | None = None
    ) -> None:
        super().__init__()
        self.title = label(title, "heading")
        self.text = label(text, "muted", wrap=True)
        self.text.setMaximumWidth(440)
        for part in (self.title, self.text):
            part.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        layout = column(None, self.title, gap=GAP, margins=(24, 16, 24, 16))
        middle = row(None, self.text, None)
        # All the width there is up to the most it takes, and only then room at its sides.
        middle.setStretch(1, 1000)
        layout.addLayout(middle)
        layout.setStretch(0, 1)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        if action:
            self.action = button(action, pressed, "primary")
            layout.addSpacing(GAP)
            layout.addLayout(row(None, self.action, None))
        layout.addStretch(1)
        self.setLayout(layout)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 60)

    def say(self, title: str, text: str) -> None:
        """Show other words."""
        self.title.setText(title)
        self.text.setText(text)
