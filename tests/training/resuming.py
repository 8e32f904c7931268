"""Runs that are interrupted at a chosen moment and go on, to be compared with whole ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.data.loading import augmented
from netbuilder.data.settings import read
from netbuilder.training import randomness
from netbuilder.training.control import Control
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.records.events import current
from netbuilder.training.records.folder import RunFolder, read_events
from netbuilder.training.settings import read_step, read_training
from tests.training.standins import Losses, dataset, plan, run

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 3, "checkpoint_s": 1e6}
"""60 samples, 48 to train on: seven batches an epoch, the last of 6. 12 to evaluate on."""


class Killed(BaseException):
    """The process dies here: nothing more is written."""


@dataclass(frozen=True)
class Moment:
    """When a run is interrupted: in the forward pass of a batch, counted from 1 over the run.

    `killed` dies there and goes on from its last checkpoint; else it is asked to stop. With
    `validating` it happens in the evaluation that follows the epoch of that batch.
    """

    batch: int
    killed: bool = False
    validating: bool = False

    def __str__(self) -> str:
        how = "kill" if self.killed else "stop"
        return f"{how}{self.batch}{'v' if self.validating else ''}"


def stop(*batches: int) -> list[Moment]:
    return [Moment(batch) for batch in batches]


def kill(*batches: int) -> list[Moment]:
    return [Moment(batch, killed=True) for batch in batches]


# -- two steps that train against each other ------------------------------------------------


class Discriminate(nn.Module):
    """The discriminator's step: real samples against made ones."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, losses: Losses) -> None:
        super().__init__()
        self.generator, self.discriminator, self.losses = generator, discriminator, losses

    def forward(self, x: Tensor) -> tuple[Tensor, Any, Any]:
        with torch.no_grad():
            made = self.generator(torch.randn(len(x), 3))
        odds = self.discriminator(torch.cat([x, made]))
        wanted = torch.cat([torch.ones(len(x), 1), torch.zeros(len(x), 1)])
        loss = nn.functional.binary_cross_entropy_with_logits(odds, wanted)
        if self.training:
            self.losses.append(loss.item())
        return loss, {}, {}


class Generate(nn.Module):
    """The generator's step: to pass for real."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, losses: Losses) -> None:
        super().__init__()
        self.generator, self.discriminator, self.losses = generator, discriminator, losses

    def forward(self, x: Tensor) -> tuple[Tensor, Any, Any]:
        odds = self.discriminator(self.generator(torch.randn(len(x), 3)))
        loss = nn.functional.softplus(-odds).mean()
        if self.training:
            self.losses.append(loss.item())
        return loss, {}, {}


def adversarial(
    *, every: int = 2, ema: float | None = None, optimizer: Any = None, **training: Any
) -> Plan:
    """Two steps over two networks; the generator's runs at every second batch."""
    randomness.seed_all(5)
    generator = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
    discriminator = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(), nn.Dropout(0.3), nn.Linear(8, 1))
    losses: Losses = []
    chosen = optimizer or {"kind": "Adam", "lr": 0.01, "betas": (0.5, 0.9)}
    settings = {
        "epochs": 3,
        "batch_size": 7,
        "threads": 1,
        "device": "cpu",
        "monitor": "val/generate/loss",
        **training,
    }
    steps = [
        StepPlan(
            "discriminate",
            Discriminate(generator, discriminator, losses),
            ("x",),
            ("discriminator",),
            read_step({"updates": ["discriminator"], "optimizer": chosen}),
        ),
        StepPlan(
            "generate",
            Generate(generator, discriminator, losses),
            ("x",),
            ("generator",),
            read_step(
                {
                    "updates": ["generator"],
                    "optimizer": chosen,
                    "every": every,
                    **({"ema": ema} if ema else {}),
                }
            ),
        ),
    ]
    networks = {"generator": generator, "discriminator": discriminator}
    return Plan(networks, tuple(steps), dataset(), read_training(settings))


def varied(**training: Any) -> Plan:
    """The usual plan, on samples that are varied."""
    augment = read({"augment": [{"kind": "noise", "deviation": 0.3}]}).augment
    return plan(data=augmented(dataset(), augment, 0), **training)


# -- the comparison ---------------------------------------------------------------------------

Make = Callable[..., Plan]


class Watched:
    """A plan whose losses are noted by batch, counted from 1 over the run."""

    def __init__(self, made: Plan, done: int, moment: Moment | None, control: Control) -> None:
        self.plan = made
        self._losses: Losses = made.steps[0].module.losses  # type: ignore[assignment]
        self._begins: dict[int, int] = {}
        self._batch, self._moment, self._control = done, moment, control
        made.steps[0].module.register_forward_pre_hook(self._before)

    def _before(self, module: nn.Module, arguments: Any) -> None:
        if module.training:
            self._batch += 1
            self._begins[self._batch] = len(self._losses)
        moment = self._moment
        if moment is None or moment != Moment(self._batch, moment.killed, not module.training):
            return
        if moment.killed:
            raise Killed
        self._control.stop()

    def losses(self) -> dict[int, Losses]:
        """The losses of each batch, one of each step that it was given to."""
        ends = [*self._begins.values(), len(self._losses)][1:]
        pairs = zip(self._begins.items(), ends, strict=True)
        return {batch: self._losses[begin:end] for (batch, begin), end in pairs}


@dataclass(frozen=True)
class Outcome:
    """How a run ended: what must be the same, however often it was interrupted."""

    losses: dict[int, Losses]
    weights: dict[str, Tensor]
    """As they are trained; their averages are in the checkpoint."""
    epochs: list[Any]
    """What was told after each: metrics of both parts, and whether it was the best."""
    result: tuple[Any, ...]
    checkpoint: tuple[Any, dict[str, bytes]]

    def differences(self, other: Outcome) -> list[str]:
        """In what they differ; `checkpoint` has all the rest that decides how a run goes on."""
        found = []
        if self.losses != other.losses:
            found.append("losses")
        if any(not torch.equal(self.weights[k], other.weights[k]) for k in self.weights):
            found.append("weights")
        if (self.result, self.epochs) != (other.result, other.epochs):
            found.append("results")
        if self.checkpoint != other.checkpoint:
            found.append("checkpoint")
        return found


def train_with(
    planned: Make, path: Path, moments: Iterable[Moment] = (), **arguments: Any
) -> Outcome:
    """Train to the end in a new folder, interrupted at these moments."""
    seen: dict[int, Losses] = {}
    for moment in moments:
        done = _steps_kept(path)
        control = Control()
        watched = Watched(planned(**arguments), done, moment, control)
        try:
            result = run(watched.plan, path, control=control, resume=RunFolder(path).exists())
        except Killed:
            assert moment.killed
        else:
            assert (result.status, result.steps) == ("stopped", moment.batch)
        seen = {batch: losses for batch, losses in seen.items() if batch <= done}
        seen |= watched.losses()
    done = _steps_kept(path)
    watched = Watched(planned(**arguments), done, None, Control())
    if done:
        # Other weights and another place in the stream of random numbers: all must come back.
        for network in watched.plan.networks.values():
            for parameter in network.parameters():
                nn.init.normal_(parameter)
    result = run(watched.plan, path, resume=RunFolder(path).exists())
    assert result.status == "finished", result
    seen = {batch: losses for batch, losses in seen.items() if batch <= done} | watched.losses()
    weights = {
        f"{name}.{key}": tensor.clone()
        for name, network in watched.plan.networks.items()
        for key, tensor in network.state_dict().items()
    }
    told = current(read_events(path)[0])
    epochs = [(event.step, event.values) for event in told if event.event == "epoch"]
    ended = (result.status, result.reason, result.epochs, result.steps, result.metrics, result.best)
    return Outcome(seen, weights, epochs, ended, _checkpoint(path))


def _steps_kept(path: Path) -> int:
    """The batches up to the last checkpoint."""
    folder = RunFolder(path)
    if not folder.checkpoints("last"):
        return 0
    return int(folder.read_checkpoint("last")[0].info["step"])


def _checkpoint(path: Path) -> tuple[Any, dict[str, bytes]]:
    """The last checkpoint without its times."""
    files = dict(RunFolder(path).read_checkpoint("last")[0].files)
    state = json.loads(files.pop("state.json"))
    for name in ("seconds", "training_s"):
        state["position"].pop(name)
    return state, files


def differences(
    planned: Make, path: Path, moments: Iterable[Moment], **arguments: Any
) -> list[str]:
    """In what a run with these interruptions differs from one without."""
    whole = train_with(planned, path / "whole", **arguments)
    return whole.differences(train_with(planned, path / "parts", moments, **arguments))
