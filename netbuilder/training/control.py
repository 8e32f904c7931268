"""What others may ask of a training while it runs.

Who started it asks by a call. Anybody else, also a window or a command line that came later,
writes `control.json` into the run folder:

    {"number": 3, "command": "stop"}

The number grows with each command; what was there when the training began is not for it.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from pathlib import Path
from typing import Literal, get_args

from netbuilder.errors import RunError
from netbuilder.storage import atomic

Command = Literal["pause", "resume", "stop"]
COMMANDS: frozenset[str] = frozenset(get_args(Command))
FILE = "control.json"
LOOK_EVERY_S = 0.2
"""How often a training looks into its folder."""


class Control:
    """Pause, resume and stop, from any thread; and from other processes once it watches.

    The loop reads `wanted` after every batch and calls `look` at least every 0.2 s.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = False
        self.stopping = False
        self.wanted = False
        self.lost = False
        """The run's folder is gone, so that nothing may be written there any more."""
        self._folder: Path | None = None
        self._identity = (0, 0)
        self._last: tuple[int, str] = (0, "")
        self._stamp: object = None
        self._look_at = 0.0

    def pause(self) -> None:
        """Rest after the present batch, until `resume` or `stop`."""
        self._set(paused=True)

    def resume(self) -> None:
        """Go on."""
        self._set(paused=False)

    def stop(self) -> None:
        """End after the present batch with a checkpoint; can't be taken back."""
        with self._changed:
            self.stopping = True
        self._set(paused=False)

    def _set(self, *, paused: bool) -> None:
        with self._changed:
            self._paused = paused
            self.wanted = paused or self.stopping
            self._changed.notify_all()

    @property
    def paused(self) -> bool:
        """Whether the training is to rest."""
        return self._paused

    def wait(self, most_s: float | None = None) -> None:
        """Rest until nobody wants a pause, or for `most_s`; `RunError` as in `look`."""
        until = math.inf if most_s is None else time.monotonic() + most_s
        while self._paused and time.monotonic() < until:
            with self._changed:
                self._changed.wait_for(lambda: not self._paused, LOOK_EVERY_S)
            self.look()

    # -- other processes -------------------------------------------------------------------

    def watch(self, folder: Path) -> None:
        """Take commands that come to this run folder from now on."""
        status = os.stat(folder)
        self._folder, self._identity = folder, (status.st_dev, status.st_ino)
        self._last = _read(folder)

    def look(self) -> None:
        """Do what `control.json` says; `RunError` if the run's folder is not there any more.

        Costs nothing if the last look was less than 0.2 s ago.
        """
        moment = time.monotonic()
        if self._folder is None or moment < self._look_at:
            return
        self._look_at = moment + LOOK_EVERY_S
        self._look_for_folder(self._folder)
        try:
            status = os.stat(self._folder / FILE)
        except OSError:
            return
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            self._stamp = stamp
            self._obey(_read(self._folder))

    def _look_for_folder(self, folder: Path) -> None:
        try:
            status = os.stat(folder)
        except (FileNotFoundError, NotADirectoryError):
            status = None
        except OSError:
            return  # a network drive that is away for a moment
        if status is None or (status.st_dev, status.st_ino) != self._identity:
            self.lost = True
            raise RunError(
                f"The run folder '{folder}' was moved or removed while it was trained in.",
                "If it was moved, resume it from its new place; else train again.",
            )

    def _obey(self, found: tuple[int, str]) -> None:
        number, command = found
        # Two writers may have counted up to the same number: the later file counts.
        if found == self._last or number < self._last[0]:
            return
        self._last = found
        {"pause": self.pause, "resume": self.resume, "stop": self.stop}[command]()


def send(folder: Path, command: Command) -> None:
    """Tell the training in a run folder; `DocumentError` if that can't be written."""
    number = _read(folder)[0] + 1
    text = json.dumps({"number": number, "command": command})
    atomic.write(folder / FILE, text.encode())


def _read(folder: Path) -> tuple[int, str]:
    """Number and command in the folder's file; nothing (0) if there is none that can be read."""
    try:
        match json.loads((folder / FILE).read_bytes()):
            case {"number": int(number), "command": str(command)} if command in COMMANDS:
                return number, command
    except (OSError, ValueError, RecursionError):
        pass
    return 0, ""
