"""What a worker says and where, also once nobody listens. Torch-free.

What a model prints goes to the window as long as there is one. A training that outlives its window
has `output.log` in its run folder instead.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LOG = "output.log"
MOST_BYTES = 1_000_000
"""A longer log begins again."""
LOOK_EVERY_S = 0.5
_DROPPED = b"(what was printed before this line was too much to be kept)\n"


class _Heedless(io.FileIO):
    """A descriptor that takes everything: what can't be written is nobody's fault here."""

    def write(self, data: ReadableBuffer, /) -> int:
        written = None
        with contextlib.suppress(OSError):
            written = super().write(data)
        return written or memoryview(data).nbytes


def private_pipes() -> tuple[int, int]:
    """Descriptors that only the protocol knows: for requests, and for replies.

    What a model or a library prints or reads must not get between: descriptor 1 becomes
    stderr, descriptor 0 is empty. And printing can't fail, whoever is gone at the other end.
    """
    sys.stdout.flush()
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout, sys.stderr = _stream(1), _stream(2)
    return requests, replies


def _stream(descriptor: int) -> io.TextIOWrapper:
    raw = _Heedless(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
        write_through=True,
    )


class Log:
    """Takes what is printed from now on into the folder of a run, as soon as that is there."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._descriptor = os.open(os.devnull, os.O_WRONLY)
        self._redirect()
        threading.Thread(target=self._watch, name="output", daemon=True).start()

    def _redirect(self) -> None:
        for standard in (1, 2):
            os.dup2(self._descriptor, standard)

    def _watch(self) -> None:
        rest = threading.Event()
        while not self._open():
            rest.wait(LOOK_EVERY_S)
        while True:
            self.shorten()
            rest.wait(LOOK_EVERY_S)

    def _open(self) -> bool:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with contextlib.suppress(OSError):
            # The events tell that the run has begun; before that the folder may be another's.
            if (self._run / "events.jsonl").exists():
                self._descriptor = os.open(self._run / LOG, flags, 0o666)
                self._redirect()
                return True
        return False

    def shorten(self) -> None:
        """Begin again if it has become too long."""
        with contextlib.suppress(OSError):
            if os.fstat(self._descriptor).st_size > MOST_BYTES:
                os.ftruncate(self._descriptor, 0)
                os.write(self._descriptor, _DROPPED)
