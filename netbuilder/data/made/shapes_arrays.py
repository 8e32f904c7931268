"""Pictures of shapes, drawn from inequalities: a shape is where a function is below 0.

The functions are unions (minima) and cuts (maxima) of half planes and circles; near an edge
they measure the distance from it, which smooths it over one pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from netbuilder.data.arrays import Array, contents
from netbuilder.data.made.shapes import SHAPES, Shapes

Numbers = NDArray[np.float64]

CONTRAST = 0.6
"""The least distance of a shape's colour from both of the ground, as red, green and blue."""


@contents.register
def _(source: Shapes) -> Mapping[str, Array]:
    label = np.arange(source.count, dtype=np.int64) % len(SHAPES)
    image = np.empty((source.count, 3, source.size, source.size), np.float32)
    for number in range(source.count):
        random = np.random.default_rng([source.seed, number])
        image[number] = _picture(SHAPES[label[number]], source.size, source.noise, random)
    return {"image": image, "label": label}


def _picture(shape: str, size: int, noise: float, random: np.random.Generator) -> Array:
    """A picture (3, size, size) of a shape; where it stands does not depend on its size."""
    radius = random.uniform(0.22, 0.4)
    centre = random.uniform(radius, 1 - radius, 2)
    turn, slope = random.uniform(0, 2 * np.pi, 2)
    ground, other = random.uniform(0, 1, (2, 3))
    while True:
        colour = random.uniform(0, 1, 3)
        if min(np.linalg.norm(colour - ground), np.linalg.norm(colour - other)) > CONTRAST:
            break
    line = (np.arange(size, dtype=np.float32) + 0.5) / size
    down, right = (line[:, None] - centre[0]) / radius, (line - centre[1]) / radius
    x = np.cos(turn) * right + np.sin(turn) * down
    y = np.cos(turn) * down - np.sin(turn) * right
    covered = np.clip(0.5 - _FORMS[shape](x, y) * radius * size, 0, 1)
    along = 0.5 + (np.cos(slope) * (line - 0.5) + np.sin(slope) * (line[:, None] - 0.5)) / 1.5
    painted = [
        (1 - covered) * (a + along * (b - a)) + covered * c
        for a, b, c in zip(ground, other, colour, strict=True)
    ]
    grain = random.standard_normal((3, size, size), np.float32)
    result: Array = np.clip(np.stack(painted) + noise * grain, 0, 1).astype(np.float32)
    return result


def _cut(one: Numbers, other: Numbers) -> Numbers:
    result: Numbers = np.maximum(one, other)
    return result


def _union(one: Numbers, other: Numbers) -> Numbers:
    result: Numbers = np.minimum(one, other)
    return result


def _disc(x: Numbers, y: Numbers, radius: float = 1.0) -> Numbers:
    return np.hypot(x, y) - radius


def _ring(x: Numbers, y: Numbers) -> Numbers:
    return np.abs(_disc(x, y, 0.75)) - 0.25


def _crescent(x: Numbers, y: Numbers) -> Numbers:
    return _cut(_disc(x, y), -_disc(x - 0.5, y, 0.8))


def _drop(x: Numbers, y: Numbers) -> Numbers:
    # The tip's two sides touch the disc: its sine is the disc's radius over their distance.
    sine = 0.55 / 1.45
    sides = np.cos(np.arcsin(sine)) * np.abs(x) + sine * (-1.0 - y)
    within = _cut(sides, y - 0.45 + 0.55 * sine)
    return _union(_disc(x, y - 0.45, 0.55), within)


def _heart(x: Numbers, y: Numbers) -> Numbers:
    # A square on its corner and a disc on each of its upper sides.
    square = (np.abs(x) + np.abs(y - 0.15)) / np.sqrt(2) - 0.85 / np.sqrt(2)
    return _union(square, _disc(np.abs(x) - 0.425, y + 0.275, 0.6))


def _triangle(x: Numbers, y: Numbers) -> Numbers:
    return _cut(np.sqrt(0.75) * np.abs(x) - 0.5 * y - 0.5, y - 0.5)


def _square(x: Numbers, y: Numbers) -> Numbers:
    return _box(x, y, np.sqrt(2), np.sqrt(2))


def _star(x: Numbers, y: Numbers) -> Numbers:
    # One of ten like halves of a ray, whose side runs from the tip at 1 to the notch at 0.4.
    step = 2 * np.pi / 5
    angle = np.abs((np.arctan2(y, x) + step / 2) % step - step / 2)
    far = np.hypot(x, y)
    across, along = 0.4 * np.sin(step / 2), 1 - 0.4 * np.cos(step / 2)
    length = np.hypot(across, along)
    side: Numbers = far * (across * np.cos(angle) + along * np.sin(angle)) - across
    return side / float(length)


def _box(x: Numbers, y: Numbers, width: float, height: float) -> Numbers:
    return _cut(np.abs(x) - width / 2, np.abs(y) - height / 2)


def _cross(x: Numbers, y: Numbers) -> Numbers:
    return _union(_box(x, y, 1.9, 0.6), _box(x, y, 0.6, 1.9))


def _arrow(x: Numbers, y: Numbers) -> Numbers:
    slope = float(np.hypot(1.0, 0.75))
    head = _cut((np.abs(x) - 0.75 * (y + 1)) / slope, y)
    return _union(head, _box(x, y - 0.45, 0.5, 1.0))


_FORMS: Mapping[str, Callable[[Numbers, Numbers], Numbers]] = {
    "circle": _disc,
    "ring": _ring,
    "crescent": _crescent,
    "drop": _drop,
    "heart": _heart,
    "triangle": _triangle,
    "square": _square,
    "star": _star,
    "cross": _cross,
    "arrow": _arrow,
}
