"""Steps that run from one epoch to another, and at every n-th batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from netbuilder.training.control import Control
from netbuilder.training.loop import train
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.settings import StepSettings
from netbuilder.training.steps import Step
from tests.training import standins


def step(**settings: object) -> Step:
    values = {"updates": ["main"], "optimizer": {"kind": "SGD", "lr": 1.0}, **settings}
    network = nn.Linear(2, 1)
    plan = StepPlan(
        "train", network, (), ("main",), StepSettings.model_validate_json(_json(values))
    )
    return Step(Plan({"main": network}, (plan,), standins.dataset()), plan, torch.device("cpu"))


def _json(values: object) -> str:
    import json

    return json.dumps(values)


def due(made: Step, epochs: int, batches: int = 2) -> list[tuple[int, int]]:
    places = [(number // batches, number) for number in range(epochs * batches)]
    return [place for place in places if made.is_due(*place)]


def test_a_step_runs_from_its_first_epoch_to_its_last() -> None:
    assert due(step(), 2) == [(0, 0), (0, 1), (1, 2), (1, 3)]
    assert due(step(first_epoch=2, last_epoch=2), 4) == [(1, 2), (1, 3)]
    assert due(step(first_epoch=3), 4) == [(2, 4), (2, 5), (3, 6), (3, 7)]
    assert due(step(last_epoch=1), 3) == [(0, 0), (0, 1)]
    assert due(step(first_epoch=2, every=2), 3) == [(1, 2), (2, 4)]


def test_a_schedule_begins_and_ends_with_the_epochs_of_its_step() -> None:
    made = step(first_epoch=3, last_epoch=6, schedule={"kind": "cosine"})
    rates = []
    for epoch in (0.0, 2.0, 4.0, 6.0, 9.0):
        made.set_rate(epoch, 10.0)
        rates.append(round(made.rate, 6))
    assert rates == [1.0, 1.0, 0.5, 0.0, 0.0]


def two(epochs: int, **second: object) -> Plan:
    """A plan whose second step has these settings; both train networks of their own."""
    first = standins.plan(epochs=epochs, batch_size=16)
    (one,) = first.steps
    network = standins.network()
    settings = one.settings.model_copy(update=second)
    other = replace(
        one, name="later", module=standins.Classify(network), updates=("other",), settings=settings
    )
    return replace(first, networks={**first.networks, "other": network}, steps=(one, other))


def test_a_step_changes_nothing_before_its_first_epoch(tmp_path: Path) -> None:
    plan = two(3, first_epoch=3)
    seen: list[Event] = []
    states = []

    def hear(event: Event) -> None:
        seen.append(event)
        if event.event == "epoch":
            states.append([p.clone() for p in plan.networks["other"].parameters()])

    result = train(plan, RunFolder.create(tmp_path / "run", b"{}"), Control(), hear)
    assert result.status == "finished", result.error
    one, two_, three = states
    assert all(torch.equal(a, b) for a, b in zip(one, two_, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(two_, three, strict=True))
    told = [set(event.values) for event in seen if event.event == "epoch"]
    assert "val/later/loss" not in told[0] | told[1]
    assert {"val/later/loss", "train/later/loss"} <= told[2]
    # The monitored metric is that of the last step: only its own epochs count.
    assert result.best is not None
    assert result.best["monitor"] == "val/later/loss"
    assert result.best["epoch"] == 3


def test_epochs_before_the_monitored_step_are_not_waited_for(tmp_path: Path) -> None:
    plan = two(4, first_epoch=4)
    plan = replace(plan, settings=plan.settings.model_copy(update={"patience": 1}))
    result = train(plan, RunFolder.create(tmp_path / "run", b"{}"), Control(), lambda event: None)
    assert result.epochs == 4


def test_a_run_may_end_before_the_monitored_step_begins(tmp_path: Path) -> None:
    plan = two(2, first_epoch=5)
    result = train(plan, RunFolder.create(tmp_path / "run", b"{}"), Control(), lambda event: None)
    assert (result.status, result.best) == ("finished", None)
