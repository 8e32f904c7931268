"""Downloads that the worker makes on request, one after the other, on a thread of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netbuilder.engine.jobs import text

EVERY_S = 0.1
Event = Callable[[Mapping[str, Any]], object]


class Downloads:
    """What was asked for and is not done; `event` is given what to tell of it."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._waiting: set[threading.Event] = set()

    def job(self) -> Callable[[Mapping[str, Any]], Any]:
        """The job of a request, which can be called off from now on."""
        cancelled = threading.Event()
        self._waiting.add(cancelled)

        def work(params: Mapping[str, Any]) -> Any:
            try:
                return self._fetch(params, cancelled)
            finally:
                self._waiting.discard(cancelled)

        return work

    def _fetch(self, params: Mapping[str, Any], cancelled: threading.Event) -> Any:
        from netbuilder.data import fetching
        from netbuilder.data.downloads import Cancelled, Progress

        what = text(params, "what")
        told = 0.0

        def tell(progress: Progress) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told >= EVERY_S or progress.done == progress.total:
                told = now
                counts = {"file": progress.file, "done": progress.done, "total": progress.total}
                self._event({"event": "download", "what": what, **counts})

        if cancelled.is_set():
            raise Cancelled
        folder = Path(text(params, "folder")) if params.get("folder") else None
        offline = params.get("offline") is True
        return fetching.fetch(what, folder, tell=tell, cancelled=cancelled, offline=offline)

    def cancel(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call off all downloads; what has come is kept for the next time."""
        waiting = tuple(self._waiting)
        for cancelled in waiting:
            cancelled.set()
        return {"downloads": len(waiting)}
