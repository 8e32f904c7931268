"""One run at a time in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from netbuilder.errors import RunError
from netbuilder.storage.locks import try_lock


class Lock:
    """A lock file that the operating system frees when its holder ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; `RunError` if somebody has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try_lock(descriptor)
        except OSError:
            os.close(descriptor)
            raise RunError(
                f"Another training is at work in '{self._path.parent}'.",
                "Wait for it to end, stop it, or choose another run folder.",
            ) from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Free the lock; nothing happens if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def process_started(pid: int | None = None) -> float:
    """When a process started, in seconds since the machine did.

    Counted from the machine's own start, because a change of the clock must not make a
    process look like another one. `psutil.Error` if there is no such process.
    """
    return float(psutil.Process(pid).create_time() - psutil.boot_time())


def alive(pid: int, started: float) -> bool:
    """Whether the process that had this id and start is still there."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(abs(process.create_time() - psutil.boot_time() - started) < 2.0)
    except psutil.Error:
        return False
