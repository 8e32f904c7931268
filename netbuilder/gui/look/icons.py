"""Line icons of `resources/icons`, tinted, sharp at every scale, cached."""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from netbuilder.app import resources
from netbuilder.gui.look import theme


@cache
def _source(name: str) -> str:
    """The SVG text, empty where there is no such icon: that must not stop the window."""
    try:
        return resources.find(f"icons/{name}.svg").read_text("utf-8")
    except OSError:
        return ""


@lru_cache(maxsize=2048)
def _render(name: str, rgba: int, size: int, ratio: float) -> QPixmap:
    side = max(1, round(size * ratio))
    result = QPixmap(side, side)
    result.fill(Qt.GlobalColor.transparent)
    source = _source(name)
    if source:
        color = QColor.fromRgba(rgba)
        tinted = source.replace("currentColor", color.name())
        renderer = QSvgRenderer(QByteArray(tinted.encode()))
        painter = QPainter(result)
        painter.setOpacity(color.alphaF())
        renderer.render(painter, QRectF(0, 0, side, side))
        painter.end()
    result.setDevicePixelRatio(ratio)
    return result


def draw(painter: QPainter, name: str, color: QColor, rect: QRectF) -> None:
    """Draw the icon's lines, not its pixels: for files that can be enlarged."""
    source = _source(name).replace("currentColor", color.name())
    if source:
        QSvgRenderer(QByteArray(source.encode())).render(painter, rect)


def pixmap(name: str, color: QColor | None = None, size: int = 24, ratio: float = 1.0) -> QPixmap:
    """The icon in a colour (the theme's text by default); transparent where there is none.

    `size` is in logical pixels, `ratio` the device pixels in each.
    """
    color = color or theme.current().text
    return _render(name, color.rgba(), size, ratio)


def icon(name: str, color: QColor | None = None, size: int = 24) -> QIcon:
    """The icon for buttons and menus, with a faint picture for the disabled state."""
    tokens = theme.current()
    result = QIcon()
    for ratio in (1.0, 2.0):
        result.addPixmap(pixmap(name, color or tokens.text, size, ratio))
        faint = theme.mixed(tokens.muted, tokens.panel, 0.55)
        result.addPixmap(pixmap(name, faint, size, ratio), QIcon.Mode.Disabled)
    return result
