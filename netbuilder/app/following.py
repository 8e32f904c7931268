"""Following one run: what the worker says of it, and what its silence means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netbuilder.app.analysis import is_loss
from netbuilder.app.events import Notice, RunChanged, RunEvent, SessionEvent
from netbuilder.app.runs import RunFault, RunStatus, RunView
from netbuilder.engine.protocol import Reply, WorkerDied
from netbuilder.training.events import Event


class Following:
    """Keeps the view of the run that the window shows."""

    def __init__(self, emit: Callable[[SessionEvent], None]) -> None:
        self._emit = emit
        self.run: RunView | None = None
        self._last_seq = 0
        self.ignored = 0
        """Events that could not be understood or came twice."""

    def begin(self, path: Path) -> None:
        """A run was asked for."""
        self._last_seq = 0
        self._set(RunView(path))

    def release(self) -> None:
        """Another project is open: a run that is over is no longer shown.

        One that goes on stays, so that it can be watched and stopped.
        """
        if self.run is not None and not self.run.active:
            self.run = None
            self._emit(RunChanged(None))

    def stopping(self) -> None:
        """The person asked the run to stop."""
        if self.run is not None:
            self._set(self.run.ended("stopping"))

    def heard(self, path: str, data: Mapping[str, Any]) -> None:
        """An event from the worker. Those of other runs and repeated ones are ignored."""
        run = self.run
        try:
            event = Event.from_json(data)
        except ValueError:
            self.ignored += 1
            return
        if run is None or Path(path) != run.path or event.seq <= self._last_seq or not run.active:
            self.ignored += 1
            return
        self._last_seq = event.seq
        after = run.after(event)
        if run.status == "stopping" and after.active:
            after = after.ended("stopping")
        self.run = after
        self._emit(RunEvent(after, event))
        if after.status != run.status:
            self._emit(RunChanged(after))

    def replied(self, path: Path, reply: Reply) -> None:
        """The training of `path` is over, or could not begin."""
        run = self.run
        if run is None or run.path != path or not run.active or is_loss(reply.error):
            if run is not None and run.status == "starting" and is_loss(reply.error):
                self._fail(run, reply)
            return
        if reply.error is not None:
            self._fail(run, reply)
            return
        # The event of the end may have been left out under a flood.
        result = reply.result if isinstance(reply.result, Mapping) else {}
        ends: dict[Any, RunStatus] = {"finished": "finished", "stopped": "stopped"}
        fault = RunFault.from_json(result.get("error"))
        self._set(run.ended(ends.get(result.get("status"), "failed"), fault))

    def _fail(self, run: RunView, reply: Reply) -> None:
        assert reply.error is not None
        self._set(run.ended("failed", RunFault.of(reply.error)))
        self._emit(Notice("error", str(reply.error), reply.error.hint))

    def worker_died(self, death: WorkerDied) -> None:
        """The process that trained is gone: the run is over, as asked for or by a crash."""
        run = self.run
        if run is None or not run.active:
            return
        status: RunStatus = "stopped" if run.status == "stopping" else "crashed"
        self._set(run.ended(status, RunFault(death.message, death.hint)))
        severity = "warning" if status == "stopped" else "error"
        self._emit(Notice(severity, death.message, death.hint))  # type: ignore[arg-type]

    def _set(self, run: RunView) -> None:
        self.run = run
        self._emit(RunChanged(run))
