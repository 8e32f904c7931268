"""Reads a little ahead on a thread, so that a disk that does not answer holds nobody up."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
W = TypeVar("W")

AHEAD = 2
"""What is read before it is asked for."""
TICK_S = 1.0
"""How often it is told that something is waited for."""


def read(
    fetch: Callable[[W], T], wishes: Sequence[W], wait: Callable[[float], None]
) -> Iterator[T]:
    """What `fetch` gives for each wish, in order.

    `wait` hears every second for how many seconds it has been waited, and may raise: a thread
    that hangs in the operating system is then left to itself.
    """
    found: queue.SimpleQueue[tuple[T] | BaseException] = queue.SimpleQueue()
    room, ended = threading.Semaphore(AHEAD), threading.Event()

    def work() -> None:
        for wish in wishes:
            room.acquire()
            if ended.is_set():
                return
            try:
                found.put((fetch(wish),))
            except BaseException as error:
                found.put(error)
                return

    threading.Thread(target=work, name="data", daemon=True).start()
    try:
        for _ in wishes:
            item = _awaited(found, wait)
            if isinstance(item, BaseException):
                raise item
            yield item[0]
            room.release()
    finally:
        ended.set()
        room.release()


def _awaited(found: queue.SimpleQueue[T], wait: Callable[[float], None]) -> T:
    waited = 0.0
    while True:
        try:
            return found.get(timeout=TICK_S)
        except queue.Empty:
            waited += TICK_S
            wait(waited)
