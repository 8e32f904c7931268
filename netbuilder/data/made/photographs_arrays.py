"""The contents of the data sets of photographs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netbuilder.data.arrays import Array, contents
from netbuilder.data.made.photographs import NAMES, Photographs, TwoPhotographs


def _load() -> list[Array]:
    """Both photographs, 3×427×640 from 0 to 1, by their names' order."""
    from sklearn.datasets import load_sample_images

    # They come as china.jpg and flower.jpg.
    found = [image.transpose(2, 0, 1) for image in load_sample_images().images]
    return [(image / 255.0).astype(np.float32) for image in found]


@contents.register
def pieces(source: Photographs) -> Mapping[str, Array]:
    """Pieces side by side, row by row, of one photograph after the other."""
    size, low = source.size, source.size // source.scale
    cut = []
    for image in _load():
        rows, columns = image.shape[1] // size, image.shape[2] // size
        whole = image[:, : rows * size, : columns * size]
        grid = whole.reshape(3, rows, size, columns, size).transpose(1, 3, 0, 2, 4)
        cut.append(grid.reshape(rows * columns, 3, size, size))
    images = np.concatenate(cut)
    means = images.reshape(-1, 3, low, source.scale, low, source.scale).mean((3, 5))
    labels = np.repeat(np.arange(len(NAMES)), [len(part) for part in cut])
    return {"image": images, "low": means, "label": labels}


@contents.register
def pairs(source: TwoPhotographs) -> Mapping[str, Array]:
    """Pieces from random places, each photograph with places of its own."""
    found = {}
    for number, (name, image) in enumerate(zip(NAMES, _load(), strict=True)):
        random = np.random.default_rng((source.seed, number))
        tops = random.integers(0, image.shape[1] - source.size + 1, source.count)
        lefts = random.integers(0, image.shape[2] - source.size + 1, source.count)
        mirrored = random.integers(0, 2, source.count)
        found[name] = np.stack(
            [
                image[:, top : top + source.size, left : left + source.size][:, :, :: 1 - 2 * turn]
                for top, left, turn in zip(tops, lefts, mirrored, strict=True)
            ]
        )
    return found
