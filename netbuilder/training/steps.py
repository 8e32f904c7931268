"""A training step at work: its module, its updates and its meters."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from netbuilder.training.guards import DeviceGuard, make_guard
from netbuilder.training.observing.meters import Meter
from netbuilder.training.observing.tables import Tables
from netbuilder.training.optimisation import optimizers, parts
from netbuilder.training.optimisation.schedule_settings import ConstantSettings, PlateauSettings
from netbuilder.training.optimisation.schedules import Plateau
from netbuilder.training.optimisation.updating import Updating
from netbuilder.training.parallel.distributed import ALONE, Group
from netbuilder.training.parallel.exchange import Exchange
from netbuilder.training.parallel.exchange import make_guard as shared_guard
from netbuilder.training.parallel.sharding import is_sharded
from netbuilder.training.parallel.shares import counts
from netbuilder.training.plan import Plan, StepPlan

Batch = Mapping[str, Tensor]

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Step:
    """What the loop runs on every batch."""

    def __init__(
        self, plan: Plan, step: StepPlan, device: torch.device, group: Group = ALONE
    ) -> None:
        self.plan = step
        self._shared = plan.dataset.shared
        self.module = step.module
        self.call: Callable[..., Any] = step.module
        """What computes: the module, or what wraps it."""
        self.every = step.settings.every
        groups = parts.groups(plan.networks, step.updates, step.settings.parts)
        alone = len(plan.steps) == 1
        networks = [plan.networks[name] for name in step.updates]
        self.updating = Updating(
            step.settings, plan.settings, groups, device, alone=alone, modules=networks
        )
        self.parameters = self.updating.parameters
        self.guard = make_guard(self.module, self.updating.optimizers, plan.settings, device)
        if not group.alone:
            sharded = is_sharded(self.parameters)
            on_device = isinstance(self.guard, DeviceGuard) and not sharded
            guard = shared_guard(self.module, self.updating.optimizers, device, on_device=on_device)
            self.guard = guard
            everything = [p for network in plan.networks.values() for p in network.parameters()]
            exchange = Exchange(group, self.module, self.parameters, guard, sharded=sharded)
            self.updating.share(exchange, everything)
        self.training = Meter(step.metrics, device, group)
        self.validation = Meter(step.metrics, device, group)
        self.tables = Tables(step, plan.dataset.fields, group)
        dtype = _DTYPES.get(plan.settings.precision)
        self._cast: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
        if dtype is not None:
            self._cast = torch.autocast(device.type, dtype)
        self._base_rate = float(step.settings.optimizer.lr)
        schedule = step.settings.schedule
        self._plateau = Plateau(schedule) if isinstance(schedule, PlateauSettings) else None
        self._constant = isinstance(schedule, ConstantSettings) and not schedule.warmup
        # The code of a step has a class of its own for each part: they are known by what they do.
        told = (getattr(part, "tell_progress", None) for part in step.module.modules())
        self._progress: list[Callable[[float], None]] = [tell for tell in told if callable(tell)]
        self.updating.set_rate(self._base_rate)

    def is_due(self, epoch: int, number: int) -> bool:
        """Whether it runs at a batch: the epoch and the batch counted from 0."""
        return self.runs_in(epoch) and number % self.every == 0

    def runs_in(self, epoch: int) -> bool:
        """Whether it runs in an epoch, counted from 0."""
        settings = self.plan.settings
        last = settings.last_epoch
        return settings.first_epoch <= epoch + 1 and (last is None or epoch < last)

    def train(self, batch: Batch, number: int) -> None:
        """One batch; `NonFiniteLoss` leaves weights and averages as they were."""
        self.updating.clear()
        self.guard.before()
        loss, outputs, _ = self._compute(batch)
        value = self.guard.admit(loss, number)
        samples, whole = counts(batch)
        self.updating.take(loss, samples, lambda: self._compute(batch)[0], whole)
        self.guard.after()
        self.training.add(value, outputs, samples, whole)

    def flush(self) -> None:
        """Update by what has accumulated: the epoch is over."""
        self.updating.flush()

    def measure(self, batch: Batch) -> None:
        """Evaluate one batch; the module must be in eval mode and gradients off."""
        loss, outputs, shown = self._compute(batch)
        samples, whole = counts(batch)
        self.validation.add(loss.double(), outputs, samples, whole)
        self.tables.add(outputs, shown, counted=samples > 0)

    def _compute(self, batch: Batch) -> tuple[Tensor, Any, Any]:
        with self._cast:
            loss, outputs, shown = self.call(**self.plan.arguments(batch, self._shared))
        return loss, outputs, shown

    def set_rate(self, epoch: float, epochs: float) -> None:
        """Set the learning rate for a position in the run, counted in epochs.

        A schedule begins and ends with the epochs in which the step runs; so does `Progress`.
        """
        if self._constant and not self._progress:
            return
        before, epochs = self.plan.settings.span(epochs)
        epoch = min(max(0.0, epoch - before), epochs)
        for tell in self._progress:
            tell(epoch / epochs)
        if not self._constant:
            schedule = self.plan.settings.schedule
            rate = optimizers.learning_rate(schedule, self._base_rate, epoch, epochs)
            self.updating.set_rate(rate if self._plateau is None else self._plateau.rate(rate))

    def end_epoch(self, value: float, *, larger_is_better: bool) -> None:
        """Book an epoch by its monitored metric: schedules that wait for a plateau look at it."""
        if self._plateau is not None:
            self._plateau.offer(value, self._base_rate, larger_is_better=larger_is_better)

    def state(self) -> dict[str, Any]:
        """Updates and meter, for a checkpoint."""
        return {
            "updating": self.updating.state(),
            "training": self.training.state(),
            "plateau": None if self._plateau is None else self._plateau.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`; options come from the settings, which may have changed."""
        self.updating.load(state["updating"])
        self.training.load(state["training"])
        if self._plateau is not None and state["plateau"] is not None:
            self._plateau.load(state["plateau"])

    @property
    def rate(self) -> float:
        """The learning rate of the last update."""
        return self.updating.rate
