"""The contents of the data sets with text."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from netbuilder.data import digit_images
from netbuilder.data.arrays import Array, contents
from netbuilder.data.texts import (
    CAPTION_LENGTH,
    CAPTION_LETTERS,
    CODE_LETTERS,
    CaptionedDigits,
    PythonCode,
)
from netbuilder.errors import NetbuilderError

MAX_FILE_BYTES = 1_000_000
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
STROKES = ("thin", "medium", "bold")
SLANTS = ("leaning left", "upright", "leaning right")


@contents.register
def python_code(source: PythonCode, folder: Path | None = None) -> Mapping[str, Array]:
    """Pieces of the standard library's modules in a folder, that of this Python by default.

    `NetbuilderError` where there is too little: some Pythons come without their source.
    """
    folder = folder or Path(sysconfig.get_path("stdlib"))
    text = "".join(_modules(folder, source.letters))[: source.letters]
    size = source.length + 1
    if len(text) < 2 * size:
        raise NetbuilderError(
            f"There are only {len(text)} letters of Python code in {folder}.",
            "This Python comes without the source of its library: choose other data.",
        )
    ids = _ids(text, CODE_LETTERS)
    count = len(ids) // size
    return {"text": ids[: count * size].reshape(count, size)}


def _modules(folder: Path, wanted: int) -> Iterator[str]:
    """The modules' texts by name, until there are so many letters."""
    # Names with an underscore are made for one machine, or have no code to learn from.
    for path in sorted(folder.glob("[a-z]*.py")):
        if wanted <= 0:
            return
        text = module_text(path)
        wanted -= len(text)
        yield text


def module_text(path: Path) -> str:
    """The letters of a module that are among `CODE_LETTERS`, up to a megabyte of them."""
    with path.open("rb") as file:
        text = file.read(MAX_FILE_BYTES).decode("utf-8", "ignore").expandtabs(4)
    known = set(CODE_LETTERS)
    return "".join(letter for letter in text if letter in known)


def _ids(text: str, letters: tuple[str, ...]) -> Array:
    numbers = {letter: number for number, letter in enumerate(letters)}
    return np.array([numbers[letter] for letter in text], dtype=np.int64)


@contents.register
def captioned_digits(source: CaptionedDigits) -> Mapping[str, Array]:
    """Digits with captions by their ink and by how they lean."""
    image, digits = digit_images.read()
    strokes, slants = _thirds(image.sum((1, 2))), _thirds(_slant(image))
    captions = np.zeros((len(image), CAPTION_LENGTH), dtype=np.int64)
    for row, digit, stroke, slant in zip(captions, digits, strokes, slants, strict=True):
        ids = _ids(f"a {STROKES[stroke]} {DIGITS[digit]}, {SLANTS[slant]}", CAPTION_LETTERS)
        row[: len(ids)] = ids
    return {
        "image": image[:, None],
        "label": digits,
        "caption": captions,
    }


def _slant(image: Array) -> Array:
    """How far the ink moves to the right with every row upwards, in pixels: (N,)."""
    rows, columns = np.mgrid[: image.shape[1], : image.shape[2]]
    ink = image / image.sum((1, 2), keepdims=True)
    up = (ink * rows).sum((1, 2))[:, None, None] - rows
    right = columns - (ink * columns).sum((1, 2))[:, None, None]
    slant: Array = (ink * up * right).sum((1, 2)) / (ink * up * up).sum((1, 2))
    return slant


def _thirds(values: Array) -> Array:
    """0, 1 or 2 for the smallest, the middle and the largest third."""
    found: Array = np.searchsorted(np.quantile(values, (1 / 3, 2 / 3)), values)
    return found
