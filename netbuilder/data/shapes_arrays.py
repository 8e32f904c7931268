"""Pictures of shapes, drawn from inequalities: a shape is where a function is below 0.

The functions are minima (unions) and maxima (cuts) of half planes and circles; near an edge
they measure the distance from it, which smooths it over one pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from netbuilder.data.arrays import Array, contents
from netbuilder.data.shapes import SHAPES, Shapes

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
    return np.clip(np.stack(painted) + noise * grain, 0, 1).astype(np.float32)


def _disc(x: Array, y: Array, radius: float = 1.0) -> Array:
    return np.hypot(x, y) - radius


def _ring(x: Array, y: Array) -> Array:
    return np.abs(_disc(x, y, 0.75)) - 0.25


def _crescent(x: Array, y: Array) -> Array:
    return np.maximum(_disc(x, y), -_disc(x - 0.5, y, 0.8))


def _drop(x: Array, y: Array) -> Array:
    # The tip's two sides touch the disc: its sine is the disc's radius over their distance.
    sine = 0.55 / 1.45
    sides = np.cos(np.arcsin(sine)) * np.abs(x) + sine * (-1.0 - y)
    within = np.maximum(sides, y - 0.45 + 0.55 * sine)
    return np.minimum(_disc(x, y - 0.45, 0.55), within)


def _heart(x: Array, y: Array) -> Array:
    # A square on its corner and a disc on each of its upper sides.
    square = (np.abs(x) + np.abs(y - 0.15)) / np.sqrt(2) - 0.85 / np.sqrt(2)
    return np.minimum(square, _disc(np.abs(x) - 0.425, y + 0.275, 0.6))


def _triangle(x: Array, y: Array) -> Array:
    return np.maximum(np.sqrt(0.75) * np.abs(x) - 0.5 * y, y) - 0.5


def _square(x: Array, y: Array) -> Array:
    return np.maximum(np.abs(x), np.abs(y)) - np.sqrt(0.5)


def _star(x: Array, y: Array) -> Array:
    # One of ten like halves of a ray, whose side runs from the tip at 1 to the notch at 0.4.
    step = 2 * np.pi / 5
    angle = np.abs((np.arctan2(y, x) + step / 2) % step - step / 2)
    far = np.hypot(x, y)
    notch = 0.4 * np.cos(step / 2), 0.4 * np.sin(step / 2)
    side = np.array([notch[1], 1 - notch[0]]) / np.hypot(notch[1], 1 - notch[0])
    return far * (side[0] * np.cos(angle) + side[1] * np.sin(angle)) - side[0]


def _box(x: Array, y: Array, width: float, height: float) -> Array:
    return np.maximum(np.abs(x) - width / 2, np.abs(y) - height / 2)


def _cross(x: Array, y: Array) -> Array:
    return np.minimum(_box(x, y, 1.9, 0.6), _box(x, y, 0.6, 1.9))


def _arrow(x: Array, y: Array) -> Array:
    slope = np.hypot(1.0, 0.75)
    head = np.maximum((np.abs(x) - 0.75 * (y + 1)) / slope, y)
    return np.minimum(head, _box(x, y - 0.45, 0.5, 1.0))


_FORMS: Mapping[str, Callable[[Array, Array], Array]] = {
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
