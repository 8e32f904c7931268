"""All folds of a cross-validation, trained one after the other as runs of their own."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from netbuilder.app.events import Notice, SessionEvent
from netbuilder.app.runs import RunView


class Trainer(Protocol):
    """What trains a fold: the session."""

    @property
    def run(self) -> RunView | None: ...

    def train(
        self,
        run_dir: Path | None = None,
        resume: bool = False,
        origin: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> None: ...


class CrossValidation:
    """Begins the next fold when one is over.

    A fold that is stopped, or fails, ends the rest; each run is whole by itself and can go on.
    """

    def __init__(self, trainer: Trainer, emit: Callable[[SessionEvent], None]) -> None:
        self._trainer, self._emit = trainer, emit
        self._count = self._number = 0
        self._path: Path | None = None
        self._ends: list[Mapping[str, float | None]] = []

    @property
    def text(self) -> str:
        """Where it is, "Fold 2 of 5", or nothing."""
        return f"Fold {self._number} of {self._count}" if self._count else ""

    def begin(self, count: int) -> None:
        """Train the first of `count` folds of the project."""
        self._count, self._number, self._ends = count, 0, []
        self._next()

    def over(self, path: Path) -> None:
        """The worker is done with a run, and can begin another."""
        if not self._count or path != self._path:
            return
        run = self._trainer.run
        if run is None or run.path != path or run.status != "finished":
            self.end()
            return
        self._ends.append(dict(run.metrics))
        if self._number < self._count:
            self._next()
        else:
            self.end()
            self._emit(Notice("info", summary(self._ends)))

    def end(self) -> None:
        """Begin no other fold."""
        self._count, self._path = 0, None

    def _next(self) -> None:
        self._number += 1
        before = self._trainer.run
        self._trainer.train(overrides={"data.folds": self._count, "data.fold": self._number})
        run = self._trainer.run
        if run is None or run is before:
            self.end()
        else:
            self._path = run.path


def summary(ends: Sequence[Mapping[str, float | None]]) -> str:
    """Mean and deviation of what the folds reached on their validation parts, in a sentence."""
    told = []
    for key in ends[0] if ends else ():
        values = [value for end in ends if (value := end.get(key)) is not None]
        if key.startswith("val/") and len(values) == len(ends):
            deviation = statistics.stdev(values) if len(values) > 1 else 0.0
            told.append(f"{key} {statistics.fmean(values):.4g} ± {deviation:.2g}")
    return f"{len(ends)} folds: {', '.join(told)}" if told else f"Folds trained: {len(ends)}."
