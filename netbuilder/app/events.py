"""What a session tells its listeners, in the past tense. All on the thread of `post`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from netbuilder.app.runs import RunView
from netbuilder.compiler.report import Report
from netbuilder.errors import Severity
from netbuilder.training.events import Event

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
