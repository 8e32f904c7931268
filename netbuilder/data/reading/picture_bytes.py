"""The bytes of IDX and CIFAR files, checked before any is believed. Torch-free.

What a file says of itself decides how much is read, never how much a compressed file can be made to
give; limits come first.
"""

from __future__ import annotations

import gzip
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from netbuilder.errors import NetbuilderError

MAX_BYTES = 2**30
"""Bytes of pictures that one IDX file may hold: they are kept in memory."""
CIFAR_PIXELS = 3 * 32 * 32
_IDX_UBYTE = 0x08
_BLOCK = 2**20


def idx(path: Path, dims: int) -> tuple[tuple[int, ...], bytes]:
    """Sizes and bytes of an IDX file of so many dims; `NetbuilderError` if it is none."""
    with _opened(path) as file:
        shape = _idx_header(path, file, dims)
        wanted = 1
        for size in shape:
            wanted *= size
        if wanted > MAX_BYTES:
            raise NetbuilderError(
                f"'{path.name}' says that it holds {wanted >> 20:,} MB.",
                f"Up to {MAX_BYTES >> 20:,} MB are read. Save a part of it.",
            )
        try:
            parts = []
            have = 0
            while have < wanted and (part := file.read(min(_BLOCK, wanted - have))):
                parts.append(part)
                have += len(part)
            more = file.read(1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise _broken(path, "it ends too early or is damaged") from error
    if have < wanted:
        raise _broken(path, f"{wanted - have:,} bytes are missing")
    if more:
        raise _broken(path, "there is more in it than it says")
    return shape, b"".join(parts)


def idx_shape(path: Path, dims: int) -> tuple[int, ...] | None:
    """The sizes that a file says; None if it is no IDX file of so many dims."""
    try:
        with _opened(path) as file:
            return _idx_header(path, file, dims)
    except NetbuilderError:
        return None


def _idx_header(path: Path, file: BinaryIO, dims: int) -> tuple[int, ...]:
    try:
        head = file.read(4 + 4 * dims)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _broken(path, "it is damaged") from error
    if len(head) < 4 + 4 * dims or head[:3] != bytes((0, 0, _IDX_UBYTE)) or head[3] != dims:
        raise _broken(path, f"it does not begin as one of bytes in {dims} dims")
    return struct.unpack(f">{dims}I", head[4:])


def cifar_count(path: Path, labels: int) -> int:
    """The pictures in a CIFAR file with so many labels each; `NetbuilderError` if it is none."""
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
    record = labels + CIFAR_PIXELS
    if not size or size % record:
        text = f"'{path.name}' has {size:,} bytes, which is no whole number of {record:,}."
        raise NetbuilderError(text, "It is no binary file of CIFAR, or it was cut.")
    return size // record


def _broken(path: Path, reason: str) -> NetbuilderError:
    return NetbuilderError(f"'{path.name}' is no whole IDX file: {reason}.", "Fetch it again.")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, unpacked if it is compressed. A pipe is refused, not waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        hint = f"It should be in {path.parent}."
        raise NetbuilderError(f"'{path.name}' can't be read: {error.strerror}.", hint) from error
    with os.fdopen(descriptor, "rb") as plain:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NetbuilderError(f"'{path.name}' is no file.", "Choose a file.")
        magic = plain.read(2)
        plain.seek(0)
        if magic == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=plain, mode="rb") as unpacked:
                yield unpacked  # type: ignore[misc]
        else:
            yield plain
