"""Reading plain files that some person named, and nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from netbuilder.errors import DocumentError
from netbuilder.storage import strict


def read(path: str | os.PathLike[str], limit: int = strict.MAX_BYTES) -> bytes:
    """The bytes of a plain file that some person named.

    Pipes and devices are refused without reading, so that nothing hangs on them.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(min(limit, size) + 1) if size <= limit else b""
    if size > limit or len(data) > limit:
        name = Path(path).name
        raise DocumentError(f"'{name}' is larger than {limit // 1_000_000} MB, the most allowed.")
    return data


@contextmanager
def open_plain(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A plain file, open to be read; `DocumentError` for anything else, also while it is read."""
    # NONBLOCK: opening a pipe that nobody writes to would wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        _expect_file(path, os.stat(path).st_mode)
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            _expect_file(path, os.fstat(file.fileno()).st_mode)
            yield file
    except FileNotFoundError as error:
        raise DocumentError(f"There is no file '{path}'.") from error
    except PermissionError as error:
        raise DocumentError(f"'{path}' may not be read.", "Ask its owner for access.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DocumentError(f"'{path}' can't be read: {reason}.") from error


def _expect_file(path: str | os.PathLike[str], mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise DocumentError(f"'{path}' is a folder, not a project.")
    if not stat.S_ISREG(mode):
        raise DocumentError(f"'{path}' is a pipe or a device, not a project.")
