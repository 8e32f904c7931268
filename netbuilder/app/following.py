"""Following one run: what is said of it, and what silence means.

The window's own worker tells what happens in a run that was begun here. A run that another process
trains, begun by a window that is gone or on a command line, is adopted: its folder tells, and takes
what it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from netbuilder.app import run_ends
from netbuilder.app.analysis import is_loss
from netbuilder.app.events import Notice, RunChanged, RunEvent, SessionEvent
from netbuilder.app.running import Trainer
from netbuilder.app.runs import RunFault, RunStatus, RunView
from netbuilder.app.tailing import Post, Tail
from netbuilder.engine.protocol import Reply, WorkerDied
from netbuilder.errors import DocumentError
from netbuilder.training import control
from netbuilder.training.records.events import Event


class Following:
    """Keeps the view of the run that the window shows."""

    def __init__(self, emit: Callable[[SessionEvent], None], post: Post) -> None:
        """`post` runs a callable on the window's thread, later."""
        self._emit = emit
        self._post = post
        self.run: RunView | None = None
        self._tail: Tail | None = None
        self._trainer: Trainer | None = None
        self._forced = False
        self._witness = False
        """Whether the adopted run went on when we came to it."""
        self._last_seq = 0
        self._announced: RunStatus = "starting"
        self.ignored = 0
        """Events that could not be understood or came twice."""

    def begin(self, path: Path) -> None:
        """A run was asked for."""
        self.close()
        self._last_seq = 0
        self._set(RunView(path))

    def recall(self, path: Path, then: Callable[[], None]) -> None:
        """Tell what happened so far in a run that is to go on; `then` when that is done."""
        self.close()
        self._last_seq = 0
        self._set(RunView(path))
        self._tail = Tail(path, lambda: False, self._post, self._told, then)

    def release(self) -> None:
        """Another project is open: a run that is over is no longer shown, nor an adopted one.

        One of this window that goes on stays, so that it can be watched and stopped.
        """
        self.close()
        if self.run is not None and (self.adopted or not self.run.active):
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
        after = self._take(run, event)
        if after.status != self._announced:
            self._announce(after)

    def _take(self, run: RunView, event: Event, *, past: bool = False) -> RunView:
        self._last_seq = event.seq
        after = run.after(event)
        if past and not after.active:
            # It went on after this end.
            after = replace(after, status="running", fault=None)
        elif run.status == "stopping" and after.active:
            after = after.ended("stopping")
        self.run = after
        self._emit(RunEvent(after, event))
        return after

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
        if run is None or not run.active or self.adopted:
            return
        status: RunStatus = "stopped" if run.status == "stopping" else "crashed"
        self._set(run.ended(status, RunFault(death.message, death.hint)))
        if status == "crashed":
            run_ends.note(run.path, death.message, death.hint)
        severity = "warning" if status == "stopped" else "error"
        self._emit(Notice(severity, death.message, death.hint))  # type: ignore[arg-type]

    # -- runs of other processes -----------------------------------------------------------

    @property
    def adopted(self) -> bool:
        """Whether another process than the window's worker trains this run."""
        return self.run is not None and self.run.pid is not None

    def adopt(self, path: Path, trainer: Trainer) -> None:
        """Follow a run that another process trains, or died over, from its first event on."""
        self.close()
        self._last_seq = 0
        self._trainer, self._forced = trainer, False
        self._set(RunView(path, pid=trainer.pid))
        self._witness = trainer.alive
        if self._witness:
            text = f"{path.name} was started elsewhere (pid {trainer.pid})."
            self._emit(Notice("info", text, "It goes on without this window."))
        self._tail = Tail(path, lambda: trainer.alive, self._post, self._told, self._over)

    def close(self) -> None:
        """Read along no longer; the run goes on."""
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def command(self, what: control.Command) -> None:
        """Tell the adopted run; a second `stop` ends its process."""
        run = self.run
        if run is None or not run.active or self._trainer is None:
            return
        if what == "stop" and run.status == "stopping":
            self._forced = True
            self._trainer.kill()
            return
        try:
            control.send(run.path, what)
        except DocumentError as error:
            self._emit(Notice("error", str(error), error.hint))
            return
        if what == "stop":
            self.stopping()

    def _told(self, events: Sequence[Event], past: bool) -> None:
        for event in events:
            if self.run is None or event.seq <= self._last_seq:
                self.ignored += 1
            else:
                self._take(self.run, event, past=past)
        if self.run is not None and not past and self.run.status != self._announced:
            self._announce(self.run)

    def _over(self) -> None:
        """There is nothing more to read: if no event told the end, the process died."""
        run = self.run
        if run is None or not run.active:
            return
        if self._forced:
            message, hint = "The training was ended at once.", "The last checkpoint is kept."
            self._set(run.ended("stopped", RunFault(message, hint)))
            return
        message, hint = run_ends.why(run.path)
        message = message or f"Its process (pid {run.pid}) is gone."
        if run.step and run_ends.RESUMABLE not in hint:
            # The status may be a little behind the events.
            hint = f"{hint} {run_ends.RESUMABLE}".strip()
        self._set(run.ended("crashed", RunFault(message, hint)))
        if self._witness:
            run_ends.note(run.path, message, hint)
            self._emit(Notice("error", message, hint))

    def _set(self, run: RunView) -> None:
        self.run = run
        self._announce(run)

    def _announce(self, run: RunView) -> None:
        self._announced = run.status
        self._emit(RunChanged(run))
