"""The test of the resume tests: whatever item of the state is left out, they notice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from netbuilder.data import augmenting
from netbuilder.training import randomness
from netbuilder.training.best import Best
from netbuilder.training.checkpointing import checkpoints, keeping
from netbuilder.training.observing import meters
from netbuilder.training.observing.meters import Meter
from netbuilder.training.optimisation.averaging import Averages
from netbuilder.training.optimisation.schedules import Plateau
from netbuilder.training.optimisation.updating import Updating
from netbuilder.training.run import Run
from tests.training.resuming import SIZE, Moment, adversarial, differences, varied
from tests.training.standins import plan

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], None]


def _lost(kind: Any, items: Mapping[str, Any]) -> Mutant:
    """Loads of this kind find other values of these items than were saved."""

    def mutate(patch: Patch) -> None:
        original = kind.load

        def load(self: Any, state: Mapping[str, Any]) -> None:
            # None is what is given where there never was such a state.
            original(self, state if state is None else {**state, **items})

        patch.setattr(kind, "load", load)

    return mutate


def _position(**items: Any) -> Mutant:
    def mutate(patch: Patch) -> None:
        original = keeping.state

        def state(run: Run) -> dict[str, Any]:
            saved = original(run)
            return {**saved, "position": {**saved["position"], **items}}

        patch.setattr(keeping, "state", state)

    return mutate


def _nothing(target: str | Any, name: str) -> Mutant:
    return lambda patch: patch.setattr(target, name, lambda *arguments: None)


def _random(item: str) -> Mutant:
    def mutate(patch: Patch) -> None:
        original = randomness.load

        def load(saved: dict[str, Any]) -> None:
            original({**saved, item: randomness.state()[item]})

        patch.setattr(randomness, "load", load)

    return mutate


def _buffers(patch: Patch) -> None:
    original = checkpoints.load_networks

    def load(checkpoint: Any, modules: Mapping[str, torch.nn.Module]) -> None:
        kept = [(b, b.clone()) for module in modules.values() for b in module.buffers()]
        original(checkpoint, modules)
        for buffer, before in kept:
            buffer.copy_(before)

    patch.setattr(checkpoints, "load_networks", load)


def _raw_weights(patch: Patch) -> None:
    def load(self: Averages, state: Mapping[str, Any] | None) -> None:
        self._averages = [weight.clone() for weight in self._weights]
        self.updates = state["updates"] if state else 0

    patch.setattr(Averages, "load", load)


def _averages(patch: Patch) -> None:
    original = Averages.load

    def load(self: Averages, state: Mapping[str, Any] | None) -> None:
        original(self, state)
        self._averages = [weight.clone() for weight in self._weights]

    patch.setattr(Averages, "load", load)


def _lost_metrics(patch: Patch) -> None:
    original = Meter.state
    patch.setattr(Meter, "state", lambda self: {**original(self), "metrics": {}})


def _running_chance(patch: Patch) -> None:
    """Augmentation draws from one stream as the run goes, which no checkpoint has."""
    original = augmenting.Chance.__init__
    drawn = iter(range(10**6))

    def begin(self: augmenting.Chance, key: Any, device: torch.device) -> None:
        original(self, [next(drawn)], device)

    patch.setattr(augmenting.Chance, "__init__", begin)


def _second_step(patch: Patch) -> None:
    original = keeping.state

    def state(run: Run) -> dict[str, Any]:
        saved = original(run)
        _, second = saved["steps"]
        saved["steps"][second] = {**saved["steps"][second], "updating": fresh[second]}
        return saved

    fresh: dict[str, Any] = {}
    begin = Run.start_clock

    def start(run: Run) -> None:
        for step in run.steps:
            fresh.setdefault(step.plan.name, step.updating.state())
        begin(run)

    patch.setattr(keeping, "state", state)
    patch.setattr(Run, "start_clock", start)


# Gradients that do not fit float16 at first, so that updates are left out until they do.
FP16 = {"precision": "fp16", "spoil": lambda number, loss: loss * 100.0}
EMA = {"step": {"ema": 0.9}}
ACCUMULATE = {"accumulate": 3}
PLATEAU = {"schedule": {"kind": "plateau", "patience": 0, "factor": 0.5, "threshold": 0.5}}
# It gets worse after the first epoch, so that what was best lies before the stop.
WORSE = {"optimizer": {"kind": "SGD", "lr": 0.05, "maximize": True}, "patience": 2, "epochs": 9}

# Name: what is left out, with which settings, stopped at which batch.
MUTANTS: dict[str, tuple[Mutant, dict[str, Any], int]] = {
    "weights": (_nothing(checkpoints, "load_networks"), {}, 11),
    "running averages": (_buffers, {}, 11),
    "random state of torch": (_random("torch"), {}, 11),
    "optimizer": (_nothing(torch.optim.Optimizer, "load_state_dict"), {}, 11),
    "what augmentation draws": (_running_chance, {"planned": varied}, 11),
    "second step": (_second_step, {"planned": adversarial}, 11),
    "scaler": (_lost(Updating, {"scaler": None}), FP16, 11),
    "gradients that wait": (_lost(Updating, {"gradients": []}), ACCUMULATE, 11),
    "batches that wait": (_lost(Updating, {"batches": 0}), ACCUMULATE, 11),
    "samples that wait": (_lost(Updating, {"samples": 0}), ACCUMULATE, 11),
    "weights beside their averages": (_raw_weights, EMA, 11),
    "averages beside the weights": (_averages, EMA, 11),
    "count of the averages": (_lost(Averages, {"updates": 0}), EMA, 11),
    "meter": (_nothing(Meter, "load"), {}, 11),
    "meter's samples": (_lost(Meter, {"samples": 0}), {}, 11),
    "meter's queue": (_lost(Meter, {"waiting": []}), {}, 11),
    "metric states": (_lost_metrics, {}, 11),
    "epoch": (_position(epoch=0), {}, 11),
    "batch": (_position(batch=0), {}, 11),
    "step": (_position(step=0), {}, 11),
    "best": (_lost(Best, {"value": None}), WORSE, 11),
    "waited": (_lost(Best, {"waited": 0}), WORSE, 16),
    "plateau": (_lost(Plateau, {"factor": 1.0}), PLATEAU, 18),
}


@pytest.mark.parametrize("item", MUTANTS)
def test_every_item_of_the_state_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, item: str
) -> None:
    mutant, settings, batch = MUTANTS[item]
    if item == "metric states":
        # They are fed every second batch, so that a part has left the queue at the stop.
        monkeypatch.setattr(meters, "PENDING_BATCHES", 2)
    arguments = {"planned": plan, "optimizer": {"kind": "AdamW", "lr": 0.02}, **SIZE, **settings}
    assert differences(path=tmp_path / "right", moments=[Moment(batch)], **arguments) == []
    mutant(monkeypatch)
    found = differences(path=tmp_path / "wrong", moments=[Moment(batch)], **arguments)
    # What the next checkpoint holds does not count here: it must be seen in the training.
    assert set(found) - {"checkpoint"}, found
