"""Schedules against torch.optim.lr_scheduler, at whole epochs."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from netbuilder.training.optimisation.schedule_settings import PlateauSettings, ScheduleSettings
from netbuilder.training.optimisation.schedules import Plateau, learning_rate, troubles
from netbuilder.training.settings import read_step

EPOCHS = 30
BASE = 0.4


def schedule_of(kind: str, **settings: Any) -> ScheduleSettings:
    return read_step({"schedule": {"kind": kind, **settings}}).schedule


def ours(settings: ScheduleSettings) -> list[float]:
    return [learning_rate(settings, BASE, float(epoch), float(EPOCHS)) for epoch in range(EPOCHS)]


def theirs(kind: str, **options: Any) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=BASE)
    schedule = getattr(lr_scheduler, kind)(optimizer, **options)
    rates = []
    for _ in range(EPOCHS):
        rates.append(float(schedule.get_last_lr()[0]))
        optimizer.step()
        schedule.step()
    return rates


CASES: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"kind": "none"}, "ConstantLR", {"factor": 1.0}),
    (
        {"kind": "linear"},
        "LinearLR",
        {"start_factor": 1.0, "end_factor": 0.0, "total_iters": EPOCHS},
    ),
    (
        {"kind": "linear", "start_factor": 0.25, "end_factor": 0.75, "total_iters": 12.0},
        "LinearLR",
        {"start_factor": 0.25, "end_factor": 0.75, "total_iters": 12},
    ),
    ({"kind": "exponential", "gamma": 0.9}, "ExponentialLR", {"gamma": 0.9}),
    ({"kind": "step", "step_size": 7, "gamma": 0.5}, "StepLR", {"step_size": 7, "gamma": 0.5}),
    (
        {"kind": "multistep", "milestones": [20, 5, 5], "gamma": 0.5},
        "MultiStepLR",
        {"milestones": [5, 5, 20], "gamma": 0.5},
    ),
    ({"kind": "cosine"}, "CosineAnnealingLR", {"T_max": EPOCHS}),
    (
        {"kind": "cosine", "T_max": 40.0, "eta_min": 0.01},
        "CosineAnnealingLR",
        {"T_max": 40, "eta_min": 0.01},
    ),
    ({"kind": "cosine_restarts", "T_0": 7.0}, "CosineAnnealingWarmRestarts", {"T_0": 7}),
    (
        {"kind": "cosine_restarts", "T_0": 3.0, "T_mult": 2, "eta_min": 0.02},
        "CosineAnnealingWarmRestarts",
        {"T_0": 3, "T_mult": 2, "eta_min": 0.02},
    ),
    (
        {"kind": "cosine_restarts", "T_0": 1.0, "T_mult": 3},
        "CosineAnnealingWarmRestarts",
        {"T_0": 1, "T_mult": 3},
    ),
    ({"kind": "polynomial"}, "PolynomialLR", {"total_iters": EPOCHS}),
    (
        {"kind": "polynomial", "total_iters": 12.0, "power": 2.0},
        "PolynomialLR",
        {"total_iters": 12, "power": 2.0},
    ),
    *(
        (
            {
                "kind": "cyclic",
                "base_lr": 0.1,
                "step_size_up": 4.0,
                "step_size_down": 3.0,
                "mode": mode,
                "gamma": 0.9,
            },
            "CyclicLR",
            {
                "base_lr": 0.1,
                "max_lr": BASE,
                "step_size_up": 4,
                "step_size_down": 3,
                "mode": mode,
                "gamma": 0.9,
                "cycle_momentum": False,
            },
        )
        for mode in ("triangular", "triangular2", "exp_range")
    ),
]


@pytest.mark.parametrize(("settings", "kind", "options"), CASES, ids=str)
def test_it_is_torchs_at_whole_epochs(
    settings: dict[str, Any], kind: str, options: dict[str, Any]
) -> None:
    assert ours(schedule_of(**settings)) == pytest.approx(
        theirs(kind, **options), rel=1e-6, abs=1e-9
    )


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("three", [False, True])
def test_one_cycle_is_torchs(strategy: str, three: bool) -> None:
    # PyTorch's cycle has EPOCHS points, so EPOCHS - 1 ways between them; its top is at
    # pct_start * EPOCHS - 1.
    start, last = 0.3, EPOCHS - 1
    settings = schedule_of(
        "onecycle",
        pct_start=(start * EPOCHS - 1) / last,
        anneal_strategy=strategy,
        div_factor=10.0,
        final_div_factor=100.0,
        three_phase=three,
    )
    expected = theirs_one_cycle(
        pct_start=start,
        anneal_strategy=strategy,
        div_factor=10.0,
        final_div_factor=100.0,
        three_phase=three,
    )
    rates = [learning_rate(settings, BASE, float(epoch), float(last)) for epoch in range(EPOCHS)]
    assert rates == pytest.approx(expected, rel=1e-6)


def theirs_one_cycle(**options: Any) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=BASE)
    schedule = lr_scheduler.OneCycleLR(
        optimizer, BASE, total_steps=EPOCHS, cycle_momentum=False, **options
    )
    rates = [float(schedule.get_last_lr()[0])]
    for _ in range(EPOCHS - 1):
        optimizer.step()
        schedule.step()
        rates.append(float(schedule.get_last_lr()[0]))
    return rates


def test_inverse_square_root_is_that_of_the_transformers() -> None:
    settings = schedule_of("inverse_sqrt", warmup=4.0)
    for epoch in (0.5, 1.0, 4.0, 9.0, 16.0):
        expected = BASE * min(epoch / 4.0, math.sqrt(4.0 / epoch))
        assert learning_rate(settings, BASE, epoch, 30.0) == pytest.approx(expected)


def test_warm_up_multiplies() -> None:
    schedule = schedule_of("none", warmup=2.0, warmup_factor=0.5)
    rates = [learning_rate(schedule, 0.4, epoch, 10.0) for epoch in (0, 1, 2, 9)]
    assert rates == pytest.approx([0.2, 0.3, 0.4, 0.4])
    schedule = schedule_of("linear", warmup=4.0)
    assert learning_rate(schedule, 0.4, 2.0, 10.0) == pytest.approx(0.4 * 0.8 * 0.5)


@pytest.mark.parametrize("kind", sorted({case[0]["kind"] for case in CASES} | {"onecycle"}))
def test_inside_an_epoch_it_is_a_number_and_never_negative(kind: str) -> None:
    settings = schedule_of(kind)
    for position in range(30 * 16 + 1):
        rate = learning_rate(settings, BASE, position / 16, 30.0)
        assert 0.0 <= rate <= BASE * (1 + 1e-12)


PLATEAUS: list[dict[str, Any]] = [
    {},
    {"patience": 1, "factor": 0.5},
    {"patience": 0, "cooldown": 2, "factor": 0.3},
    {"patience": 1, "threshold": 0.2, "threshold_mode": "abs"},
    {"patience": 1, "threshold": 0.2},
    {"patience": 0, "factor": 0.1, "min_lr": 0.05},
    {"patience": 0, "factor": 0.1, "eps": 0.1},
]


@pytest.mark.parametrize("larger", [False, True])
@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_a_plateau_is_torchs(options: dict[str, Any], larger: bool) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=BASE)
    their = lr_scheduler.ReduceLROnPlateau(optimizer, mode="max" if larger else "min", **options)
    settings = PlateauSettings(kind="plateau", **options)
    our = Plateau(settings)
    generator = torch.Generator().manual_seed(5)
    for epoch in range(60):
        value = float(torch.rand((), generator=generator)) + (epoch if larger else -epoch) * 0.03
        if epoch == 7:
            value = math.nan
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            their.step(value)
        our.offer(value, BASE, larger_is_better=larger)
        assert our.rate(BASE) == pytest.approx(float(optimizer.param_groups[0]["lr"])), epoch
        state = our.state()
        our = Plateau(settings)
        our.load(state)


@pytest.mark.parametrize("left_out", ["best", "waited", "cooling", "factor"])
def test_every_part_of_a_plateaus_state_counts(left_out: str) -> None:
    settings = PlateauSettings(kind="plateau", patience=1, cooldown=2, factor=0.5)

    def run(forget: str) -> list[float]:
        plateau, rates = Plateau(settings), []
        fresh = plateau.state()
        values = [3.0, 2.0, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5]
        for epoch, value in enumerate(values):
            plateau.offer(value, 1.0, larger_is_better=False)
            rates.append(plateau.rate(1.0))
            if forget and epoch in (2, 3):
                state = {**plateau.state(), forget: fresh[forget]}
                plateau = Plateau(settings)
                plateau.load(state)
        return rates

    assert run("") != run(left_out)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"kind": "none", "warmup": 5.0}, "warm-up of 5 epochs is longer than the run of 3"),
        ({"kind": "cosine", "T_max": 9.0}, "ends before T_max"),
        ({"kind": "step", "step_size": 10}, "ends before step_size"),
        ({"kind": "multistep"}, "ends before the first of milestones"),
    ],
)
def test_what_a_short_run_cannot_reach_is_told(settings: dict[str, Any], text: str) -> None:
    (told,) = troubles(schedule_of(**settings), 3.0)
    assert text in told
    assert not troubles(schedule_of(**settings), 20.0)
