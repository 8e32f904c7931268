"""The contents of generated scenes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netbuilder.data.arrays import Array, contents
from netbuilder.data.made.scenes import KINDS, STRIDE, Scenes

TRIES = 20
"""Places that are tried for an object before it is left out."""


@contents.register
def scenes(source: Scenes) -> Mapping[str, Array]:
    """Pictures with masks, boxes and the maps of a centre-point detector."""
    shapes = {field.name: (field.shape, field.dtype) for field in source.fields()}
    found = {
        name: np.zeros((source.count, *shape), dtype) for name, (shape, dtype) in shapes.items()
    }
    for number in range(source.count):
        # A generator for each picture: the first ones are the same however many there are.
        random = np.random.default_rng((source.seed, number))
        _paint(random, source, {name: array[number] for name, array in found.items()})
    return found


def _paint(random: np.random.Generator, source: Scenes, sample: dict[str, Array]) -> None:
    """One picture and what is told about it, into the arrays of a sample."""
    size = source.size
    across, down = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    one, other = random.uniform(0.0, 0.45, (2, 3, 1, 1))
    image = one + (other - one) * down / size
    taken = np.zeros((size, size), bool)
    wanted = random.integers(1, source.objects + 1)
    placed = 0
    for _ in range(wanted * TRIES):
        kind = int(random.integers(len(KINDS)))
        radius = random.uniform(0.1, 0.22) * size
        x, y = random.uniform(radius, size - radius, 2)
        inside = _inside(kind, (across - x) / radius, (down - y) / radius)
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        # One pixel of background stays between objects.
        if taken[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1].any():
            continue
        taken[top:bottom, left:right] = True
        colour = (
            random.uniform(0.5, 1.0, (3, 1, 1)) * random.permutation([1.0, 0.9, 0.3])[:, None, None]
        )
        image = np.where(inside, colour, image)
        sample["mask"][inside] = kind + 1
        sample["boxes"][placed] = left, top, right, bottom
        sample["kinds"][placed] = kind + 1
        _tell(sample, kind, (left, top, right, bottom))
        placed += 1
        if placed == wanted:
            break
    image = image + source.noise * random.standard_normal(image.shape)
    sample["image"][:] = np.clip(image, 0.0, 1.0)


def _inside(kind: int, x: Array, y: Array) -> Array:
    """Which pixels belong to an object, from places in units of its radius."""
    inside: Array
    match KINDS[kind]:
        case "circle":
            inside = x * x + y * y <= 1.0
        case "square":
            inside = np.maximum(abs(x), abs(y)) <= 0.85
        case _:
            inside = (y <= 0.8) & (2.0 * abs(x) <= y + 1.0)
    return inside


def _tell(sample: dict[str, Array], kind: int, box: tuple[int, int, int, int]) -> None:
    """Mark an object in the maps of cells."""
    left, top, right, bottom = (edge / STRIDE for edge in box)
    width, height = right - left, bottom - top
    x, y = (left + right) / 2, (top + bottom) / 2
    column, row = int(x), int(y)
    cells = np.arange(sample["heat"].shape[-1])
    # A box that is off by a sixth of its size still overlaps well.
    falls_x = np.exp(-0.5 * ((cells - column) / (width / 6)) ** 2)
    falls_y = np.exp(-0.5 * ((cells - row) / (height / 6)) ** 2)
    sample["heat"][kind] = np.maximum(sample["heat"][kind], falls_y[:, None] * falls_x)
    sample["geometry"][:, row, column] = x - column, y - row, width, height
