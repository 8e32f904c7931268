"""What a session tells its listeners, in the past tense. All on the thread of `post`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from netbuilder.app.runs import RunView
from netbuilder.compiler.report import Report
from netbuilder.errors import Severity
from netbuilder.training.records.events import Event

WorkerState = Literal["off", "starting", "loading", "ready", "restarting", "dead"]


@dataclass(frozen=True, slots=True)
class ProjectOpened:
    """Another document is in the session; everything shown before is void."""

    path: Path | None


@dataclass(frozen=True, slots=True)
class ProjectSaved:
    """The document is in this file now."""

    path: Path


@dataclass(frozen=True, slots=True)
class GraphShown:
    """`Session.graph` is another one."""

    graph_id: str


@dataclass(frozen=True, slots=True)
class TrailMoved:
    """The same block is shown as in another of its uses: `Session.trail` is another one."""


@dataclass(frozen=True, slots=True)
class HistoryMoved:
    """A step was made, undone or redone, or the document was saved."""


@dataclass(frozen=True, slots=True)
class ReportArrived:
    """The analysis of this document or of one a moment younger."""

    report: Report


@dataclass(frozen=True, slots=True)
class WorkerChanged:
    """What the worker is doing; `text` is a sentence for the status bar, or empty."""

    state: WorkerState
    text: str = ""
    device: str = ""
    """What it computes on, once it is ready."""


def device_words(devices: Sequence[Mapping[str, Any]]) -> str:
    """The device that a training takes by itself, with its memory: "NVIDIA H100, 80 GB"."""
    best = next((d for d in devices if d.get("id") != "cpu"), devices[0] if devices else None)
    if best is None:
        return ""
    name = "CPU" if best.get("id") == "cpu" else str(best.get("name") or best.get("id"))
    memory = best.get("memory")
    if not isinstance(memory, int | float) or memory <= 0:
        return name
    return f"{name}, {memory / 2**30:.0f} GB"


@dataclass(frozen=True, slots=True)
class RunChanged:
    """The run that is followed has another status, or is another run."""

    run: RunView | None


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something happened in the run; `run` is the view after it."""

    run: RunView
    event: Event


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the person, who need not answer."""

    severity: Severity
    text: str
    hint: str = ""


SessionEvent = (
    ProjectOpened
    | ProjectSaved
    | GraphShown
    | TrailMoved
    | HistoryMoved
    | ReportArrived
    | WorkerChanged
    | RunChanged
    | RunEvent
    | Notice
)
