"""Telling how a run goes: events to the folder and to a listener, and the status file.

Nothing here may end a training: a full disk or a listener that fails costs a warning.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Callable, Mapping
from typing import Any

from netbuilder.errors import DocumentError
from netbuilder.training.records import kills
from netbuilder.training.records.events import Event, Kind, finite
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.records.lock import process_started

Listener = Callable[[Event], None]
STATUS_EVERY_S = 2.0

_log = logging.getLogger(__name__)


class Reporter:
    """Writes and hands on events; keeps `status.json` up to date."""

    def __init__(self, folder: RunFolder, listen: Listener) -> None:
        self._folder = folder
        self._listen = listen
        self._sequence = folder.last_event()
        self._broken: set[str] = set()
        self._written = 0.0
        self.epoch = 0
        self.step = 0
        self.warnings: list[str] = []
        self.status: dict[str, Any] = {
            "status": "running",
            "error": None,
            "pid": os.getpid(),
            "process_started": process_started(),
            "host": platform.node(),
            "started": time.time(),
            # Should the process vanish, whoever looks can tell whether it was for memory.
            "oom_kills": kills.for_memory(),
        }

    def at(self, epoch: int, step: int) -> None:
        """Where the run is: finished epochs and batches."""
        self.epoch, self.step = epoch, step

    def emit(self, kind: Kind, values: Mapping[str, Any]) -> None:
        """Tell one event."""
        self._sequence += 1
        event = Event(self._sequence, time.time(), kind, self.epoch, self.step, finite(values))
        try:
            self._folder.append(event)
        except OSError as error:
            self._once("events", f"Events can't be written: {error.strerror}.")
        try:
            self._listen(event)
        except Exception:
            if "listener" not in self._broken:
                self._broken.add("listener")
                _log.exception("a listener of the training failed")

    def warn(self, code: str, message: str) -> None:
        """Tell of something that the user should know and that does not stop the run."""
        self.warnings.append(message)
        self.emit("warning", {"code": code, "message": message})

    def _once(self, what: str, message: str) -> None:
        if what not in self._broken:
            self._broken.add(what)
            self.warn("disk", message)

    def write_status(self, *, force: bool = True, **changes: Any) -> None:
        """Change the status; write it if `force` is set or the file is older than 2 s."""
        self.status.update(changes, epoch=self.epoch, step=self.step)
        moment = time.monotonic()
        if not force and moment - self._written < STATUS_EVERY_S:
            return
        self._written = moment
        try:
            self._folder.write_status(finite({**self.status, "updated": time.time()}))
        except (OSError, DocumentError) as error:
            self._once("status", f"The status can't be written: {error}")


class Silent(Reporter):
    """Tells nothing: of several processes the first one speaks for all."""

    def emit(self, kind: Kind, values: Mapping[str, Any]) -> None:
        pass

    def write_status(self, *, force: bool = True, **changes: Any) -> None:
        pass
