"""Processes that start before their job is known, while a person looks at a dialog.

What they need is loaded then when the job comes; for `watched.ask` they are as others.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from typing import IO

from netbuilder.exchange import fresh

FLAG = "--ready"
"""Tells a child to load all that its work needs before it reads its job."""
_lock = threading.Lock()
_waiting: dict[str, Ready] = {}


class Ready:
    """A process of `module` that waits for its job. It ends with its parent."""

    def __init__(self, module: str) -> None:
        self.stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            fresh.command(module, FLAG),
            env=fresh.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
        )

    @property
    def alive(self) -> bool:
        """Whether it waits yet."""
        return self.process.poll() is None

    def end(self) -> None:
        """It is not needed."""
        self.process.kill()
        with self.process, self.stderr:
            pass


def prepare(module: str) -> None:
    """Start a process of `module` unless one waits already."""
    with _lock:
        there = _waiting.get(module)
        if there is None or not there.alive:
            _drop(module)
            _waiting[module] = Ready(module)


def take(module: str) -> Ready | None:
    """The one that waits, which is the caller's then; None if there is none."""
    with _lock:
        there = _waiting.get(module)
        return _waiting.pop(module) if there is not None and there.alive else None


def drop(module: str) -> None:
    """Nobody wants its work any more."""
    with _lock:
        _drop(module)


@contextlib.contextmanager
def prepared(module: str) -> Iterator[None]:
    """A process of `module` that waits meanwhile, unless it is taken."""
    prepare(module)
    try:
        yield
    finally:
        drop(module)


def _drop(module: str) -> None:
    there = _waiting.pop(module, None)
    if there is not None:
        there.end()
