"""Locks that the operating system frees when their holder ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

# What locking fails with on file systems that have none.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL})


class FileLock:
    """A lock file that one process at a time can hold; it is gone once it is released.

    On a file system without locks everybody gets the lock: it guards against mistakes, and
    to refuse all work there would be worse.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether we hold it."""
        return self._descriptor is not None

    def acquire(self) -> bool:
        """Take the lock; False if somebody has it. `OSError` if the file can't be made."""
        if self.held:
            return True
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                try_lock(descriptor)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    os.close(descriptor)
                    return False
            if self._is_ours(descriptor):
                break
            # Its last holder removed the file between our two calls: ours is another now.
            os.close(descriptor)
        self._descriptor = descriptor
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        return True

    def _is_ours(self, descriptor: int) -> bool:
        if sys.platform == "win32":
            return True  # an open file can't be removed there
        mine = os.fstat(descriptor)
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False
        return (mine.st_ino, mine.st_dev) == (there.st_ino, there.st_dev)

    def release(self) -> None:
        """Free the lock and remove its file; nothing happens if it is not held."""
        if self._descriptor is None:
            return
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                os.unlink(self.path)
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = None
        if sys.platform == "win32":
            with contextlib.suppress(OSError):
                os.unlink(self.path)


if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> None:
        """Lock an open file; `OSError` if another process has."""
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def try_lock(descriptor: int) -> None:
        """Lock an open file; `OSError` if another process has."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
