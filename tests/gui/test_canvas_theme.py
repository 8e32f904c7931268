"""Colours that everybody can read, and icons that can't stop the window."""

from __future__ import annotations

import itertools
import math

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from netbuilder.gui.look import icons, theme
from netbuilder.layers.base import Family
from tests.drawing import Drawing
from tests.gui.canvas_hand import Hand

THEMES = (theme.DARK, theme.LIGHT)


@pytest.mark.parametrize("tokens", THEMES, ids=lambda tokens: tokens.name)
def test_all_text_has_contrast(tokens: theme.Theme) -> None:
    grounds = ("surface", "panel", "card", "field")
    for text, ground in itertools.product(
        ("text", "muted", "accent", "error", "warning", "success"), grounds
    ):
        ratio = theme.contrast(getattr(tokens, text), getattr(tokens, ground))
        assert ratio >= 4.5, f"{text} on {ground}: {ratio:.2f}"
    for text, ground in (("text", "selection"), ("on_accent", "accent"), ("muted", "hover")):
        assert theme.contrast(getattr(tokens, text), getattr(tokens, ground)) >= 4.5
    for badge in ("error", "warning"):
        assert theme.contrast(tokens.on_accent, getattr(tokens, badge)) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert theme.contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert theme.contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("tokens", THEMES, ids=lambda tokens: tokens.name)
def test_families_have_colours_of_equal_lightness(tokens: theme.Theme) -> None:
    assert set(tokens.families) == {family.value for family in Family}
    lightness = [_oklab(color)[0] for color in tokens.families.values()]
    assert max(lightness) - min(lightness) < 0.02
    for (one, a), (other, b) in itertools.combinations(tokens.families.items(), 2):
        assert _distance(a, b) > 0.025, f"{one} and {other} look alike"


COMMON = ("convolution", "normalisation", "activation", "linear", "dropout", "pooling", "loss")


@pytest.mark.parametrize("tokens", THEMES, ids=lambda tokens: tokens.name)
def test_common_families_differ_for_the_colour_blind(tokens: theme.Theme) -> None:
    near = [
        (one, other)
        for one, other in itertools.combinations(COMMON, 2)
        if _distance(_deutan(tokens.family(one)), _deutan(tokens.family(other))) < 0.02
    ]
    assert not near


def _oklab(color: QColor) -> tuple[float, float, float]:
    """Ottosson's OKLab, from sRGB."""
    r, g, b = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (color.redF(), color.greenF(), color.blueF())
    )
    l_ = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    m_ = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    s_ = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * l_ + 0.7936177850 * m_ - 0.0040720468 * s_,
        1.9779984951 * l_ - 2.4285922050 * m_ + 0.4505937099 * s_,
        0.0259040371 * l_ + 0.7827717662 * m_ - 0.8086757660 * s_,
    )


def _distance(one: QColor, other: QColor) -> float:
    return math.dist(_oklab(one), _oklab(other))


def _deutan(color: QColor) -> QColor:
    """How a person without green cones sees it (Machado, Oliveira, Fernandes 2009)."""

    def up(c: float) -> float:
        return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4

    def down(c: float) -> float:
        c = min(1.0, max(0.0, c))
        return 12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055

    r, g, b = up(color.redF()), up(color.greenF()), up(color.blueF())
    return QColor.fromRgbF(
        down(0.367322 * r + 0.860646 * g - 0.227968 * b),
        down(0.280085 * r + 0.672501 * g + 0.047413 * b),
        down(-0.011820 * r + 0.042940 * g + 0.968881 * b),
    )


def test_applying_a_theme_tells_and_repaints(qapp: QApplication) -> None:
    hand = Hand(Drawing())
    hand.drawing.input(1, 8, 8)
    told: list[str] = []
    connection = theme.notifier.changed.connect(lambda: told.append(theme.current().name))
    try:
        for mode in ("light", "dark"):
            theme.apply_theme(qapp, mode)
            hand.settle()
            shot = hand.view.grab().toImage()
            assert shot.pixelColor(3, 3) in (theme.current().surface, theme.current().grid)
        assert told == ["light", "dark"]
        assert theme.apply_theme(qapp, "system") in THEMES
    finally:
        theme.notifier.changed.disconnect(connection)
        theme.apply_theme(qapp, "dark")
        hand.close()


def test_fonts_follow_the_systems(qapp: QApplication) -> None:
    small, normal, title = (theme.font(role).pointSizeF() for role in ("small", "normal", "title"))
    assert small < normal < title
    assert theme.mono().pointSizeF() == normal


def test_icons_are_tinted_and_missing_ones_are_blank(qapp: QApplication) -> None:
    red = QColor("#ff0000")
    image = icons.pixmap("unknown", red, 24, 2.0).toImage()
    assert (image.width(), image.devicePixelRatio()) == (48, 2.0)
    pixels = [image.pixelColor(x, y) for x in range(48) for y in range(48)]
    drawn = [color for color in pixels if color.alpha() > 200]
    assert drawn
    assert all(color.red() > 200 and color.blue() < 60 for color in drawn)
    blank = icons.pixmap("no such icon", red).toImage()
    assert all(blank.pixelColor(x, x).alpha() == 0 for x in range(24))
    assert not icons.icon("no such icon").isNull()


@pytest.mark.parametrize("family", Family)
def test_every_family_has_an_icon(qapp: QApplication, family: Family) -> None:
    image = icons.pixmap(family.value, QColor("#ffffff")).toImage()
    assert any(image.pixelColor(x, y).alpha() for x in range(24) for y in range(24))
