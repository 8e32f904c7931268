"""A run as a folder that needs nothing else.

    project.netb       exactly what was trained
    environment.json   versions, device, threads, seed
    data.json          fields, sizes, normalisation and fingerprint of the data
    events.jsonl       what happened, append only
    status.json        how it stands now, replaced as a whole
    checkpoints/       sealed folders NUMBER-last and NUMBER-best
    origin.json        the run whose weights it started from, if it did, and
    start/             those weights, sealed
    notes.json         what a person wrote about it
    control.json       what somebody wants of the training, see `training.control`
    end.json           how its process ended, if somebody saw it die
    output.log         what was printed after the window that began it was gone
    lock               held while a training is at work here

Torch-free: the window and the command line follow a run by reading its folder.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from netbuilder.errors import RunError
from netbuilder.storage import atomic
from netbuilder.training.checkpointing import sealed
from netbuilder.training.records.events import Event, from_lines, to_line
from netbuilder.training.records.lock import Lock, alive

CheckpointKind = Literal["last", "best"]
_CHECKPOINT = re.compile(r"(\d{6,})-(last|best)\Z")
_LIVE = frozenset({"running", "paused"})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint's folder; a higher number is a later one, whatever the clock said."""

    number: int
    kind: str
    path: Path


class RunFolder:
    """The folder of one run. Reading never writes; writing needs `locked()`."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._events: int | None = None
        self._torn = False

    # -- making and opening ------------------------------------------------------------

    @staticmethod
    def create(path: Path | str, project: bytes) -> RunFolder:
        """A new run of this `.netb` text; `RunError` if a run is there already."""
        folder = RunFolder(path)
        folder.require_new()
        try:
            folder.checkpoint_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"The run folder '{folder.path}' can't be made: {error.strerror}."
            raise RunError(message, "Choose another folder.") from error
        atomic.write(folder.project_path, project)
        return folder

    @staticmethod
    def open(path: Path | str) -> RunFolder:
        """The run in a folder; `RunError` if there is none."""
        folder = RunFolder(path)
        if not folder.exists():
            raise RunError(f"'{folder.path}' is not the folder of a run.", "Choose a run folder.")
        return folder

    def exists(self) -> bool:
        """Whether a run is here."""
        return self.project_path.is_file()

    def require_new(self) -> None:
        """`RunError` if a run is here already."""
        if self.exists():
            raise RunError(
                f"'{self.path}' holds a run already.",
                "Resume it, or choose a folder that is new or empty.",
            )

    @property
    def project_path(self) -> Path:
        """The project that is trained here, as a `.netb` file."""
        return self.path / "project.netb"

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def checkpoint_folder(self) -> Path:
        return self.path / "checkpoints"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run while training; `RunError` if another process or thread has it."""
        lock = Lock(self.path / "lock")
        lock.acquire()
        try:
            with suppress(OSError):  # it may be lost; checkpoints must be kept all the same
                self.checkpoint_folder.mkdir(exist_ok=True)
            sealed.remove_leftovers(self.checkpoint_folder)
            yield
        finally:
            self._close_events()
            lock.release()

    # -- status ------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """How the run stands; `crashed` if it says it runs and its process is gone.

        Keys: `status`, `epoch`, `step`, `epochs`, `steps`, `seconds`, `samples_per_second`,
        `metrics`, `best`, `error`, `pid` and more; empty folders give `{"status": "new"}`.
        """
        status = self.read_json("status.json")
        if not status:
            events, _ = read_events(self.events_path)
            return _from_events(events)
        return self.standing(status)

    @staticmethod
    def standing(status: Mapping[str, Any]) -> dict[str, Any]:
        """What a `status.json` says, or `crashed` if its process is gone."""
        status = dict(status)
        if status.get("status") in _LIVE and status.get("host") == platform.node():
            pid, started = status.get("pid"), status.get("process_started")
            known = isinstance(pid, int) and isinstance(started, float)
            if not (known and alive(pid, started)):  # type: ignore[arg-type]
                status["status"] = "crashed"
        return status

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Replace `status.json`."""
        self.write_json("status.json", status)

    def read_json(self, name: str) -> dict[str, Any]:
        """One of the folder's JSON objects; empty if it is missing or damaged."""
        try:
            value = json.loads((self.path / name).read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Replace one of the folder's JSON files as a whole."""
        text = json.dumps(value, indent=1, allow_nan=False)
        atomic.write(self.path / name, text.encode())

    # -- events ------------------------------------------------------------------------

    def append(self, event: Event) -> None:
        """Add an event to `events.jsonl`; `OSError` if it can't be written."""
        if self._events is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._events = os.open(self.events_path, flags, 0o666)
            self._torn = not _ends_with_newline(self.events_path)
        line = (b"\n" if self._torn else b"") + to_line(event)
        self._torn = True
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._events, rest) :]
        self._torn = False

    def _close_events(self) -> None:
        if self._events is not None:
            os.close(self._events)
            self._events = None

    def last_event(self) -> int:
        """The number of the last event, 0 if there is none."""
        events, _ = read_events(self.events_path)
        return max((event.seq for event in events), default=0)

    # -- checkpoints -------------------------------------------------------------------

    def checkpoints(self, kind: CheckpointKind | None = None) -> list[Checkpoint]:
        """The checkpoints that are there, the newest first; they may be damaged."""
        found = []
        with suppress(OSError):
            for path in self.checkpoint_folder.iterdir():
                match = _CHECKPOINT.match(path.name)
                if match and kind in (None, match[2]):
                    found.append(Checkpoint(int(match[1]), match[2], path))
        return sorted(found, key=lambda checkpoint: checkpoint.number, reverse=True)

    def next_checkpoint(self, kind: CheckpointKind) -> Path:
        """Where the next checkpoint goes."""
        number = max((checkpoint.number for checkpoint in self.checkpoints()), default=0) + 1
        return self.checkpoint_folder / f"{number:06d}-{kind}"

    def read_checkpoint(self, *kinds: CheckpointKind) -> tuple[sealed.Sealed, list[str]]:
        """The newest whole checkpoint of the first of these kinds that has one.

        Also what was wrong with newer ones, in words; `RunError` if none is whole. No
        damaged checkpoint is deleted.
        """
        faults: list[str] = []
        for kind in kinds or ("best", "last"):
            for checkpoint in self.checkpoints(kind):
                try:
                    return sealed.read(checkpoint.path), faults
                except RunError as error:
                    faults.append(str(error))
        reasons = f" {' '.join(faults)}" if faults else ""
        raise RunError(
            f"The run in '{self.path}' has no usable checkpoint.{reasons}", "Train it again."
        )


def _ends_with_newline(path: Path) -> bool:
    with open(path, "rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _from_events(events: list[Event]) -> dict[str, Any]:
    """A status for a folder whose own was lost."""
    if not events:
        return {"status": "new"}
    last = events[-1]
    status = last.values.get("status", "crashed") if last.event == "finished" else "crashed"
    return {"status": status, "epoch": last.epoch, "step": last.step, "metrics": {}}


def read_events(path: Path | str, offset: int = 0) -> tuple[list[Event], int]:
    """The events from a byte offset on, and the offset at which to go on reading.

    `path` is a run folder or its `events.jsonl`. A last line that is still being written
    is left for the next call; a missing file has no events.
    """
    file_path = Path(path)
    if file_path.is_dir():
        file_path = file_path / "events.jsonl"
    try:
        with open(file_path, "rb") as file:
            file.seek(offset)
            data = file.read()
    except OSError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    return from_lines(whole), offset + len(whole)


def list_runs(folder: Path | str) -> list[RunFolder]:
    """The runs right inside a folder, by name; none if it can't be read."""
    try:
        paths = sorted(path for path in Path(folder).iterdir() if path.is_dir())
    except OSError:
        return []
    return [run for run in map(RunFolder, paths) if run.exists()]
