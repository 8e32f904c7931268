"""What a run says as it goes: figures, epochs, previews, and warnings about them."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from netbuilder.training import randomness
from netbuilder.training.observing import previews
from netbuilder.training.observing.gauges import gauges
from netbuilder.training.observing.tables import spacing
from netbuilder.training.steps import Step

if TYPE_CHECKING:
    from netbuilder.training.run import Run

TELL_EVERY_S = 0.2
PREVIEW_EVERY_S = 0.5
PREVIEW_SHARE = 20
"""So much longer than a preview takes is the time to the next: sampling may take seconds."""
EXPLOSION = 1e4
"""A loss so many times the first one is worth a warning."""


class Teller:
    """Writes the events of a run, and knows when the next are due."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._report = run.report
        # The first batch is told at once: people wait for the first point of the curve.
        self._tell_at = self._preview_at = 0.0
        self._told_step = 0
        self._tables: dict[str, Any] = {}
        self._not_finite: set[str] = set()

    @property
    def due(self) -> bool:
        """Whether it is time for figures."""
        return time.perf_counter() >= self._tell_at

    def metrics(self) -> None:
        """A `metrics` event: the mean loss since the last one, metrics of the epoch so far."""
        run, position = self._run, self._run.position
        values: dict[str, Any] = {}
        for step in run.steps:
            loss = step.training.recent_loss()
            if math.isnan(loss):
                continue  # It has not run since the last time.
            values[self.key("train", step, "loss")] = loss
            values |= {
                self.key("train", step, name): value
                for name, value in step.training.so_far().items()
            }
            self._watch_loss(loss)
        left = run.total_steps - position.step
        values |= {
            **gauges(run.steps, run.device),
            "samples_per_second": run.samples_per_second(),
            "seconds": position.seconds,
            "seconds_left": max(0, left) * position.seconds / max(position.step, 1),
        }
        self._report.at(position.epoch, position.step)
        self._report.emit("metrics", values)
        self._told_step = position.step
        self._report.write_status(force=False, **run.standing())
        self._tell_at = time.perf_counter() + TELL_EVERY_S

    def _watch_loss(self, loss: float) -> None:
        position = self._run.position
        if position.first_loss is None:
            position.first_loss = abs(loss)
        elif abs(loss) > EXPLOSION * max(1.0, position.first_loss):
            position.first_loss = abs(loss)
            self._report.warn("loss-explodes", f"The loss has grown to {loss:.3g}.")

    def end_of_curve(self) -> None:
        """The last figures, and those of very short runs that told only of their first batch."""
        if self._told_step < self._run.position.step >= self._run.total_steps:
            self.metrics()

    def results(self) -> dict[str, float]:
        """Metrics by key of the training so far in this epoch and of the validation part.

        Their tables are told with the next epoch.
        """
        steps = self._run.steps
        result: dict[str, float] = {}
        for step in steps:
            meters = {"train": step.training, "val": step.validation}
            for part, meter in meters.items():
                if meter.samples:
                    result |= {self.key(part, step, k): v for k, v in meter.result().items()}
        self._tables = {
            self.key("val", step, name): table
            for step in steps
            for name, table in step.tables.result().items()
        }
        return result

    def epoch(self, clock: float, *, better: bool) -> None:
        """The `epoch` event of the newest metrics, and a preview if it is time for one."""
        run, position = self._run, self._run.position
        self._report.at(position.epoch, position.step)
        told: dict[str, Any] = {**position.metrics, "best": better}
        every = spacing(self._tables, run.settings.epochs)
        if self._tables and (better or position.epoch % every == 0 or run.complete()):
            told["tables"] = self._tables
        self._report.emit("epoch", told)
        for key, value in position.metrics.items():
            if not math.isfinite(value) and key not in self._not_finite:
                self._not_finite.add(key)
                self._report.warn("not-finite", f"{key} is not a finite number.")
        if run.group.says(clock >= self._preview_at) or run.complete():
            self.previews()

    def previews(self) -> None:
        """A `preview` event, of the first samples that are not trained on.

        A name that several steps have is told with the step's: `discriminate/sample`.
        """
        run = self._run
        shown: dict[str, Any] = {}
        often = Counter(name for step in run.steps for name in step.plan.previews)
        begun = time.perf_counter()
        with randomness.apart(run.settings.seed), run.averaged():
            for step in run.steps:
                step.module.eval()
                found = previews.of_step(step.plan, run.data)
                for name, value in found.items():
                    shown[name if often[name] == 1 else f"{step.plan.name}/{name}"] = value
        if shown:
            self._report.emit("preview", {"previews": shown})
        ended = time.perf_counter()
        self._preview_at = ended + max(PREVIEW_EVERY_S, PREVIEW_SHARE * (ended - begun))

    def key(self, part: str, step: Step, name: str) -> str:
        """`val/accuracy`; with several steps `val/discriminate/loss`."""
        several = len(self._run.steps) > 1
        return f"{part}/{step.plan.name}/{name}" if several else f"{part}/{name}"
