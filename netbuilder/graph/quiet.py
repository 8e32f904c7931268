"""Work that makes very many objects at once."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0
_was_enabled = True


@contextmanager
def quiet() -> Iterator[None]:
    """Python collects no garbage meanwhile.

    Turning a large project into text makes very many objects and drops them again at once.
    They set off full collections, for which all threads wait, the window's too; beside torch
    one takes a tenth of a second. So does seeing through a drawing.
    """
    global _inside, _was_enabled
    with _lock:
        if not _inside:
            _was_enabled = gc.isenabled()
            gc.disable()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside and _was_enabled:
                gc.enable()
