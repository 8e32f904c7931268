"""The worker's mouth: lines to the window, never more than it can take. Torch-free."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from netbuilder.engine import protocol
from netbuilder.engine.protocol import Reply, WorkerError

EVENTS_PER_S = 200
"""More than the eye can follow; what comes faster is thinned out."""
BACKLOG = 256
"""Events that may wait for a window that does not read."""
_PASSING = frozenset({"metrics", "preview", "epoch", "checkpoint"})
"""Kinds of run events that the next of the same kind replaces when they come too fast."""


class Outlet:
    """Writes replies and events to a descriptor on a thread of its own; `send` never blocks."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: deque[bytes] = deque()
        self._events: deque[tuple[str, dict[str, Any] | list[bytes]]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._unheard = False
        self.thinned = 0
        """Events left out because too many came."""
        self._thread = threading.Thread(target=self._write_all, name="outlet", daemon=True)
        self._thread.start()

    def reply(self, reply: Reply, *, after_events: bool = False) -> None:
        """Queue a reply; one that JSON can't hold becomes an error reply.

        It goes ahead of events that wait, unless it is to end their story (`after_events`).
        """
        try:
            lines = list(protocol.reply_lines(reply))
        except (TypeError, ValueError) as error:
            failed = WorkerError(f"The answer can't be sent: {error}.")
            lines = list(protocol.reply_lines(Reply(reply.id, error=failed)))
        with self._changed:
            if self._unheard:
                return
            if after_events:
                self._events.append(("reply", lines))
            else:
                self._lines.extend(lines)
            self._changed.notify_all()

    def event(self, value: Mapping[str, Any]) -> None:
        """Queue an event; passing ones are thinned out when they come too fast."""
        data = value.get("data")
        kind = str(data.get("event", "")) if isinstance(data, Mapping) else ""
        with self._changed:
            if self._unheard:
                return
            if kind in _PASSING and self._events and self._events[-1][0] == kind:
                self._events.pop()
                self.thinned += 1
            elif len(self._events) >= BACKLOG:
                self._drop_oldest()
            self._events.append((kind, dict(value)))
            self._changed.notify_all()

    def _drop_oldest(self) -> None:
        for index, (kind, _) in enumerate(self._events):
            if kind in _PASSING:
                del self._events[index]
                self.thinned += 1
                return

    def close(self, patience_s: float = 1.0) -> None:
        """Write what waits, unless nobody reads for `patience_s`."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(patience_s)

    def _next(self) -> tuple[bytes, bool] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._events or self._closing)
            if self._lines:
                return self._lines.popleft(), False
            if self._events:
                _, value = self._events.popleft()
                return (b"".join(value) if isinstance(value, list) else self._line(value)), True
            return None

    def _line(self, value: dict[str, Any]) -> bytes:
        try:
            line = protocol.encode(value)
        except (TypeError, ValueError) as error:
            print(f"an event could not be sent: {error}", file=sys.stderr)
            return b""
        if len(line) > protocol.MAX_LINE:
            print(f"an event of {len(line)} bytes is too long to be sent", file=sys.stderr)
            return b""
        return line

    def _write_all(self) -> None:
        # A window that is gone closes the pipe; a training goes on without it.
        with contextlib.suppress(OSError):
            while (taken := self._next()) is not None:
                line, is_event = taken
                view = memoryview(line)
                while view:
                    view = view[os.write(self._fd, view) :]
                if is_event:
                    self._pause(1.0 / EVENTS_PER_S)
        with self._changed:
            self._unheard = True
            self._lines.clear()
            self._events.clear()

    def _pause(self, seconds: float) -> None:
        """Let `seconds` pass before the next event; replies go ahead of it."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closing, seconds)
