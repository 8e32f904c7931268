"""Steps that run from one epoch to another, and at every n-th batch."""

from __future__ import annotations

import torch
from torch import nn

from netbuilder.training.plan import Plan, StepPlan
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
