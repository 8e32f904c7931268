"""A process for the next import, which starts while a person looks at the dialog."""

from __future__ import annotations

import threading

from netbuilder.exchange.watched import Ready

FLAG = "--ready"
"""Tells the child to load all that an import needs before it reads its job."""
_lock = threading.Lock()
_waiting: list[Ready] = []


def prepare() -> None:
    """Start one unless one waits already."""
    with _lock:
        if not any(ready.alive for ready in _waiting):
            _drop()
            _waiting.append(Ready("netbuilder.exchange.bring.child", FLAG))


def take() -> Ready | None:
    """The one that waits, which is the caller's then; None if there is none."""
    with _lock:
        if _waiting and _waiting[-1].alive:
            return _waiting.pop()
        return None


def drop() -> None:
    """Nobody wants to import any more."""
    with _lock:
        _drop()


def _drop() -> None:
    while _waiting:
        _waiting.pop().end()
