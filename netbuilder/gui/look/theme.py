"""Colours, sizes and fonts of the window, dark and light, and how they are applied.

`current()` gives the tokens in use; who paints by hand reads them there and repaints when
`notifier.changed` fires. Widgets get theirs from the palette and a small stylesheet, which
knows a few dynamic properties: `role` of a QLabel (`title`, `muted`, `small`, `error`,
`warning`, `mono`) and `primary` of a QPushButton.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from netbuilder.gui.look.stylesheet import stylesheet

Mode = Literal["dark", "light", "system"]
Role = Literal["small", "normal", "title"]

XS, S, M, L = 4, 8, 16, 24
"""The rhythm of all distances, in pixels."""
RADIUS = 8
RADIUS_SMALL = 5
GRID = 8

_FONT_SCALE: Mapping[Role, float] = {"small": 0.86, "normal": 1.0, "title": 1.35}


@dataclass(frozen=True)
class Theme:
    """One set of tokens. Text tokens keep 4.5:1 on surface, panel and card."""

    name: Literal["dark", "light"]
    surface: QColor
    """Behind everything: the canvas, plots."""
    panel: QColor
    """Docks, bars, menus."""
    card: QColor
    """What lies on the surface: nodes, popups, buttons."""
    field: QColor
    """Inside of inputs and lists."""
    hover: QColor
    border: QColor
    grid: QColor
    text: QColor
    muted: QColor
    accent: QColor
    on_accent: QColor
    selection: QColor
    """Background of selected rows; `text` is readable on it."""
    error: QColor
    warning: QColor
    success: QColor
    wire: QColor
    shadow: QColor
    lightness: float
    """That of all families' colours, in OKLCH."""

    @cached_property
    def families(self) -> Mapping[str, QColor]:
        """A colour for each `layers.base.Family` value, made when it is first needed."""
        return {name: oklch(self.lightness, chroma, hue) for name, (hue, chroma) in _HUES.items()}

    def family(self, name: str) -> QColor:
        """The colour of a family; grey for one that is not known."""
        return self.families.get(name, self.families["unknown"])

    def family_text(self, name: str) -> QColor:
        """The family's hue for texts on a card: with a contrast of 4.5 at least."""
        return self._family_texts[name if name in self.families else "unknown"]

    @cached_property
    def _family_texts(self) -> Mapping[str, QColor]:
        return {
            name: _readable(color, self.card, self.text) for name, color in self.families.items()
        }


# Hues in OKLCH degrees. Families that often stand next to each other (convolution,
# normalisation, activation, pooling, linear, dropout) lie on both sides of the blue-yellow
# axis, which colour-blind people see, and differ in chroma too.
_HUES: Mapping[str, tuple[float, float]] = {
    "io": (250.0, 0.045),
    "linear": (289.0, 0.160),
    "convolution": (240.0, 0.105),
    "pooling": (205.0, 0.110),
    "normalisation": (172.0, 0.110),
    "dropout": (40.0, 0.065),
    "activation": (75.0, 0.140),
    "recurrent": (325.0, 0.150),
    "attention": (355.0, 0.160),
    "routing": (310.0, 0.090),
    "graph": (150.0, 0.150),
    "resize": (190.0, 0.060),
    "reshape": (110.0, 0.070),
    "indexing": (85.0, 0.060),
    "arithmetic": (130.0, 0.140),
    "reduction": (145.0, 0.080),
    "signal": (222.0, 0.135),
    "constant": (60.0, 0.035),
    "noise": (15.0, 0.110),
    "gradient": (50.0, 0.140),
    "loss": (28.0, 0.170),
    "metric": (98.0, 0.140),
    "data": (228.0, 0.080),
    "block": (270.0, 0.080),
    "own": (340.0, 0.080),
    "unknown": (260.0, 0.010),
}


def oklch(lightness: float, chroma: float, hue: float) -> QColor:
    """The sRGB colour nearest to an OKLCH one (Ottosson 2020); chroma gives way to the gamut."""
    while True:
        a = chroma * math.cos(math.radians(hue))
        b = chroma * math.sin(math.radians(hue))
        l_ = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
        m_ = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
        s_ = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
        linear = (
            4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
            -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
            -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
        )
        if all(-1e-4 <= value <= 1.0001 for value in linear):
            return QColor.fromRgbF(*(_gamma(min(1.0, max(0.0, value))) for value in linear))
        chroma *= 0.97


def _gamma(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def contrast(one: QColor, other: QColor) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""

    def luminance(color: QColor) -> float:
        parts = (color.redF(), color.greenF(), color.blueF())
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """`share` of one colour and the rest of the other."""
    return QColor.fromRgbF(
        one.redF() * share + other.redF() * (1 - share),
        one.greenF() * share + other.greenF() * (1 - share),
        one.blueF() * share + other.blueF() * (1 - share),
    )


def _readable(color: QColor, ground: QColor, text: QColor) -> QColor:
    """The colour, mixed with as much of the text's as it takes to be read on the ground."""
    shares = (1 - step / 20 for step in range(20))
    tried = (mixed(color, text, share) for share in shares)
    return next((found for found in tried if contrast(found, ground) >= 4.6), text)


def _shade(hex: str, alpha: int) -> QColor:
    color = QColor(hex)
    color.setAlpha(alpha)
    return color


DARK = Theme(
    name="dark",
    surface=QColor("#12151a"),
    panel=QColor("#191d24"),
    card=QColor("#21262f"),
    field=QColor("#14181e"),
    hover=QColor("#2a313c"),
    border=QColor("#313945"),
    grid=QColor("#262c36"),
    text=QColor("#e8eaed"),
    muted=QColor("#98a2b1"),
    accent=QColor("#7cacff"),
    on_accent=QColor("#0b1220"),
    selection=QColor("#2b4168"),
    error=QColor("#ff7d74"),
    warning=QColor("#e6b450"),
    success=QColor("#5fd38a"),
    wire=QColor("#7b8696"),
    shadow=_shade("#000000", 70),
    lightness=0.76,
)

LIGHT = Theme(
    name="light",
    surface=QColor("#faf8f4"),
    panel=QColor("#f3f0ea"),
    card=QColor("#ffffff"),
    field=QColor("#ffffff"),
    hover=QColor("#ebe6de"),
    border=QColor("#dbd5cb"),
    grid=QColor("#d9d3c8"),
    text=QColor("#1e1c1a"),
    muted=QColor("#66615a"),
    accent=QColor("#2459d3"),
    on_accent=QColor("#ffffff"),
    selection=QColor("#d5e1fb"),
    error=QColor("#c02a1e"),
    warning=QColor("#8a5a00"),
    success=QColor("#197a3c"),
    wire=QColor("#8d867c"),
    shadow=_shade("#3a3020", 28),
    lightness=0.60,
)


class Notifier(QObject):
    """Knows which tokens are in use and tells when others come."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.theme = DARK
        self.mode: Mode = "dark"
        self.listens = False


notifier = Notifier()


def current() -> Theme:
    """The tokens in use."""
    return notifier.theme


def apply_theme(app: QApplication, mode: Mode) -> Theme:
    """Dress the application; `system` follows the desktop's scheme, now and when it changes."""
    notifier.mode = mode
    hints = app.styleHints()
    if not notifier.listens:
        notifier.listens = True
        app.setStyle("Fusion")
        hints.colorSchemeChanged.connect(lambda: _follow(app))
    dark = mode == "dark"
    if mode == "system":
        dark = hints.colorScheme() == Qt.ColorScheme.Dark
    theme = DARK if dark else LIGHT
    notifier.theme = theme
    app.setPalette(palette(theme))
    app.setStyleSheet(stylesheet(_sheet_values(theme)))
    notifier.changed.emit()
    return theme


def _follow(app: QApplication) -> None:
    if notifier.mode == "system":
        apply_theme(app, "system")


def _sheet_values(theme: Theme) -> dict[str, str]:
    values = {
        name: value.name() for name, value in vars(theme).items() if isinstance(value, QColor)
    }
    small, title = font("small"), font("title")
    values |= {"small_pt": f"{small.pointSizeF():.1f}", "title_pt": f"{title.pointSizeF():.1f}"}
    values["mono"] = mono().family()
    values["accent_hover"] = mixed(theme.accent, theme.text, 0.86).name()
    return values


def palette(theme: Theme) -> QPalette:
    """The colours of Qt's own widgets."""
    roles = QPalette.ColorRole
    result = QPalette()
    for role, color in {
        roles.Window: theme.panel,
        roles.WindowText: theme.text,
        roles.Base: theme.field,
        roles.AlternateBase: mixed(theme.field, theme.panel, 0.5),
        roles.ToolTipBase: theme.card,
        roles.ToolTipText: theme.text,
        roles.PlaceholderText: theme.muted,
        roles.Text: theme.text,
        roles.Button: theme.card,
        roles.ButtonText: theme.text,
        roles.BrightText: theme.error,
        roles.Highlight: theme.selection,
        roles.HighlightedText: theme.text,
        roles.Accent: theme.accent,
        roles.Link: theme.accent,
        roles.LinkVisited: theme.accent,
        roles.Light: theme.hover,
        roles.Midlight: theme.hover,
        roles.Mid: theme.border,
        roles.Dark: theme.border,
        roles.Shadow: mixed(theme.border, theme.surface, 0.5),
    }.items():
        result.setColor(role, color)
    faint = mixed(theme.muted, theme.panel, 0.55)
    for role in (roles.Text, roles.WindowText, roles.ButtonText, roles.PlaceholderText):
        result.setColor(QPalette.ColorGroup.Disabled, role, faint)
    return result


# -- fonts -----------------------------------------------------------------------------


def font(role: Role = "normal", *, medium: bool = False) -> QFont:
    """The system's font in one of three sizes; `medium` for titles of things."""
    result = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont))
    result.setPointSizeF(round(_base_size(result) * _FONT_SCALE[role] * 2) / 2)
    if medium:
        result.setWeight(QFont.Weight.Medium)
    return result


def mono(role: Role = "normal") -> QFont:
    """The system's fixed font, whose figures have equal widths."""
    result = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    result.setStyleHint(QFont.StyleHint.Monospace)
    result.setPointSizeF(round(_base_size(font()) * _FONT_SCALE[role] * 2) / 2)
    return result


def _base_size(system: QFont) -> float:
    size = system.pointSizeF()
    return size if size > 0 else 10.0
