"""A resumed run is exact for every optimizer and every schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from netbuilder.training.control import Control
from netbuilder.training.optimisation import optimizers
from netbuilder.training.optimisation.optimizer_settings import OptimizerSettings, kinds
from netbuilder.training.optimisation.schedule_settings import PlateauSettings, ScheduleSettings
from netbuilder.training.optimisation.schedules import Plateau
from netbuilder.training.optimisation.updating import Updating
from tests.training.standins import losses, plan, run, same, weights
from tests.training.test_resume import SIZE, resumed_differs

# Away from the defaults where those keep no state, and with rates at which it moves.
OPTIMIZERS: dict[str, dict[str, Any]] = {
    **{kind: {"lr": 0.02} for kind in kinds(OptimizerSettings)},
    "SGD": {"lr": 0.05, "momentum": 0.9, "dampening": 0.1},
    "RMSprop": {"lr": 0.01, "momentum": 0.9, "centered": True},
    "ASGD": {"lr": 0.05, "t0": 5.0},
    "LBFGS": {"lr": 0.1, "max_iter": 1},
    "Muon": {"lr": 0.02, "momentum": 0.9},
}
SCHEDULES: dict[str, dict[str, Any]] = {
    **{kind: {} for kind in kinds(ScheduleSettings)},
    "step": {"step_size": 1},
    "none": {"warmup": 2.0, "warmup_factor": 0.1},
    "multistep": {"milestones": [1, 2]},
    "cosine_restarts": {"T_0": 1.0, "T_mult": 2},
    "cyclic": {"step_size_up": 0.5, "mode": "triangular2"},
    "plateau": {"patience": 0, "factor": 0.5, "cooldown": 1, "threshold": 0.5},
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_optimizer(tmp_path: Path, kind: str) -> None:
    optimizer = {"kind": kind, **OPTIMIZERS[kind]}
    assert resumed_differs(tmp_path, [10], optimizer=optimizer, **SIZE) == []


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_schedule(tmp_path: Path, kind: str) -> None:
    arguments = {"optimizer": {"kind": "SGD", "lr": 0.05}, **SIZE}
    schedule = {"kind": kind, **SCHEDULES[kind]}
    assert resumed_differs(tmp_path, [10, 24], schedule=schedule, **arguments) == []


# -- the test of the test ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in OPTIMIZERS if kind != "SGD"])
def test_every_optimizer_has_a_state_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(Updating, "load", lambda self, state: None)
    optimizer = {"kind": kind, **OPTIMIZERS[kind]}
    assert resumed_differs(tmp_path, [10], optimizer=optimizer, **SIZE) != []


def _rates_begin_anew(patch: pytest.MonkeyPatch) -> None:
    original = optimizers.learning_rate

    def rate(settings: Any, base: float, epoch: float, epochs: float) -> float:
        # The third training is the resumed one.
        return original(settings, base, max(0.0, epoch - 1.5 * (len(made) > 2)), epochs)

    anew = optimizers.make

    def make(*arguments: Any, **named: Any) -> Any:
        made.append(1)
        return anew(*arguments, **named)

    made: list[int] = []
    patch.setattr(optimizers, "learning_rate", rate)
    patch.setattr(optimizers, "make", make)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_schedule_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    arguments = {"optimizer": {"kind": "SGD", "lr": 0.05}, **SIZE}
    schedule = {"kind": kind, **SCHEDULES[kind]}
    if kind == "plateau":
        monkeypatch.setattr(Plateau, "load", lambda self, state: None)
    else:
        _rates_begin_anew(monkeypatch)
    assert resumed_differs(tmp_path, [13], schedule=schedule, **arguments) != []


@pytest.mark.parametrize("item", ["best", "waited", "cooling", "factor"])
def test_every_item_of_a_plateau_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, item: str
) -> None:
    original = Plateau.state
    schedule = {"kind": "plateau", "patience": 1, "factor": 0.5, "cooldown": 2, "threshold": 0.9}
    empty = original(Plateau(PlateauSettings.model_validate(schedule)))

    def state(self: Plateau) -> dict[str, Any]:
        return {**original(self), item: empty[item]}

    arguments = {"optimizer": {"kind": "SGD", "lr": 0.05}, **SIZE, "epochs": 9}
    stop = {"best": 10, "waited": 17, "cooling": 24, "factor": 24}[item]
    assert resumed_differs(tmp_path / "right", [stop], schedule=schedule, **arguments) == []
    monkeypatch.setattr(Plateau, "state", state)
    assert resumed_differs(tmp_path / "wrong", [stop], schedule=schedule, **arguments) != []


class Look(nn.Module):
    """The number that the signs of a sample's four numbers spell."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return ((x > 0).long() * torch.tensor([1, 2, 4, 8])).sum(dim=1)


def words() -> nn.Sequential:
    return nn.Sequential(nn.Sequential(Look()), nn.Embedding(16, 6, sparse=True), nn.Linear(6, 3))


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("kind", ["SparseAdam", "Adagrad", "SGD"])
def test_sparse_gradients(tmp_path: Path, kind: str) -> None:
    whole, parts = (plan(make=words, optimizer={"kind": kind, "lr": 0.05}, **SIZE) for _ in "ab")
    control = Control()
    run(whole, tmp_path / "whole")
    run(parts, tmp_path / "parts", control=control, listen=lambda event: control.stop())
    rest = plan(make=words, optimizer={"kind": kind, "lr": 0.05}, **SIZE)
    assert losses(parts) != losses(whole)
    run(rest, tmp_path / "parts", resume=True)
    assert losses(parts) + losses(rest) == losses(whole)
    assert same(weights(rest), weights(whole))
