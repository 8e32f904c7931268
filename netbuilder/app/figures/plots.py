"""Curves as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]
WIDTH, HEIGHT = 560.0, 260.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 12.0, 12.0, 32.0
MOST_POINTS = 600
"""A curve of more is thinned: its lowest and highest in each stretch stay."""
_COLORS = ("#3b6fd6", "#d6703b", "#2c9a6a", "#a34cc4", "#b8912b", "#c43f63")


def plot(curves: Mapping[str, Points], x_title: str = "epoch") -> str:
    """Curves over one axis, with a legend; an empty text without a finite point."""
    kept: dict[str, Points] = {
        name: [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        for name, points in curves.items()
    }
    kept = {name: thinned(points) for name, points in kept.items() if points}
    if not kept:
        return ""
    xs = [x for points in kept.values() for x, _ in points]
    ys = [y for points in kept.values() for _, y in points]
    across, up = _axis(min(xs), max(xs)), _axis(min(ys), max(ys))

    def place(x: float, y: float) -> str:
        px = _LEFT + (x - across[0]) / (across[-1] - across[0]) * (WIDTH - _LEFT - _RIGHT)
        py = HEIGHT - _BOTTOM - (y - up[0]) / (up[-1] - up[0]) * (HEIGHT - _TOP - _BOTTOM)
        return f"{px:.1f},{py:.1f}"

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        f'class="plot" font-family="sans-serif" font-size="11">',
        f"<title>{escape(', '.join(kept))}</title>",
    ]
    for y in up:
        a, b = place(across[0], y), place(across[-1], y)
        lines.append(f'<path d="M{a}L{b}" class="grid"/>')
        px, py = a.split(",")
        lines.append(f'<text x="{float(px) - 6:.1f}" y="{float(py) + 4:.1f}" class="tick" '
                     f'text-anchor="end">{y:.4g}</text>')  # fmt: skip
    for x in across:
        px, py = place(x, up[0]).split(",")
        lines.append(f'<text x="{px}" y="{float(py) + 16:.1f}" class="tick" '
                     f'text-anchor="middle">{x:g}</text>')  # fmt: skip
    lines.append(f'<text x="{WIDTH / 2:g}" y="{HEIGHT - 2:g}" class="tick" '
                 f'text-anchor="middle">{escape(x_title)}</text>')  # fmt: skip
    for at, points in enumerate(kept.values()):
        color = _COLORS[at % len(_COLORS)]
        path = "M" + "L".join(place(x, y) for x, y in points)
        lines.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.8"/>')
        if len(points) == 1:
            px, py = place(*points[0]).split(",")
            lines.append(f'<circle cx="{px}" cy="{py}" r="3" fill="{color}"/>')
    legend = "".join(
        f'<span><i style="background:{_COLORS[at % len(_COLORS)]}"></i>{escape(name)}</span>'
        for at, name in enumerate(kept)
    )
    return "\n".join([*lines, "</svg>", f'<p class="legend">{legend}</p>'])


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """At most so many points: of each stretch the lowest and the highest."""
    if len(points) <= most:
        return points
    stretch = math.ceil(2 * len(points) / most)
    found: list[tuple[float, float]] = []
    for at in range(0, len(points), stretch):
        part = points[at : at + stretch]
        ends = {min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
        found += sorted(ends)
    return found


def _axis(low: float, high: float) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`."""
    if not high > low:
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    raw = (high - low) / 5
    if not math.isfinite(raw) or raw <= 0.0:
        return [low, high]
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((power * each for each in (1, 2, 5, 10) if power * each >= raw), raw)
    first = math.floor(low / step)
    last = math.ceil(high / step)
    return [float(f"{at * step:.12g}") for at in range(first, max(last, first + 1) + 1)]
