"""Rows of .npy files, read one by one.

Not by memory map: a file that is cut while it is mapped ends the process. Nothing but plain
numbers is read; an array of Python objects would be a pickle.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np

from netbuilder.errors import NetbuilderError

MAX_HEADER = 10_000
MAX_ROW = 2**30
"""Bytes of one sample."""
Array = np.ndarray[Any, np.dtype[Any]]


class CorruptSample(Exception):
    """This sample can't be used; others can."""


class Rows:
    """A file's samples by number. It may be sent to another process, which opens it anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        self._open()

    def _open(self) -> None:
        """`NetbuilderError` says what is wrong with the file. A pipe is refused, not waited for."""
        name = self.path.name
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            self._file = os.open(self.path, flags)
        except OSError as error:
            hint = f"It should be in {self.path.parent}."
            raise NetbuilderError(f"'{name}' can't be read: {error.strerror}.", hint) from error
        status = os.fstat(self._file)
        if not stat.S_ISREG(status.st_mode):
            raise NetbuilderError(f"'{name}' is no file.", "Put a .npy file there.")
        self.identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        with os.fdopen(os.dup(self._file), "rb") as file:
            try:
                shape, fortran, dtype = _header(file)
            except (ValueError, EOFError, OSError, MemoryError, RecursionError) as error:
                hint = "Write it with numpy.save."
                raise NetbuilderError(f"'{name}' is no .npy file: {error}"[:300], hint) from error
            self._begin = file.tell()
        if fortran or dtype.hasobject or dtype.kind not in "biuf" or not shape:
            what = f"an array of {dtype}" if not fortran else "an array with columns first"
            hint = "Write rows of numbers: numpy.ascontiguousarray(samples)."
            raise NetbuilderError(f"'{name}' holds {what}, which can't be streamed.", hint)
        self.shape, self.dtype = shape, dtype
        self.row = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        if self.row > MAX_ROW or self._begin + self.row * shape[0] > status.st_size:
            hint = "It was not written to its end: make it again."
            raise NetbuilderError(f"'{name}' is shorter than its header says.", hint)

    def __len__(self) -> int:
        return int(self.shape[0])

    def read(self, index: int) -> Array:
        """One sample; `CorruptSample` if its bytes are not there any more."""
        row: Array = self.stretch(index, 1)[0]
        return row

    def stretch(self, index: int, count: int) -> Array:
        """Samples that lie behind each other."""
        wanted = self.row * count
        try:
            data = os.pread(self._file, wanted, self._begin + self.row * index)
        except OSError as error:
            raise CorruptSample(f"{self.path.name}: {error.strerror}") from error
        if len(data) != wanted:
            raise CorruptSample(f"{self.path.name} is cut off")
        return np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])

    def changed(self) -> bool:
        """Whether the file is not the one any more that was opened, or has gone."""
        try:
            status = os.stat(self.path)
        except OSError:
            return True
        now = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        return now != self.identity

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    __del__ = close

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path = state["path"]
        self._file = -1
        self._open()


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} is not known")
    major = version[0]
    read: Any = getattr(np.lib.format, f"read_array_header_{major}_0")
    shape, fortran, dtype = read(file, max_header_size=MAX_HEADER)
    return shape, fortran, dtype
