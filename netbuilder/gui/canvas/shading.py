"""Nodes coloured by what a training shows of them: how strongly they learn, what they give, how
long they take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from PySide6.QtGui import QColor

from netbuilder.app.looks import NodeLook
from netbuilder.gui.look import theme


class Lens(StrEnum):
    """What the colours of nodes tell."""

    FAMILY = "family"
    GRADIENT = "gradient"
    ACTIVATION = "activation"
    TIME = "time"


Shade = tuple[QColor, str]
"""A colour and the figure that it stands for."""

_STEPS = 32


def shades(lens: Lens, looks: Mapping[str, NodeLook]) -> dict[str, Shade]:
    """The shade of each node, by id; least blue, most yellow.

    Gradients are lengths for each weight's length and, like deviations, compared by their
    logarithms; times are shares of all.
    """
    known = {id: value for id, look in looks.items() if (value := _value(lens, look)) is not None}
    if lens is Lens.TIME:
        total = sum(known.values()) or 1.0
        most = max(known.values(), default=1.0) or 1.0
        return {
            id: (_color(value / most, theme.current().name), f"{_ms(value)} · {value / total:.0%}")
            for id, value in known.items()
        }
    places = {id: math.log10(value) for id, value in known.items() if value > 0}
    low, high = min(places.values(), default=0.0), max(places.values(), default=0.0)
    # Differences under a factor of ten are no reason for glaring colours.
    spread = max(high - low, 1.0)
    return {
        id: (
            _color((places.get(id, low) - low) / spread, theme.current().name),
            _text(lens, looks[id], value),
        )
        for id, value in known.items()
    }


def _value(lens: Lens, look: NodeLook) -> float | None:
    if lens is Lens.TIME:
        return look.ms
    if lens is Lens.GRADIENT:
        return look.gradient
    first = next((output for output in look.outputs if output is not None), None)
    return first.std if first is not None else None


def _text(lens: Lens, look: NodeLook, value: float) -> str:
    if lens is Lens.GRADIENT:
        return f"∇ {value:.2g}"
    first = next(output for output in look.outputs if output is not None)
    dead = f" · {first.dead:.0%} dead" if first.dead else ""
    return f"σ {value:.2g}{dead}"


def _ms(value: float) -> str:
    return f"{value:.3g} ms" if value >= 0.1 else f"{1000 * value:.0f} µs"


@lru_cache(maxsize=4 * _STEPS)
def _shade(step: int, theme_name: str) -> QColor:
    """From blue over green to yellow: each lighter than the one before on a dark ground."""
    share = step / _STEPS
    lightness = 0.42 + 0.38 * share if theme_name == "dark" else 0.9 - 0.22 * share
    return theme.oklch(lightness, 0.06 + 0.09 * share, 260 - 165 * share)


def _color(share: float, theme_name: str) -> QColor:
    return _shade(round(min(max(share, 0.0), 1.0) * _STEPS), theme_name)
