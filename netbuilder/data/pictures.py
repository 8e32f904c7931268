"""One image file as an array, within limits: a file is data of strangers. Torch-free.

What may be large or slow is asked before it is done: the bytes of the file, the pixels that its
header declares, the time that decoding takes.
"""

from __future__ import annotations

import io
import os
import stat
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from netbuilder.data.reading.npy import Array, CorruptSample

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")
"""What is decoded, whatever a file's ending says. None of these runs another program."""
SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "bmp", "dib", "gif"),
        *("tif", "tiff", "ppm", "pgm", "pbm", "pnm"),
    )
)
"""How the names of images end."""
MAX_BYTES = 64 * 2**20
MAX_PIXELS = 50_000_000
MAX_SECONDS = 20.0
Fit = Literal["crop", "pad", "stretch"]


class _Within(io.RawIOBase):
    """A file that is read until a time limit is over; decoders read it bit by bit."""

    def __init__(self, data: bytes, seconds: float) -> None:
        super().__init__()
        self._data = io.BytesIO(data)
        self._end = time.monotonic() + seconds

    def read(self, size: int = -1, /) -> bytes:
        if time.monotonic() > self._end:
            raise CorruptSample("decoding takes too long")
        return self._data.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._data.seek(offset, whence)

    def tell(self) -> int:
        return self._data.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def content(path: Path, most: int = MAX_BYTES) -> bytes:
    """A file's bytes; `CorruptSample` for what is no file, or too large. Pipes are refused."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        number = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise CorruptSample(f"it can't be read: {getattr(error, 'strerror', error)}") from error
    with os.fdopen(number, "rb") as file:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise CorruptSample("it is no file")
        if status.st_size > most:
            raise CorruptSample(f"it is larger than {most >> 20} MB")
        try:
            return file.read(most)
        except OSError as error:
            raise CorruptSample(f"it can't be read: {error.strerror}") from error


def opened(data: bytes, seconds: float = MAX_SECONDS) -> Image:
    """The image with its header read and its pixels not; `CorruptSample` if it is none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(_Within(data, seconds), formats=FORMATS)  # type: ignore[arg-type]
    except CorruptSample:
        raise
    except Image.DecompressionBombError as error:
        raise CorruptSample(f"it has more than {MAX_PIXELS:,} pixels") from error
    except Exception as error:  # decoders raise what they like
        raise CorruptSample("it is no image that can be read") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise CorruptSample(f"it has more than {MAX_PIXELS:,} pixels")
    return image


def read(path: Path, size: tuple[int, int], colour: bool, fit: Fit = "crop") -> Array:
    """The image as (3 or 1, height, width), 0 to 1; `CorruptSample` says why it can't be used."""
    image = opened(content(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _array(_sized(_plain(image, size, colour), size, fit))
    except CorruptSample:
        raise
    except Exception as error:
        raise CorruptSample("it is damaged") from error


def ids(path: Path) -> Array:
    """The values that an image of one channel holds: a palette's numbers, or grey values."""
    return np.unique(_flat(path))


def read_ids(
    path: Path, size: tuple[int, int], values: tuple[int, ...], fit: Fit = "crop"
) -> Array:
    """A mask as (height, width) int64: the place of each pixel's value among `values`.

    Widened by what comes first. `CorruptSample` for a value that is none of them.
    """
    from PIL import Image

    flat = _flat(path)
    order = np.argsort(values)
    known = np.asarray(values)[order]
    at = np.searchsorted(known, flat).clip(0, len(known) - 1)
    if not np.array_equal(known[at], flat):
        strange = int(flat[known[at] != flat][0])
        raise CorruptSample(f"the mask has the value {strange}, which is no class")
    # As classes, so that those with values above 255 fit into the pixels of an image.
    image = Image.fromarray(order[at].astype(np.int32), mode="I")
    found: Array = np.asarray(_sized(image, size, fit, nearest=True), dtype=np.int64)
    return found


def _flat(path: Path) -> Array:
    image = opened(content(path))
    if image.mode not in ("1", "L", "P", "I") and not image.mode.startswith("I;16"):
        raise CorruptSample("a mask has one channel")
    try:
        image.load()
        found: Array = np.asarray(image).astype(np.int64)
    except CorruptSample:
        raise
    except Exception as error:
        raise CorruptSample("it is damaged") from error
    return found


def _plain(image: Image, size: tuple[int, int], colour: bool) -> Image:
    """Upright, in grey or in red, green and blue, white where it is transparent."""
    from PIL import Image, ImageOps

    mode = "RGB" if colour else "L"
    # A JPEG of a camera is decoded at a fraction of its size, but no smaller than twice of ours.
    image.draft(mode, (2 * size[1], 2 * size[0]))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if image.mode.startswith("I") else max(float(values.max()), 1.0)
        image = Image.fromarray((values.clip(0, top) / top * 255).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == mode else image.convert(mode)


def _sized(image: Image, size: tuple[int, int], fit: Fit, *, nearest: bool = False) -> Image:
    from PIL import Image, ImageOps

    wanted = (size[1], size[0])
    if image.size == wanted:
        return image
    how = Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR
    if fit == "crop":
        return ImageOps.fit(image, wanted, how)
    if fit == "pad":
        return ImageOps.pad(image, wanted, how)
    return image.resize(wanted, how)


def _array(image: Image) -> Array:
    values: Any = np.asarray(image, dtype=np.float32) / np.float32(255)
    return np.ascontiguousarray(values[None] if values.ndim == 2 else values.transpose(2, 0, 1))
