"""What a person gives a trained network, as one of its inputs: a file, words, a drawing, numbers.

A file is read as those of the training were: a picture is brought to the same size, a recording to
the same rate and length, within the same limits.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netbuilder.data import depicting, pictures, recordings
from netbuilder.data.made.tones import RATE_HZ, Tones
from netbuilder.data.reading.npy import Array, CorruptSample
from netbuilder.data.sounds import WavFolder
from netbuilder.data.sources import Field, Source
from netbuilder.data.tables import Table
from netbuilder.data.text_files import TextFiles
from netbuilder.engine.drawings import drawing
from netbuilder.errors import NetbuilderError
from netbuilder.exchange.specs import TensorSpec

NUMBERS = (".npy", ".json")
"""Files of numbers, whatever the network takes."""
MAX_BYTES = 2**28
"""Bytes of a file of numbers or words; pictures and recordings have limits of their own."""
TEXT = "text:"
"""Before what is a text, whatever it looks like."""
INK = "ink"
"""In the meaning of a field that counts ink, not light."""
PAPER = 0.5
"""From here on the border of a picture is bright."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording as the network hears it, and how long and fine it was before.

    `points` are (1, length) from -1 to 1, `rate` in Hz.
    """

    points: Array
    rate: int
    seconds: float
    own_rate: int

    def to_json(self) -> dict[str, Any]:
        """For the window: `low` and `high` by column, the spectrum, times and rates."""
        return {
            **depicting.sound(self.points),
            "seconds": self.points.shape[1] / self.rate,
            "rate": self.rate,
            "own_seconds": self.seconds,
            "own_rate": self.own_rate,
        }


def kind_of(field: Field, source: Source | None) -> str:
    """What a person gives for this field: `image`, `sound`, `text`, `row`, `class`, `values`; or
    `shared`, which is the data's."""
    if not field.batched:
        return "shared"
    if isinstance(source, Table):
        return "row"
    if field.is_class:
        return "class"
    if (
        field.dtype == "int64"
        and len(field.shape) == 1
        and (field.classes or isinstance(source, TextFiles))
    ):
        return "text"
    if isinstance(source, WavFolder) or (isinstance(source, Tones) and field.name == "audio"):
        return "sound"
    if field.dtype == "float32" and len(field.shape) == 3 and field.shape[0] in (1, 3):
        return "image"
    return "values"


def of_file(path: Path, spec: TensorSpec, field: Field | None, source: Source | None) -> Array:
    """One sample in a file, or a batch of them in one of numbers; `NetbuilderError` says why not.

    A picture of ink on paper is turned around where the data counts ink.
    """
    kind = kind_of(field, source) if field is not None else "values"
    if field is None or path.suffix.lower() in NUMBERS or kind not in ("image", "sound"):
        return numbers(path, spec)
    if kind == "sound":
        return recording(path, field, source)[0]
    return picture(path, field, source, None)


def picture(path: Path, field: Field, source: Source | None, invert: bool | None) -> Array:
    """A picture (C, H, W), 0 to 1, fitted as the source fits those of the training.

    With None for `invert` one with a bright border is turned around where the data counts ink.
    """
    channels, height, width = field.shape
    try:
        image = pictures.read(path, (height, width), channels == 3, getattr(source, "fit", "pad"))
    except CorruptSample as error:
        raise _unusable(path, error, "a picture") from None
    if invert is None:
        border = np.concatenate([image[:, (0, -1)].ravel(), image[:, :, (0, -1)].ravel()])
        invert = INK in field.meaning and float(border.mean()) > PAPER
    return 1 - image if invert else image


def recording(path: Path, field: Field, source: Source | None) -> tuple[Array, Heard]:
    """A recording as the field has sounds, its wave or its spectrogram; and what was heard."""
    rate = source.rate if isinstance(source, WavFolder) else RATE_HZ
    length = source.length if isinstance(source, WavFolder) else field.shape[-1]
    try:
        sound = recordings.read(pictures.content(path, recordings.MAX_BYTES), length // rate + 1)
        points = recordings.brought(sound, rate, length)
    except CorruptSample as error:
        raise _unusable(path, error, "a WAV file") from None
    heard = Heard(points, rate, sound.seconds, sound.rate)
    if isinstance(source, WavFolder):
        from netbuilder.data.reading import sound_reading

        return sound_reading.formed(source, points)[field.name], heard
    return points, heard


def _unusable(path: Path, error: Exception, wanted: str) -> NetbuilderError:
    hint = f"The network takes {wanted}: choose another."
    return NetbuilderError(f"'{path.name}' can't be used: {error}.", hint)


def bytes_of(path: Path) -> bytes:
    """What is in a small file; `NetbuilderError` says why it can't be read."""
    try:
        return pictures.content(path, MAX_BYTES)
    except CorruptSample as error:
        raise NetbuilderError(f"'{path.name}' can't be read: {error}.", "Look at it.") from None


def numbers(path: Path, spec: TensorSpec) -> Array:
    """The numbers of a .npy, .json or .csv file."""
    try:
        match path.suffix.lower():
            case ".npy":
                bytes_of(path)
                # By a map what a header promises and the file does not hold is not believed.
                return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
            case ".json":
                return _numbers(spec, json.loads(bytes_of(path)))
            case ".csv":
                text = bytes_of(path).decode("utf-8-sig")
                rows = [row for row in csv.reader(text.splitlines()) if row]
                return np.array([[float(cell) for cell in row] for row in rows])
    except (ValueError, RecursionError, MemoryError) as error:
        raise NetbuilderError(
            f"'{path.name}' holds no numbers ({str(error)[:200]}).", _shape_hint(spec)
        ) from error
    raise NetbuilderError(
        f"Input '{spec.name}' can't be read from '{path.name}'.", _shape_hint(spec)
    )


def _shape_hint(spec: TensorSpec) -> str:
    shown = "×".join(map(str, spec.shape)) or "scalar"
    return f"Give a .npy, .csv or .json file of numbers ({shown}), or a sample's number: sample:3."


def _numbers(spec: TensorSpec, value: Any) -> Array:
    try:
        return np.array(value, dtype=np.float64 if spec.dtype == "float32" else np.int64)
    except (TypeError, ValueError, OverflowError):
        raise NetbuilderError(f"'{spec.name}' needs numbers.", _shape_hint(spec)) from None


def of_words(
    text: str,
    spec: TensorSpec,
    field: Field | None,
    source: Source | None,
    fields: Mapping[str, Field],
) -> Array:
    """One sample that is written: a text, the name or number of a class, numbers as JSON."""
    letters = letters_for(spec, fields, source) if field is None else None
    kind = kind_of(field, source) if field is not None else ""
    if kind == "class" and field is not None and text in field.names:
        return np.array(field.names.index(text), dtype=np.int64)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    about = field if kind == "text" else letters
    if isinstance(value, list) or (about is None and isinstance(value, int | float)):
        return _numbers(spec, value)
    if about is not None:
        return ids(about, source, text.removeprefix(TEXT), whole=field is not None)
    if kind == "class" and field is not None:
        known = ", ".join(field.names[:20])
        raise NetbuilderError(f"'{spec.name}' has no class '{text[:40]}'.", f"There are: {known}.")
    wanted = {"image": "a picture's file", "sound": "a WAV file"}.get(kind, "numbers")
    message = f"Input '{spec.name}' can't be '{text[:40]}': it takes {wanted}."
    raise NetbuilderError(message, _shape_hint(spec))


def letters_for(
    spec: TensorSpec, fields: Mapping[str, Field], source: Source | None
) -> Field | None:
    """The field of texts whose tokens an input takes that no field feeds: that of a language model,
    which sees a part of each sample."""
    if spec.dtype != "int64" or len(spec.shape) != 2:
        return None
    return next((f for f in fields.values() if kind_of(f, source) == "text"), None)


def ids(field: Field, source: Source | None, text: str, *, whole: bool) -> Array:
    """The tokens of a text. A `whole` one is filled up or cut as samples are; else what is longer
    than a language model has seen keeps its end. `NetbuilderError` if it knows no part of it."""
    length = field.shape[0]
    if isinstance(source, TextFiles):
        from netbuilder.data import tokens
        from netbuilder.data.reading import text_reading

        if whole:
            return np.array(text_reading.sample(source, text)[field.name].reshape(-1))
        encoded: Array = tokens.encoder(source)(text)[1 - length :]
        if not len(encoded):
            raise NetbuilderError("The text is empty.", "Write something.")
        return encoded
    known = {letter: number for number, letter in enumerate(field.classes)}
    words = text if all(len(name) < 2 for name in field.classes) else text.split()
    found = [known[word] for word in words if word in known][-length + (not whole) :]
    if not found:
        raise NetbuilderError("The network knows no part of this text.", "Write something else.")
    return np.array(found + [0] * (length - len(found) if whole else 0), dtype=np.int64)


def array(
    spec: TensorSpec,
    field: Field | None,
    source: Source | None,
    value: Any,
    fields: Mapping[str, Field],
) -> tuple[Array, Heard | None]:
    """One sample, without a batch dim, of what the window sends (see `engine.using.ask`), and what
    was heard of a recording. `NetbuilderError` says what is missing."""
    given: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    kind = kind_of(field, source) if field is not None else ""
    letters = letters_for(spec, fields, source) if field is None else None
    match kind, given:
        case "", {"seed": seed}:
            return noise(spec, _whole(spec, seed) % 2**63), None
        case "", {"text": text} if letters is not None:
            return ids(letters, source, str(text), whole=False), None
        case "sound", {"path": str(path)} if field is not None:
            return recording(Path(path), field, source)
        case _, {"values": values}:
            return _numbers(spec, values), None
    if field is None:
        raise _absent(spec)
    match kind, given:
        case "image", {"path": str(path)}:
            return picture(Path(path), field, source, bool(given.get("invert"))), None
        case "image", {"pixels": pixels}:
            return drawing(pixels, field.shape, fit=bool(given.get("fit"))), None
        case "text", {"text": text}:
            return ids(field, source, str(text), whole=True), None
        case "class", {"class": number}:
            return np.array(_whole(spec, number), dtype=np.int64), None
    raise _absent(spec)


def _absent(spec: TensorSpec) -> NetbuilderError:
    return NetbuilderError(f"'{spec.name}' is not given.", "Give every input.")


def _whole(spec: TensorSpec, value: Any) -> int:
    if isinstance(value, int | str):
        try:
            if abs(number := int(value)) < 2**63:
                return number
        except ValueError:
            pass
    raise NetbuilderError(f"'{spec.name}' needs a whole number.", "Give one with a few digits.")


def drawable(spec: TensorSpec) -> bool:
    """Whether chance alone can stand for the input."""
    return all(isinstance(size, int) for size in spec.shape[1:]) and spec.dtype == "float32"


def noise(spec: TensorSpec, seed: int) -> Array:
    """Normal noise of the input's shape, the same for the same seed."""
    if not drawable(spec):
        raise NetbuilderError(f"'{spec.name}' can't be drawn by chance.", "Give its values.")
    shape = [int(size) for size in spec.shape[1:]]
    drawn: Array = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).numpy()
    return drawn
