"""A training step at work: its module, its optimizer and its meters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.data.loading import size
from netbuilder.training import optimizers
from netbuilder.training.guards import make_guard
from netbuilder.training.meters import Meter
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.settings import ConstantSettings
from netbuilder.training.stepping import Stepper

Batch = Mapping[str, Tensor]


class Step:
    """What the loop runs on every batch."""

    def __init__(self, plan: Plan, step: StepPlan, device: torch.device) -> None:
        self.plan = step
        self.module = step.module
        self.every = step.settings.every
        updated = [plan.networks[name] for name in step.updates]
        self.parameters: list[nn.Parameter] = list(
            dict.fromkeys(p for network in updated for p in network.parameters() if p.requires_grad)
        )
        self.optimizer = optimizers.make(step.settings.optimizer, self.parameters)
        self._stepper = Stepper(self.optimizer, self.parameters)
        self.guard = make_guard(self.module, self.optimizer, device)
        self.training = Meter(step.metrics, device)
        self.validation = Meter(step.metrics, device)
        schedule = step.settings.schedule
        self._constant = isinstance(schedule, ConstantSettings) and not schedule.warmup

    def train(self, batch: Batch, number: int) -> None:
        """One update; `NonFiniteLoss` leaves weights and averages as they were."""
        for parameter in self.parameters:
            parameter.grad = None
        self.guard.before()
        loss, outputs, _ = self.module(**{name: batch[name] for name in self.plan.fields})
        value = self.guard.admit(loss, number)
        loss.backward()
        self._stepper.step()
        self.guard.after()
        self.training.add(value, outputs, size(batch))

    def measure(self, batch: Batch) -> None:
        """Evaluate one batch; the module must be in eval mode and gradients off."""
        loss, outputs, _ = self.module(**{name: batch[name] for name in self.plan.fields})
        self.validation.add(loss.double(), outputs, size(batch))

    def set_rate(self, epoch: float, epochs: float) -> None:
        """Set the learning rate for a position in the run, counted in epochs."""
        if self._constant:
            return
        settings = self.plan.settings
        rate = optimizers.learning_rate(settings.schedule, settings.optimizer.lr, epoch, epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def state(self) -> dict[str, Any]:
        """Optimizer and meter, for a checkpoint."""
        kind = self.plan.settings.optimizer.kind
        return {
            "kind": kind,
            "optimizer": self.optimizer.state_dict(),
            "training": self.training.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`; options come from the settings, which may have changed."""
        settings = self.plan.settings.optimizer
        if state["kind"] == settings.kind:
            self.optimizer.load_state_dict(state["optimizer"])
            for group in self.optimizer.param_groups:
                group.update(settings.model_dump(exclude={"kind"}))
            self._stepper.forget()
        self.training.load(state["training"])

    @property
    def rate(self) -> float:
        """The learning rate of the last update."""
        return float(self.optimizer.param_groups[0]["lr"])
