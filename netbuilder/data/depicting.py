"""How values of a field are shown: which kind of thing they are, and small forms of them as JSON.

What is large is made small here, where the data is: a picture of 4,000 pixels travels to the
window as one of 96.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from netbuilder.data.sources import Field

Array = np.ndarray[Any, np.dtype[Any]]
Kind = Literal[
    "image", "mask", "class", "text", "sound", "curve", "number", "vector", "id", "array"
]

SIDE = 96
"""Pixels of a picture's longer side."""
SLACK = 1e-4
"""What a picture from 0 to 1 may be beyond."""
POINTS = 160
"""Points of a curve, columns of a sound."""
LINES = 4
"""Curves of one sample."""
NUMBERS = 32
"""Elements of a vector."""
LETTERS = 400
PADDING = ("", "(padding)")
"""What fills texts up."""
SOUND = 512
"""From so many points on a single series is taken for a sound."""
SPECTRUM = "spectrogram"
"""The field of loudness by frequency, low ones first."""
BANDS = 64
"""Rows of a spectrogram."""


def kind_of(field: Field) -> Kind:
    """What a field is to a person, by its shape, numbers and classes."""
    shape = field.shape
    if field.dtype.startswith(("int", "uint", "bool")):
        return _kind_of_ids(field)
    if shape in ((), (1,)):
        return "number"
    if len(shape) == 3 and shape[0] in (1, 3) and min(shape[1:]) > 1:
        return "image"
    long = max(shape)
    if long >= SOUND and int(np.prod(shape)) <= 2 * long:
        return "sound"
    if len(shape) == 1:
        return "vector" if shape[0] <= 2 * NUMBERS else "curve"
    if len(shape) == 2:
        return "curve" if min(shape) <= 8 else "image"
    return "array"


def _kind_of_ids(field: Field) -> Kind:
    shape = field.shape
    if not shape:
        return "class" if field.classes else "id"
    if len(shape) == 1:
        return "text" if field.classes else "vector"
    plane = shape[1:] if len(shape) == 3 and shape[0] == 1 else shape
    if len(plane) == 2 and min(plane) > 8:
        return "mask"
    return "array"


def depict(field: Field, values: Array) -> list[Any]:
    """Samples (samples, *shape) in the form in which the Data panel takes them, by `kind_of`.

    `image`, `mask`: `width`, `height`, `pixels` (bytes in base64: three a pixel, one for a
    mask); `sound`: `low`, `high` by column and `spectrum`, an image's fields with one byte a
    pixel; `curve`: lists of numbers; `text`: letters; `class`: a name; others: numbers.
    """
    match kind_of(field):
        case "image":
            # High tones are above, as in all books.
            return list(_images(values[..., ::-1, :] if field.name == SPECTRUM else values))
        case "mask":
            return [_plane(_smaller(each.reshape(each.shape[-2:]))) for each in values]
        case "class":
            return [class_name(field, int(value)) for value in values]
        case "text":
            return [_text(field, row) for row in values]
        case "sound":
            return [sound(each) for each in values]
        case "curve":
            return [_curves(each) for each in values]
        case "number" | "id":
            return [_number(each.reshape(-1)[0]) for each in values]
        case _:
            return [[_number(x) for x in each.reshape(-1)[:NUMBERS]] for each in values]


def columns_of(field: Field) -> tuple[str, ...]:
    """The names of a vector's elements, where its meaning lists just as many; else none."""
    if len(field.shape) != 1 or field.shape[0] < 2:
        return ()
    names = tuple(name.strip() for name in field.meaning.split(","))
    return names if len(names) == field.shape[0] and all(names) else ()


def class_name(field: Field, value: int) -> str:
    """The name of a class; of one that has none, its number."""
    return field.classes[value] if 0 <= value < len(field.classes) else str(value)


def _number(value: Any) -> float | int | None:
    """A number as JSON can hold it; None for what is none."""
    if isinstance(value, np.integer | np.bool_):
        return int(value)
    return float(f"{float(value):.6g}") if np.isfinite(value) else None


def _text(field: Field, ids: Array) -> str:
    """The letters or words of a sample."""
    parts = [class_name(field, int(id)) for id in ids[:LETTERS]]
    while parts and parts[-1] in PADDING:
        parts.pop()
    # Among letters there are words for what is none: "(unknown)".
    letters = sum(len(word) < 2 for word in field.classes)
    return ("" if 2 * letters >= len(field.classes) else " ").join(parts)


# -- pictures --------------------------------------------------------------------------------------


def _images(values: Array) -> Iterator[dict[str, Any]]:
    """All with the same scale, so that dark ones stay darker than bright ones."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    # Of numbers that went through a normalisation and back the last bits differ.
    if low >= -SLACK and high <= 1.0 + SLACK:
        low, high = 0.0, 1.0
    elif low >= -1.0 - SLACK and high <= 1.0 + SLACK:
        low, high = -1.0, 1.0
    for each in values:
        planes = each if each.ndim == 3 else each[None]
        planes = _smaller((np.nan_to_num(planes, nan=low) - low) / ((high - low) or 1.0))
        planes = np.repeat(planes, 3, axis=0) if planes.shape[0] == 1 else planes
        pixels = (planes * 255).round().clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
        yield _packed(pixels)


def _smaller(planes: Array) -> Array:
    """Pictures (..., H, W) with sides of at most `SIDE`: means of squares, ids of their corners."""
    height, width = planes.shape[-2:]
    step = -(-max(height, width) // SIDE)
    if step == 1:
        return planes
    rows, columns = max(1, height // step), max(1, width // step)
    kept = planes[..., : rows * step, : columns * step]
    if kept.shape[-2] != rows * step or kept.shape[-1] != columns * step:
        # Flatter than a square: there is nothing to average that way.
        return planes[..., ::step, ::step]
    if not np.issubdtype(planes.dtype, np.floating):
        return kept[..., ::step, ::step]
    parted = kept.reshape(*kept.shape[:-2], rows, step, columns, step)
    return np.asarray(parted.mean(axis=(-3, -1)))


def _plane(ids: Array) -> dict[str, Any]:
    return _packed(ids.clip(0, 255).astype(np.uint8))


def _packed(pixels: Array) -> dict[str, Any]:
    height, width = pixels.shape[:2]
    text = b64encode(np.ascontiguousarray(pixels).tobytes()).decode("ascii")
    return {"width": width, "height": height, "pixels": text}


# -- series ----------------------------------------------------------------------------------------


def _curves(values: Array) -> list[list[float | None]]:
    """The lines of a sample (T,), (T, C) or (C, T); the longer dim is time."""
    series = values.reshape(-1, 1) if values.ndim == 1 else values
    if series.shape[0] < series.shape[1]:
        series = series.T
    step = -(-len(series) // POINTS)
    return [[_number(x) for x in line[::step]] for line in series.T[:LINES]]


def sound(values: Array) -> dict[str, Any]:
    """The first channel of a sound: its bounds by column, and its spectrogram."""
    longest = int(np.argmax(values.shape))
    series = np.nan_to_num(np.moveaxis(values, longest, 0).reshape(values.shape[longest], -1)[:, 0])
    columns = np.array_split(series, min(POINTS, len(series)))
    return {
        "low": [_number(column.min()) for column in columns],
        "high": [_number(column.max()) for column in columns],
        "spectrum": _plane(_spectrum(series)),
    }


def _spectrum(series: Array) -> Array:
    """Strength in decibels, from the 60 below the loudest (0) to it (255); high tones above."""
    size = 256
    hop = max(1, -(-(len(series) - size) // (POINTS - 1)))
    starts = np.arange(0, max(1, len(series) - size + 1), hop)
    frames = np.stack([series[at : at + size] for at in starts]) * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    # The first is the mean, which nobody hears.
    bands = power[:, 1:].reshape(len(power), BANDS, -1).mean(axis=2).T
    decibels = 10 * np.log10(bands + 1e-12)
    scaled = (decibels - decibels.max() + 60) / 60 * 255
    return np.asarray(scaled.clip(0, 255)[::-1])
