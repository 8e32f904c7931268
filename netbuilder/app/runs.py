"""Training runs as the window follows them, and where they are kept.

Runs of a saved project lie beside its file, in `NAME.runs/run-001`, `run-002`, ...: they
move with the project and can be opened by anyone who has the folder. Runs of a project
that was never saved, or whose folder may not be written, lie in the user's data folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from netbuilder.app.places import home
from netbuilder.app.run_care import TRASH
from netbuilder.app.run_rows import real, whole
from netbuilder.errors import Fix, NetbuilderError, RunError
from netbuilder.graph.rules import identifier
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import CheckpointKind, RunFolder, list_runs

RunStatus = Literal[
    "starting", "running", "paused", "stopping", "stopped", "finished", "failed", "crashed"
]
_ENDS: Mapping[str, RunStatus] = {
    "finished": "finished",
    "stopped": "stopped",
    "failed": "failed",
    "crashed": "crashed",
}
_NUMBERED = re.compile(r"run-(\d{1,9})\Z")


@dataclass(frozen=True, slots=True)
class RunFault:
    """Why a run failed; `graph` and `node` are ids of the document, where known.

    `fixes` change the project so that the next training may go well.
    """

    message: str
    hint: str = ""
    graph: str = ""
    node: str = ""
    fixes: tuple[Fix, ...] = ()

    @staticmethod
    def of(error: NetbuilderError) -> RunFault:
        """The fault that an error of the worker tells."""
        if isinstance(error, RunError):
            return RunFault(str(error), error.hint, error.graph, error.node, error.fixes)
        return RunFault(str(error), error.hint)

    @staticmethod
    def from_json(value: Any) -> RunFault | None:
        """The fault in a status or an event; None where there is none."""
        if not isinstance(value, Mapping):
            return None
        texts = {key: str(value.get(key) or "") for key in ("message", "hint", "graph", "node")}
        return RunFault(**texts, fixes=Fix.read(value.get("fixes")))


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as far as it has come.

    `epoch` counts finished epochs and `step` batches; `epochs` and `steps` are what was
    planned, 0 while unknown. `metrics` has the latest value of each key, None for one that
    is not finite. Times in seconds.
    """

    path: Path
    status: RunStatus = "starting"
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0
    seconds_left: float | None = None
    samples_per_second: float | None = None
    device: str = ""
    processes: int = 1
    """Those that train it together."""
    best: Mapping[str, Any] = field(default_factory=dict)
    """Once it is over: the best epoch by what was monitored, as `Best.summary` says."""
    fault: RunFault | None = None
    pid: int | None = None
    """The process that trains it, if that is not this window's worker."""

    @property
    def active(self) -> bool:
        """Whether it still goes on, or is about to."""
        return self.status in ("starting", "running", "paused", "stopping")

    @property
    def resumable(self) -> bool:
        """Whether it ended before its time and left a step to go on from."""
        return self.status in ("stopped", "crashed", "failed") and self.step > 0

    @property
    def name(self) -> str:
        return self.path.name

    def after(self, event: Event) -> RunView:
        """The view once this event has happened."""
        view = replace(self, epoch=event.epoch, step=event.step)
        values = event.values
        match event.event:
            case "started":
                return replace(
                    view,
                    status="running",
                    epochs=whole(values.get("epochs")),
                    steps=whole(values.get("steps")),
                    device=str(values.get("device", "")),
                    processes=max(1, whole(values.get("processes"))),
                    fault=None,
                )
            case "metrics" | "epoch":
                return view._measured(values)
            case "paused":
                return replace(view, status="paused", seconds_left=None)
            case "resumed":
                return replace(view, status="running")
            case "finished":
                status = _ENDS.get(str(values.get("status")), "failed")
                final = values.get("metrics")
                view = view._measured(final) if isinstance(final, Mapping) else view
                best = values.get("best")
                return replace(
                    view,
                    status=status,
                    seconds_left=None,
                    best=best if isinstance(best, Mapping) else {},
                    fault=RunFault.from_json(values.get("error")),
                )
        return view

    def ended(self, status: RunStatus, fault: RunFault | None = None) -> RunView:
        """The view once the run is known to be over."""
        return replace(self, status=status, seconds_left=None, fault=fault or self.fault)

    def _measured(self, values: Mapping[str, Any]) -> RunView:
        metrics = {key: real(value) for key, value in values.items() if "/" in key or key == "lr"}
        seconds, left = real(values.get("seconds")), real(values.get("seconds_left"))
        speed = real(values.get("samples_per_second"))
        return replace(
            self,
            metrics={**self.metrics, **metrics},
            seconds=self.seconds if seconds is None else seconds,
            seconds_left=self.seconds_left if left is None else left,
            samples_per_second=self.samples_per_second if speed is None else speed,
        )


def runs_folder(project: Path | None, title: str) -> Path:
    """Where the runs of a project go; the folder need not be there yet."""
    if project is not None:
        folder = project.with_name(f"{project.stem}.runs")
        if os.access(folder if folder.exists() else folder.parent, os.W_OK):
            return folder
    return home("data") / "runs" / identifier(title, "project")


def next_run(folder: Path) -> Path:
    """A path for a new run that nothing has yet: one more than the highest number."""
    numbers = [0]
    # A deleted run keeps its number, so that it can be put back.
    for place in (folder, folder / TRASH):
        if place.is_dir():
            found = (_NUMBERED.match(name) for name in os.listdir(place))
            numbers += [int(match[1]) for match in found if match]
    return folder / f"run-{max(numbers) + 1:03d}"


def latest_trained(folder: Path) -> Path | None:
    """The run in a folder that was begun last of those with weights."""
    runs = sorted(list_runs(folder), key=lambda run: run.path.name, reverse=True)
    return next((run.path for run in runs if _has_weights(run)), None)


_KINDS: tuple[CheckpointKind, ...] = ("best", "last")


def _has_weights(run: RunFolder) -> bool:
    return any(run.checkpoints(kind) for kind in _KINDS)
