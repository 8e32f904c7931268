"""A run in the making: what the loop works with, and how it is told and kept."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from netbuilder.data.loading import size
from netbuilder.data.streaming import Streamed
from netbuilder.training import layouts, placing, preflight, randomness
from netbuilder.training.batches import Batches, in_order
from netbuilder.training.best import Best, larger_is_better
from netbuilder.training.checkpointing import keeping
from netbuilder.training.checkpointing.saving import Saver
from netbuilder.training.compiled import Compiled
from netbuilder.training.control import Control
from netbuilder.training.halts import Halts
from netbuilder.training.observing.instruments import Instruments
from netbuilder.training.observing.telling import Teller
from netbuilder.training.optimisation import averaging, parts
from netbuilder.training.parallel import sharding, together
from netbuilder.training.parallel.distributed import ALONE, Group
from netbuilder.training.parallel.shares import counts
from netbuilder.training.plan import Plan
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.records.reporter import Reporter
from netbuilder.training.steps import Step

EVALUATION_FACTOR = 8
"""Evaluation keeps no gradients, so its batches may be this much larger."""
SLOW_DATA_S = 10.0


class CalledOff(Exception):
    """Somebody wants the run to stop in the middle of an evaluation."""


@dataclass
class Position:
    """Where a run is: finished epochs, batches of the present one, batches and samples in all."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    samples: int = 0
    seconds: float = 0.0
    training_s: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    first_loss: float | None = None


class Run:
    """The moving parts of one training. Times in seconds of a clock that only goes forward."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        control: Control,
        report: Reporter,
        device: torch.device,
        group: Group = ALONE,
    ) -> None:
        self.plan, self.settings, self.group = plan, plan.settings, group
        self.folder, self.control, self.report, self.device = folder, control, report, device
        for module in (*plan.networks.values(), *(step.module for step in plan.steps)):
            module.to(device)
        settled = [part for step in plan.steps for part in step.settings.parts]
        self._frozen = parts.freeze(plan.networks, settled)
        for warning in together.prepare(plan, device, group):
            report.warn("processes", warning)
        self._looks = together.Looks(group)
        data = plan.dataset
        if self.settings.channels_last:
            data = layouts.apply(plan.networks.values(), data)
        self.data = placing.place(data, device)
        self.batches = Batches(
            self.data.train,
            self.settings.batch_size,
            self.settings.seed,
            self.settings.balance,
            group,
            self.data.augmenter,
        )
        placed = replace(plan, dataset=self.data)
        self.steps = [Step(placed, step, device, group) for step in plan.steps]
        if self.settings.compile:
            for made in self.steps:
                made.call = Compiled(made.module, partial(report.warn, "compile"))
        self.instruments = Instruments(plan.steps, folder.path, self.data.shared)
        self._latest: Mapping[str, Tensor] = {}
        if isinstance(self.data.train, Streamed):
            self.data.train.feed.on_wait.append(self._wait_for_data)
            self.data.train.feed.tell = report.warn
        for code, message in self.data.notes:
            report.warn(code, message)
        for step in plan.steps:
            idle = step.settings.idle(plan.settings.epochs)
            if idle:
                report.warn("idle", f"Step '{step.name}' never runs: {idle}.")
        self.saver = Saver(folder)
        self.position = Position()
        self.best = self._make_best()
        self.evaluating = False
        self.torn = False
        """Whether a batch broke off: the weights are of no step, and must not be kept."""
        self._clock = 0.0
        self._halts = Halts()
        self.start_clock()
        self.teller = Teller(self)

    def _make_best(self) -> Best:
        monitor = preflight.monitor_of(self.plan)
        if monitor.startswith("val/") and not size(self.data.validation):
            monitor = "train/" + monitor.removeprefix("val/")
        _, *middle, name = monitor.split("/")
        step = next(s for s in self.steps if not middle or s.plan.name == middle[0])
        larger = None if name == "loss" else larger_is_better(step.training.metrics[name])
        if larger is None and name != "loss":
            message = f"Whether a larger {monitor} is better is not known: the smallest is kept."
            self.report.warn("monitor", message)
        return Best(monitor, bool(larger), self.settings.patience)

    # -- the course of a run -------------------------------------------------------------

    def complete(self) -> bool:
        """Whether all epochs, or as many steps as are allowed, were made and measured."""
        if self.epoch_over:
            return False
        limit = self.settings.steps
        return self.position.epoch >= self.settings.epochs or (
            limit is not None and self.position.step >= limit
        )

    @property
    def epoch_over(self) -> bool:
        """Whether all batches of the present epoch were made; it is not booked yet."""
        return self.position.batch >= len(self.batches)

    @property
    def total_steps(self) -> int:
        """Batches of the whole run, which a limit may cut."""
        whole = self.settings.epochs * len(self.batches)
        return min(whole, self.settings.steps or whole)

    def epoch_batches(self) -> Iterator[dict[str, Tensor]]:
        """The batches of the present epoch that are still to come, ready to train on."""
        self.count_time()
        for step in self.steps:
            step.module.train()
        parts.rest(self._frozen)
        position, count = self.position, len(self.batches)
        epochs = self.total_steps / count
        # A run that was stopped after the last batch may have an update left to make.
        before = max(position.batch - 1, 0)
        for step in self.steps:
            step.set_rate(position.epoch + before / count, epochs)
        for batch in self.batches.epoch(position.epoch, position.batch):
            for step in self.steps:
                step.set_rate(position.epoch + position.batch / count, epochs)
            yield batch

    def advance(self, batch: Mapping[str, Tensor]) -> None:
        """Book a batch that was trained on."""
        self._latest = batch
        self.position.step += 1
        self.position.batch += 1
        self.position.samples += counts(batch)[1]

    def close(self) -> None:
        """End the processes that read data, and wait for what is being written."""
        keeping.book(self, wait=True)
        self.saver.close()
        if isinstance(self.data.train, Streamed):
            self.data.train.feed.close()

    def _wait_for_data(self, seconds: float) -> None:
        """A batch is waited for: tell it, and do not keep somebody waiting who wants a stop."""
        if SLOW_DATA_S <= seconds < SLOW_DATA_S + 1.0:
            words = f"Loading data is slow: nothing has come for {seconds:.0f} s."
            self.report.warn("slow-data", words)
        self.control.look()
        if self.control.stopping and self.group.alone:
            raise CalledOff

    def evaluate(self) -> dict[str, float]:
        """Metrics by key: of the training so far in this epoch, and of the validation part.

        `CalledOff` if the run is to stop meanwhile; after a whole epoch it can be repeated.
        """
        for step in self.steps:
            step.guard.check()
        self.count_time(training=True)
        self.teller.end_of_curve()
        self.evaluating = True
        for step in self.steps:
            step.module.eval()
            step.validation.reset()
            step.tables.reset()
        alone = any(step.plan.across_batch for step in self.steps)
        batch_size = (1 if alone else EVALUATION_FACTOR) * self.settings.batch_size
        seed = self.group.own_seed(self.settings.seed)
        with torch.no_grad(), randomness.apart(seed), self.averaged():
            for batch in in_order(self.data.validation, batch_size, self.group):
                for step in self.steps:
                    if step.runs_in(self.position.epoch):
                        step.measure(batch)
                self.control.look()
                stopping = self.group.highest(self.control.stopping)[0]
                if stopping and self.epoch_over:
                    raise CalledOff
        self.evaluating = False
        return self.teller.results()

    def end_epoch(self, metrics: dict[str, float]) -> None:
        """Book a whole epoch: is it the best, tell it, save if it is time."""
        position = self.position
        position.epoch, position.batch, position.metrics = position.epoch + 1, 0, metrics
        for step in self.steps:
            step.training.reset()
            best = self.best
            if best.monitor in metrics:
                value = metrics[best.monitor]
                step.end_epoch(value, larger_is_better=best.larger_is_better)
        self.tell_epoch()
        keeping.book(self)
        if self.group.says(self._save_due()):
            self._save_beside()

    def tell_epoch(self) -> None:
        """Tell the newest metrics, and whether they are the best."""
        position = self.position
        with self.averaged():
            weights = self.weights()
            better = self.best.offer(position.metrics, weights, position.epoch, position.step)
        self.count_time()
        self.teller.epoch(self._clock, better=better)

    # -- looking up from the work ----------------------------------------------------------

    def start_clock(self) -> None:
        """Begin to count seconds: at the start, and after a rest."""
        self._clock = time.perf_counter()
        self._await_save()

    def count_time(self, *, training: bool = False) -> None:
        """Book the seconds since the last call."""
        moment = time.perf_counter()
        passed = self._halts.without(moment - self._clock)
        self.position.seconds += passed
        if training:
            self.position.training_s += passed
        self._clock = moment

    def due(self) -> bool:
        """Whether something is to be told or somebody wants something."""
        if not self.group.alone:
            return self._looks.due(self.position.step)
        return (
            (self.position.step >= self._save_step and not self.saver.busy)
            or self.teller.due
            or self.control.wanted
        )

    def _save_due(self) -> bool:
        due = self._clock >= self._save_at or self.position.step >= self._save_step
        return due and not self.saver.busy

    def look_up(self) -> bool:
        """Tell, save and rest as is due; whether to go on."""
        self.control.look()
        for step in self.steps:
            step.guard.check()
        self.count_time(training=True)
        orders = self._agree()
        # Not only for a checkpoint, which may be due many times a second.
        wanted = orders.stopping or orders.paused or not self.group.alone
        if wanted or self.teller.due:
            self.teller.metrics()
        if self.group.alone and self.instruments.due():
            self.instruments.tell(self._latest, self.settings.seed, self.position.step)
            self.count_time()
        keeping.book(self)
        if orders.save:
            self._save_beside()
        if orders.paused:
            self._rest()
            return not self._agree().stopping
        return not orders.stopping

    def _agree(self) -> together.Orders:
        return self._looks.agree(
            self.position.step,
            stopping=self.control.stopping,
            paused=self.control.paused,
            save=self._save_due(),
            limit=self._save_step,
        )

    def _rest(self) -> None:
        self.save()
        self.report.write_status(status="paused", **self.standing())
        self.report.emit("paused", {})
        together.rest(self)
        self.start_clock()
        if not self.control.stopping:
            self.report.write_status(status="running")
            self.report.emit("resumed", {})

    def samples_per_second(self) -> float:
        """Training samples by the time spent on training, without evaluation and rests."""
        return self.position.samples / max(self.position.training_s, 1e-9)

    def standing(self) -> dict[str, Any]:
        """The part of the status that changes as the run goes."""
        return {
            "seconds": self.position.seconds,
            "samples_per_second": self.samples_per_second(),
            "metrics": self.position.metrics,
            "best": self.best.summary(),
        }

    def averaged(self) -> AbstractContextManager[None]:
        """Inside, the weights that are averaged are their averages: what is judged and kept."""
        steps = (step.updating.averages for step in self.steps)
        return averaging.in_use(averages for averages in steps if averages is not None)

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """The `state_dict` of every network."""
        states = {name: network.state_dict() for name, network in self.plan.networks.items()}
        if self.settings.parallel == "fsdp" and not self.group.alone:
            states = sharding.whole(states, self.group)
        return states

    def save(self) -> None:
        """Write a checkpoint and wait for it; the next is due after the interval."""
        keeping.save(self)
        self._await_save()

    def _save_beside(self) -> None:
        keeping.save_beside(self)
        self._await_save()

    def _await_save(self) -> None:
        self._save_at = time.perf_counter() + self.settings.checkpoint_s
        self._save_step = self.position.step + (self.settings.checkpoint_steps or sys.maxsize)
