"""Optimizers against torch.optim, schedules against torch.optim.lr_scheduler."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import nn

from netbuilder.errors import NetbuilderError
from netbuilder.training.optimisation import optimizers
from netbuilder.training.optimisation.stepping import Stepper
from netbuilder.training.settings import OptimizerSettings, ScheduleSettings, read_step

OPTIMIZERS: list[dict[str, Any]] = [
    {"kind": "SGD"},
    {"kind": "SGD", "lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
    {"kind": "SGD", "lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True},
    {"kind": "Adam"},
    {"kind": "Adam", "lr": 0.1, "betas": [0.8, 0.9], "eps": 1e-3, "weight_decay": 0.1},
    {"kind": "AdamW"},
    {"kind": "AdamW", "lr": 0.1, "amsgrad": True, "maximize": True},
]


def settings_of(**settings: Any) -> OptimizerSettings:
    return read_step({"optimizer": settings}).optimizer


def made(settings: dict[str, Any], weights: list[nn.Parameter]) -> torch.optim.Optimizer:
    return optimizers.make(settings_of(**settings), [{"params": weights}])[0]


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(1)
    return [nn.Parameter(torch.randn(size, generator=generator)) for size in [(5, 3), (5,), (2, 2)]]


def set_gradients(weights: list[nn.Parameter], number: int) -> None:
    generator = torch.Generator().manual_seed(number)
    for weight in weights:
        weight.grad = torch.randn(weight.shape, generator=generator)


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
def test_defaults_and_names_are_those_of_torch(settings: dict[str, Any]) -> None:
    kind = getattr(torch.optim, settings["kind"])
    options = {k: v for k, v in settings.items() if k != "kind"}
    theirs = kind(parameters(), **options).param_groups[0]
    ours = made(settings, parameters()).param_groups[0]
    for name in settings_of(**settings).model_dump(exclude={"kind"}):
        value = ours[name]
        assert (list(value) if isinstance(value, tuple) else value) == (
            list(theirs[name]) if isinstance(theirs[name], tuple) else theirs[name]
        )


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("event", ["none", "gap", "reload", "rate"])
def test_steps_are_those_of_torch_to_the_last_bit(settings: dict[str, Any], event: str) -> None:
    ours, theirs = parameters(), parameters()
    our = made(settings, ours)
    their = made(settings, theirs)
    stepper = Stepper(our)
    for number in range(12):
        set_gradients(ours, number)
        set_gradients(theirs, number)
        if event == "gap" and number in (4, 5, 9):
            ours[1].grad = theirs[1].grad = None
        if event == "rate":
            our.param_groups[0]["lr"] = their.param_groups[0]["lr"] = 0.1 / (number + 1)
        stepper.step()
        their.step()
        if event == "reload" and number == 6:
            our.load_state_dict(our.state_dict())
            stepper.forget()
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True)), number
    left, right = our.state_dict()["state"], their.state_dict()["state"]
    assert {k: {n: v.tolist() for n, v in s.items() if v is not None} for k, s in left.items()} == {
        k: {n: v.tolist() for n, v in s.items() if v is not None} for k, s in right.items()
    }


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
def test_most_steps_take_the_short_way(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = parameters()
    optimizer = made(settings, weights)
    long_way: list[int] = []
    original = optimizer.step

    def step() -> None:
        long_way.append(1)
        original()

    monkeypatch.setattr(optimizer, "step", step)
    stepper = Stepper(optimizer)
    for number in range(5):
        set_gradients(weights, number)
        stepper.step()
    assert len(long_way) == 1


def schedule_of(**settings: Any) -> ScheduleSettings:
    return read_step({"schedule": settings}).schedule


@pytest.mark.parametrize(
    ("settings", "kind", "options"),
    [
        ({"kind": "cosine"}, "CosineAnnealingLR", {"T_max": 20}),
        ({"kind": "cosine", "T_max": 25, "eta_min": 0.01}, None, {"T_max": 25, "eta_min": 0.01}),
        ({"kind": "step", "step_size": 3, "gamma": 0.5}, "StepLR", {"step_size": 3, "gamma": 0.5}),
    ],
)
def test_schedules_are_those_of_torch_at_whole_epochs(
    settings: dict[str, Any], kind: str | None, options: dict[str, Any]
) -> None:
    optimizer = torch.optim.SGD(parameters(), lr=0.4)
    theirs = getattr(torch.optim.lr_scheduler, kind or "CosineAnnealingLR")(optimizer, **options)
    for epoch in range(20):
        rate = optimizers.learning_rate(schedule_of(**settings), 0.4, float(epoch), 20.0)
        assert rate == pytest.approx(theirs.get_last_lr()[0], rel=1e-6)
        optimizer.step()
        theirs.step()


def test_warm_up_rises_to_the_rate() -> None:
    schedule = schedule_of(kind="none", warmup=2.0)
    rates = [optimizers.learning_rate(schedule, 0.4, epoch, 10.0) for epoch in (0, 0.5, 1, 2, 9)]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.4, 0.4])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"optimizer": {"kind": "adm"}}, "no optimizer 'adm'. Did you mean Adam?"),
        ({"schedule": {"kind": "cosines"}}, "no schedule 'cosines'. Did you mean cosine?"),
        ({"optimizer": {"kind": "SGD", "lr": -1.0}}, "optimizer.SGD.lr"),
        ({"optimizer": {"kind": "SGD", "betas": [0.1, 0.2]}}, "optimizer.SGD.betas"),
        ({"optimizer": {"kind": "Adam", "lr": "0.1"}}, "optimizer.Adam.lr"),
        ({"schedule": {"kind": "step", "gamma": 0.0}}, "schedule.step.gamma"),
        ({"every": 0}, "every"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(NetbuilderError, match=re.escape(text)):
        read_step(settings, "train")
