"""Trainings that other processes are at on this computer: finding, telling and ending them."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from netbuilder.app.places import home
from netbuilder.training import lock
from netbuilder.training.folder import RunFolder, list_runs

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
    return _trainer(RunFolder(run).read_json("status.json"))


def _trainer(status: dict[str, Any]) -> Trainer | None:
    match status:
        case {"status": str(word), "host": str(host), "pid": int(pid)} if (
            word in _LIVE and host == platform.node()
        ):
            started = status.get("process_started")
            if isinstance(started, int | float):
                trainer = Trainer(pid, float(started))
                return trainer if trainer.alive else None
    return None


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


def running(folders: Iterable[Path]) -> list[Path]:
    """The runs right inside these folders that are trained now, the latest first."""
    found: list[tuple[float, str, Path]] = []
    for folder in folders:
        for run in list_runs(folder):
            status = run.read_json("status.json")
            if _trainer(status) is not None:
                began = status.get("started")
                moment = float(began) if isinstance(began, int | float) else 0.0
                found.append((moment, run.path.name, run.path))
    return [path for _, _, path in sorted(found, reverse=True)]
