"""What a person drew, as the picture that a network reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from netbuilder.data.reading.npy import Array
from netbuilder.errors import NetbuilderError

MAX_PIXELS = 1_000_000
INK = 0.1
"""From here on a point of a drawing is drawn on, of 1."""


def drawing(pixels: Any, shape: Sequence[int], *, fit: bool = False) -> Array:
    """Numbers from 0 to 1 (H×W or C×H×W) as a picture of `shape` (C, H, W).

    With `fit` what is drawn fills the picture, as letters and digits do in data of them.
    `NetbuilderError` if it is no picture.
    """
    from PIL import Image

    try:
        values = np.array(pixels, dtype=np.float32)
    except (TypeError, ValueError):
        values = np.empty(0, np.float32)
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or not 0 < values.size <= MAX_PIXELS or not np.isfinite(values).all():
        raise NetbuilderError("This is no picture.", "Draw, or choose a file.")
    channels, height, width = shape
    if fit:
        values = _filled(values, width / height)
    if len(values) != channels:
        values = np.repeat(values.mean(0, keepdims=True), channels, axis=0)
    planes = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BOX))
        for plane in values
    ]
    found: Array = np.clip(np.stack(planes), 0, 1)
    return found


def _filled(values: Array, wide: float) -> Array:
    """The part that is drawn on, widened to a picture `wide` times as wide as it is high."""
    rows, columns = (np.flatnonzero((values > INK).any((0, axis))) for axis in (2, 1))
    if not len(rows):
        return values
    part = values[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    _, height, width = part.shape
    taller = max(0, round(width / wide) - height)
    wider = max(0, round(height * wide) - width)
    sides = ((taller // 2, taller - taller // 2), (wider // 2, wider - wider // 2))
    found: Array = np.pad(part, ((0, 0), *sides))
    return found
