"""Threads, layout of images and torch.compile, chosen by a short measurement.

What is fastest depends on machine, network and batch, so it is measured on the project's own.
The ways are measured in turns, so that what else the machine does counts for all of them.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch

from netbuilder.training import threads
from netbuilder.training.control import Control
from netbuilder.training.plan import Plan
from netbuilder.training.trials.trial import batches, trial

ROUNDS = 5
SECONDS = 0.15
"""Of a turn, at least; and it has two batches at least."""
SLOW = 8.0
"""A way whose turn takes so many times as long gets no other."""
WORTH = 1.03
"""How much faster a way must be before it is taken in place of the simpler one."""

Way = Mapping[str, Any]
"""Values of `threads`, `channels_last` and `compile`."""


@dataclass
class Measured:
    """One way to compute: samples a second in each turn, or why it can't be done."""

    way: dict[str, Any]
    rates: list[float] = field(default_factory=list)
    failed: str = ""

    @property
    def rate(self) -> float:
        """The median of the turns, 0 if there are none."""
        return statistics.median(self.rates) if self.rates else 0.0


def measure(plan: Plan, control: Control | None = None) -> dict[str, Any]:
    """Compare ways to compute; the answer of the `tune` command.

    `table` has for each way its values, `samples_per_second` and `ratio` to the present
    settings; `best` the values to set, `before` those that are. The numbers of a training
    change with the threads in their last bits, and with compile and layout too.
    """
    begin = time.perf_counter()
    settings = plan.settings
    chosen = settings.threads or threads.choose(plan.steps, plan.dataset, settings.batch_size)
    before: dict[str, Any] = {
        "threads": chosen,
        "channels_last": settings.channels_last,
        "compile": settings.compile,
    }
    done: list[Measured] = []
    best = dict(before)
    for stage in _stages(plan, before):
        ways = [{**best, **change} for change in stage]
        fresh = _compare(plan, [best, *(way for way in ways if way != best)], control)
        done += fresh
        best = _choose(fresh)
        if control is not None and control.stopping:
            break
    return {
        "before": before,
        "best": best,
        "table": _table(done, before),
        "batch_size": settings.batch_size,
        "torch": torch.__version__,
        "seconds": time.perf_counter() - begin,
    }


def _stages(plan: Plan, before: Way) -> Iterator[list[dict[str, Any]]]:
    """What is tried together: the threads, then the layout, then the compiler."""
    device = plan.settings.device
    on_cpu = device == "cpu" or (device == "auto" and not torch.cuda.is_available())
    if on_cpu:
        cores = os.cpu_count() or 1
        counts = {1, *(2**power for power in range(1, 8) if 2**power < cores), cores}
        yield [{"threads": count} for count in sorted(counts)]
    images = any(
        tensor.ndim in (4, 5) and tensor.is_floating_point()
        for tensor in plan.dataset.train.values()
    )
    if images:
        yield [{"channels_last": not before["channels_last"]}]
    yield [{"compile": not before["compile"]}]


def _compare(plan: Plan, ways: Sequence[Way], control: Control | None) -> list[Measured]:
    """Measure these ways, a turn each and again."""
    found = [Measured(dict(way)) for way in ways]
    with ExitStack() as stack:
        trials = [_Trial(plan, each, stack) for each in found]
        for _ in range(ROUNDS):
            for each in trials:
                if not (control is not None and control.stopping):
                    each.turn()
    return found


class _Trial:
    """A training of one way, past its first batches, which cost more."""

    def __init__(self, plan: Plan, measured: Measured, stack: ExitStack) -> None:
        self._measured = measured
        self._number = 0
        self._slow = False
        try:
            self._run = stack.enter_context(trial(plan, **measured.way))
            self._coming = batches(self._run)
            with threads.using(measured.way["threads"]):
                self._train()
                self._train()
        except Exception as error:
            measured.failed = next(iter(str(error).splitlines()), type(error).__name__)[:200]
            return
        told = [text for text in self._run.report.warnings if "compile" in text]
        measured.failed = told[0] if told else ""

    def turn(self) -> None:
        """Note the samples a second of one turn, unless it failed or is hopelessly slow."""
        if self._measured.failed or self._slow:
            return
        with threads.using(self._measured.way["threads"]):
            begin = time.perf_counter()
            count, made = 0, 0
            while made < 2 or time.perf_counter() - begin < SECONDS:
                count += self._train()
                made += 1
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds = time.perf_counter() - begin
        self._slow = seconds > SLOW * SECONDS
        self._measured.rates.append(count / seconds)

    def _train(self) -> int:
        """Train on the next batch; its samples."""
        batch = next(self._coming)
        for step in self._run.steps:
            step.train(batch, self._number)
        self._number += 1
        return len(next(iter(batch.values())))


def _choose(measured: Sequence[Measured]) -> dict[str, Any]:
    """The fastest way, unless the present one (the first) is nearly as fast."""
    now = measured[0]
    best = max(measured, key=lambda each: each.rate)
    return dict(best.way if best.rate > WORTH * now.rate else now.way)


def _table(measured: Sequence[Measured], before: Way) -> list[dict[str, Any]]:
    """A line a way; what was measured in several stages counts by its latest."""
    lines: dict[tuple[Any, ...], Measured] = {}
    for each in measured:
        lines[tuple(each.way.values())] = each
    # Each stage measured its best anew, so that ratios are within a stage and multiply.
    ratios: dict[tuple[Any, ...], float] = {tuple(before.values()): 1.0}
    for each in measured:
        key = tuple(each.way.values())
        if key not in ratios:
            base = _base(measured, each)
            known = ratios.get(tuple(base.way.values()), 1.0)
            ratios[key] = known * each.rate / base.rate if base.rate else 0.0
    return [
        {
            **each.way,
            "samples_per_second": each.rate or None,
            "ratio": ratios[key] if each.rate else None,
            "failed": each.failed,
        }
        for key, each in lines.items()
    ]


def _base(measured: Sequence[Measured], one: Measured) -> Measured:
    """What a way was compared with: the last before it that differs in one value only."""
    at = measured.index(one)
    for other in reversed(measured[:at]):
        if sum(other.way[name] != one.way[name] for name in one.way) == 1 and other.rate:
            return other
    return measured[0]
