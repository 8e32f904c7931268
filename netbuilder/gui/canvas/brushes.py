"""Pens, brushes, fonts and their measures for painting nodes, made once for each theme."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QPainterPath,
    QPen,
    QPixmap,
    QStaticText,
)

from netbuilder.gui.canvas.wire_item import Screen, pen
from netbuilder.gui.look import icons, theme

ICON = 20
MOST = 1000
"""Characters of a text that are looked at, however long it is: no line shows more."""


class Type:
    """A font with its measures."""

    def __init__(self, font: QFont) -> None:
        self.font = font
        self.metrics = QFontMetricsF(font)
        self.height = self.metrics.height()

    def width(self, text: str) -> float:
        return self.metrics.horizontalAdvance(text)

    def elided(self, text: str, width: float) -> str:
        return self.metrics.elidedText(text[:MOST], Qt.TextElideMode.ElideRight, width)


class Brushes:
    """Everything that painting a node needs from the theme."""

    def __init__(self, tokens: theme.Theme) -> None:
        self.tokens = tokens
        self.card = QBrush(tokens.card)
        self.shadow = QBrush(tokens.shadow)
        self.surface = QBrush(tokens.surface)
        self.accent = QBrush(tokens.accent)
        self.wire = QBrush(tokens.wire)
        self.error = QBrush(tokens.error)
        self.warning = QBrush(tokens.warning)
        self.success = QBrush(tokens.success)
        self.vector = Screen.vector
        """Whether it is painted into a file of lines and texts: no pixels, no shadows."""
        self.border_pen = pen(tokens.border)
        self.hover_pen = pen(tokens.muted)
        self.error_pen = pen(theme.mixed(tokens.error, tokens.border, 0.75))
        self.selected_pen = pen(tokens.accent, 2.0)
        self.selected_pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        self.dashed_pen = pen(tokens.muted)
        self.dashed_pen.setStyle(Qt.PenStyle.DashLine)
        self.wire_pen = pen(tokens.wire)
        self.hair_pen = pen(theme.mixed(tokens.wire, tokens.surface, 0.7))
        self.accent_pen = pen(tokens.accent)
        self.through_pen = pen(tokens.accent, 2.0)
        self.dim_pen = pen(theme.mixed(tokens.wire, tokens.card, 0.35))
        self.text_pen = QPen(tokens.text)
        self.muted_pen = QPen(tokens.muted)
        self.badge_pen = QPen(tokens.on_accent)
        self.name = Type(theme.font("normal", medium=True))
        self.small = Type(theme.font("small"))
        self.mono = Type(theme.mono("small"))
        large = theme.font("normal", medium=True)
        large.setPointSizeF(large.pointSizeF() * 1.7)
        self.large = Type(large)
        badge = theme.font("small")
        badge.setBold(True)
        self.badge = Type(badge)
        self._families: dict[str, tuple[QBrush, ...]] = {}

    def family(self, name: str) -> QBrush:
        """The family's colour."""
        return self._set(name)[0]

    def far(self, name: str) -> QBrush:
        """A whole node seen from afar."""
        return self._set(name)[1]

    def sheet(self, name: str) -> QBrush:
        """A card that shows behind another."""
        return self._set(name)[3]

    def family_pen(self, name: str) -> QPen:
        """For texts in the family's colour."""
        return QPen(self.tokens.family_text(name))

    def faint(self, name: str) -> QBrush:
        """A muted node seen from afar."""
        return self._set(name)[2]

    def _set(self, name: str) -> tuple[QBrush, ...]:
        found = self._families.get(name)
        if found is None:
            color = self.tokens.family(name)
            soft = theme.mixed(color, self.tokens.card, 0.62)
            faint = theme.mixed(color, self.tokens.surface, 0.28)
            sheet = theme.mixed(color, self.tokens.card, 0.22)
            found = self._families[name] = tuple(map(QBrush, (color, soft, faint, sheet)))
        return found

    def icon(self, family: str, ratio: float) -> QPixmap:
        """The family's icon for so many device pixels in a scene unit."""
        step = next((step for step in (1.0, 2.0, 4.0) if step >= ratio - 0.01), 8.0)
        return icons.pixmap(family, self.tokens.family(family), ICON, step)


_in_use: dict[str, Brushes] = {}


def brushes() -> Brushes:
    """The set for the theme in use."""
    tokens = theme.current()
    found = _in_use.get(tokens.name)
    if found is None:
        found = _in_use[tokens.name] = Brushes(tokens)
    return found


def forget() -> None:
    """Make the sets anew when next asked for: the system's font has changed."""
    _in_use.clear()


@cache
def strip(height: float, across: bool, length: float = 0.0) -> QPainterPath:
    """The coloured edge of a card: the left one, or with `across` the top one."""
    card = QPainterPath()
    edge = QPainterPath()
    if across:
        card.addRoundedRect(QRectF(0, 0, length, height), theme.RADIUS, theme.RADIUS)
        edge.addRect(QRectF(0, 0, length, theme.XS))
    else:
        card.addRoundedRect(QRectF(0, 0, 64, height), theme.RADIUS, theme.RADIUS)
        edge.addRect(QRectF(0, 0, theme.XS, height))
    return card.intersected(edge)


def static(text: str, font: QFont) -> QStaticText:
    """A text ready to be drawn many times; plain, whatever it holds."""
    result = QStaticText(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.prepare(font=font)
    return result


def faded(color: QColor, alpha: float) -> QColor:
    """The colour with this much opacity, from 0 to 1."""
    result = QColor(color)
    result.setAlphaF(alpha)
    return result
