"""The part of a session that trains, and follows what others train."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from netbuilder.app import running
from netbuilder.app.cross_validation import CrossValidation
from netbuilder.app.events import Notice
from netbuilder.app.runs import RunView, latest_trained, next_run, runs_folder
from netbuilder.app.session_base import SessionBase
from netbuilder.engine.protocol import Reply
from netbuilder.errors import NetbuilderError


class SessionTraining(SessionBase):
    """Trainings of the open project, one at a time here."""

    folds: CrossValidation

    @property
    def run(self) -> RunView | None:
        """The run that is followed: the one under way, or the last one of this project."""
        return self._following.run

    @property
    def training_here(self) -> bool:
        """Whether this window's worker is training."""
        return self.run is not None and self.run.active and not self._following.adopted

    def look_for_run(self) -> None:
        """Follow the latest run of this project that another process trains, if there is one.

        Where there is none and nothing else to be shown, the last run is, if its process died.
        """
        if self.run is not None and self.run.active:
            return
        found = running.running([self.runs_folder()])
        left = running.left_behind(self.runs_folder()) if self.run is None else None
        if found:
            self.follow(found[0])
        elif left is not None:
            self._following.adopt(*left)

    def follow(self, run: Path) -> None:
        """Follow a run that another process trains; nothing happens if none does."""
        trainer = running.trainer_of(run)
        if trainer is not None and not self.training_here:
            self._following.adopt(Path(run).absolute(), trainer)

    def runs_folder(self) -> Path:
        """Where new runs of this project go."""
        return runs_folder(self.path, self.document.project.title)

    def train(
        self,
        run_dir: Path | None = None,
        resume: bool = False,
        origin: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        """Train the project as it is now, saved or not; events tell how it goes.

        With `resume`, `run_dir` is a run that goes on where it stopped. `origin` is another
        run whose weights it starts from, as in `carry`; `overrides` replace settings of the
        project. What can't start becomes a run with the status `failed` and its reason.
        """
        if self.training_here:
            self._emit(Notice("warning", "A training is under way already.", "Stop it first."))
            return
        try:
            project = self._project_json()
            path = Path(run_dir or next_run(self.runs_folder())).absolute()
        except (NetbuilderError, OSError) as error:
            self._emit(Notice("error", str(error), getattr(error, "hint", "")))
            return
        self.data.remember()
        params: dict[str, Any] = {"project": project, "run": str(path), "resume": resume}
        if origin is not None:
            params["from"] = origin
        if overrides is not None:
            params["overrides"] = overrides

        def over(reply: Reply) -> None:
            self._following.replied(path, reply)
            self.folds.over(path)

        def begin() -> None:
            self._following.begin(path)
            self._worker.ask("train", params, over)

        if resume and (self.run is None or self.run.path != path):
            # Curves and lines of another time come first, so that the new ones go on from them.
            self._following.recall(path, begin)
        else:
            begin()

    def pause(self) -> None:
        """Hold the training after the batch under way."""
        self._control("pause", ("running",))

    def resume(self) -> None:
        """Let a paused training go on."""
        self._control("resume", ("paused",))

    def stop(self) -> None:
        """End the training with a checkpoint, within 10 s whatever the model does.

        One that another process is at takes its time; asked again, that process is ended.
        """
        if self._following.adopted:
            self._following.command("stop")
        elif self.run is not None and self.run.active and self._worker.started:
            self._following.stopping()
            self._worker.stop_training()

    def _control(self, method: Literal["pause", "resume"], states: Iterable[str]) -> None:
        if self.run is None or self.run.status not in states:
            return
        if self._following.adopted:
            self._following.command(method)
        else:
            self._worker.ask(method, {}, self._notice_error)

    def trained_run(self) -> Path | None:
        """The run whose weights to use: that which is followed, else the project's latest."""
        return self._finished_run() or latest_trained(self.runs_folder())

    def _finished_run(self) -> Path | None:
        run = self.run
        return run.path if run is not None and run.status in ("finished", "stopped") else None
