"""Whether the last start ended well: what was being opened when netbuilder died, and reports.

Each running window has a folder of its own in `running/`: a lock that shows that it lives,
the file it is opening if it is opening one, and where Python writes when the process is torn
down by the operating system. What a dead window left is read once, at the next start.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from netbuilder.storage.locks import FileLock

REPORTS_KEPT = 10


@dataclass(frozen=True, slots=True)
class UncleanEnd:
    """A window that ended without being closed."""

    opening: str = ""
    """The project that it was opening at that moment."""
    report: Path | None = None
    """Where it says what Python was doing, if it could say it."""


class Start:
    """This run of the window, as the next one sees it. A full disk makes it remember nothing."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the one for all windows of this person."""
        self._folder = folder
        self._mine = folder / "running" / secrets.token_hex(6)
        self._lock = FileLock(folder / "running" / f"{self._mine.name}.lock")
        self._file: TextIO | None = None

    def begin(self) -> list[UncleanEnd]:
        """Note that this window runs; what windows left that ended badly."""
        found: list[UncleanEnd] = []
        with contextlib.suppress(OSError):
            self._mine.parent.mkdir(parents=True, exist_ok=True)
            found = self._look_back()
            if self._lock.acquire():
                self._mine.mkdir()
                self._file = open(self._mine / "crash.txt", "w", encoding="utf-8")  # noqa: SIM115
                faulthandler.enable(self._file)
        return found

    def opening(self, path: str) -> None:
        """A project is being opened; empty once it is open and shown."""
        with contextlib.suppress(OSError):
            mark = self._mine / "opening"
            if path:
                mark.write_bytes(os.fsencode(path))
            else:
                mark.unlink(missing_ok=True)

    def end(self) -> None:
        """The window was closed; nothing will be said at the next start."""
        if self._file is not None:
            faulthandler.disable()
            self._file.close()
            self._file = None
        with contextlib.suppress(OSError):
            shutil.rmtree(self._mine, ignore_errors=True)
        self._lock.release()

    def _look_back(self) -> list[UncleanEnd]:
        found = []
        for folder in sorted(path for path in self._mine.parent.iterdir() if path.is_dir()):
            lock = FileLock(folder.with_suffix(".lock"))
            if lock.acquire():
                found.append(self._bury(folder))
                lock.release()
        return found

    def _bury(self, folder: Path) -> UncleanEnd:
        """Take what a dead window says, keep its report, and remove the rest."""
        opening, report = "", None
        with contextlib.suppress(OSError):
            opening = os.fsdecode((folder / "opening").read_bytes()[:5000])
        with contextlib.suppress(OSError):
            crash = folder / "crash.txt"
            if crash.stat().st_size:
                report = self._report()
                os.replace(crash, report)
        shutil.rmtree(folder, ignore_errors=True)
        return UncleanEnd(opening, report)

    def _report(self) -> Path:
        """A place for one more report; the oldest goes when there are many."""
        folder = self._folder / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        numbers = sorted(int(path.stem[6:]) for path in folder.glob("crash-[0-9]*.txt"))
        for old in numbers[: -REPORTS_KEPT + 1]:
            (folder / f"crash-{old:04d}.txt").unlink(missing_ok=True)
        return folder / f"crash-{(numbers[-1] if numbers else 0) + 1:04d}.txt"
