"""Trainings that other processes are at on this computer: finding, telling and ending them."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

from netbuilder.app.places import home
from netbuilder.training.records import lock
from netbuilder.training.records.folder import RunFolder, list_runs

_LIVE = frozenset({"running", "paused"})


@dataclass(frozen=True, slots=True)
class Trainer:
    """The process that trains a run; `started` in seconds since the computer was."""

    pid: int
    started: float

    @property
    def alive(self) -> bool:
        """Whether it is still there, at work or halted."""
        return lock.alive(self.pid, self.started)

    def kill(self) -> None:
        """End it at once, with all that it started; what it kept so far stays."""
        if not self.alive:
            return
        with contextlib.suppress(OSError, psutil.Error):
            if os.name == "posix" and os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
                return
            process = psutil.Process(self.pid)
            for each in (*process.children(recursive=True), process):
                with contextlib.suppress(psutil.Error):
                    each.kill()


def trainer_of(run: Path) -> Trainer | None:
    """Who trains in a run folder; None if nobody does, or on another computer."""
    trainer = _told(run).trainer
    return trainer if trainer is not None and trainer.alive else None


@dataclass(frozen=True, slots=True)
class _Told:
    """What a run's status says of its training: who is at it here, and since when."""

    trainer: Trainer | None = None
    began: float = 0.0


def _told(run: Path) -> _Told:
    try:
        status = os.stat(run / "status.json")
    except OSError:
        return _Told()
    return _read(run, status.st_ino, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _read(run: Path, file: int, changed: int) -> _Told:
    """Read once for each state of the file: a project has hundreds of runs that are over."""
    status = RunFolder(run).read_json("status.json")
    match status:
        case {"status": str(word), "host": str(host), "pid": int(pid)} if (
            word in _LIVE and host == platform.node()
        ):
            started, began = status.get("process_started"), status.get("started")
            if isinstance(started, int | float):
                return _Told(Trainer(pid, float(started)), _number(began))
    return _Told(None, _number(status.get("started")))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """A run that is trained now; `project` is its project's file, None if it was never saved."""

    run: Path
    project: Path | None

    @property
    def title(self) -> str:
        """What it trains, for a person."""
        return self.project.stem if self.project is not None else self.run.parent.name


def of_person(recents: Iterable[str]) -> list[Found]:
    """The trainings that go on in a person's recent and unsaved projects, the latest first."""
    beside = {Path(each).with_suffix(".runs"): Path(each) for each in recents}
    unsaved = home("data") / "runs"
    folders = list(beside)
    with contextlib.suppress(OSError):
        folders += [path for path in unsaved.iterdir() if path.is_dir()]
    return [Found(run, beside.get(run.parent)) for run in running(folders)]


def left_behind(folder: Path) -> tuple[Path, Trainer] | None:
    """The last run in a folder, if its process died over it, and that process."""
    runs = [(_told(run.path), run.path) for run in list_runs(folder)]
    told, path = max(runs, key=lambda run: (run[0].began, run[1]), default=(_Told(), folder))
    dead = told.trainer is not None and not told.trainer.alive
    return (path, told.trainer) if told.trainer is not None and dead else None


def running(folders: Iterable[Path]) -> list[Path]:
    """The runs right inside these folders that are trained now, the latest first."""
    paths = [run.path for folder in folders for run in list_runs(folder)]
    live = [path for path in paths if trainer_of(path) is not None]
    return sorted(live, key=lambda path: (_told(path).began, path), reverse=True)
