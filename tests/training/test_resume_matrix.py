"""Whatever a run trains with and whenever it is interrupted: it goes on exactly, with ==."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from netbuilder.training.plan import Plan
from tests.training.resuming import SIZE, Moment, adversarial, differences
from tests.training.standins import plan

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"kind": "SGD", "lr": 0.05, "momentum": 0.9, "nesterov": True},
    "Adam": {"kind": "Adam", "lr": 0.02, "amsgrad": True},
    "AdamW": {"kind": "AdamW", "lr": 0.02},
    "RMSprop": {"kind": "RMSprop", "lr": 0.01, "momentum": 0.5, "centered": True},
    "NAdam": {"kind": "NAdam", "lr": 0.02},
    "Adagrad": {"kind": "Adagrad", "lr": 0.05},
    "Muon": {"kind": "Muon", "lr": 0.02},
}


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def normalised() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def dropped() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3))


PARTS = {"parts": [{"part": "main.0", "frozen": True}, {"part": "main.4", "lr": 0.3}]}
FEATURES: dict[str, tuple[Callable[..., Plan], dict[str, Any]]] = {
    "plain": (plan, {"make": plain}),
    "batchnorm": (plan, {"make": normalised}),
    "dropout": (plan, {"make": dropped}),
    "ema": (plan, {"step": {"ema": 0.9}}),
    "bf16": (plan, {"precision": "bf16"}),
    "fp16": (plan, {"precision": "fp16"}),
    "accumulate": (plan, {"accumulate": 3}),
    "clip": (plan, {"step": {"clip_norm": 0.5, "clip_value": 0.2}}),
    "parts": (plan, {"step": PARTS}),
    "gan": (adversarial, {}),
    "everything": (
        plan,
        {
            "accumulate": 2,
            "precision": "fp16",
            "step": {"ema": 0.9, "clip_norm": 0.5, **PARTS},
            "schedule": {"kind": "cosine", "warmup": 1.0},
            "patience": 2,
        },
    ),
    "gan, all": (adversarial, {"ema": 0.8, "every": 3, "accumulate": 2, "precision": "bf16"}),
}
# Seven batches an epoch; with accumulation of 3 or 2, no update is at the fifth.
MOMENTS: dict[str, list[Moment]] = {
    "inside": [Moment(11)],
    "border": [Moment(7)],
    "validation": [Moment(14, validating=True)],
    "last batch": [Moment(21)],
    "twice": [Moment(4), Moment(13)],
    "killed": [Moment(12, killed=True)],
    "killed early": [Moment(2, killed=True)],
    "killed in validation": [Moment(14, killed=True, validating=True)],
    "killed, stopped, killed": [Moment(6, killed=True), Moment(12), Moment(17, killed=True)],
}
COVERING = {
    # Every optimizer, feature and moment, and each feature inside an epoch and killed.
    *product(["AdamW"], FEATURES, ["inside", "killed"]),
    *product(["SGD"], ["everything", "gan, all"], MOMENTS),
    *product(OPTIMIZERS, ["everything"], ["twice", "killed in validation"]),
    *product(["RMSprop"], ["accumulate", "ema", "fp16"], ["validation", "border"]),
}
EVERYTHING = set(product(OPTIMIZERS, FEATURES, MOMENTS))


def check(tmp_path: Path, optimizer: str, feature: str, moment: str) -> None:
    make, arguments = FEATURES[feature]
    # Of the killed ones most have their last checkpoint between two updates.
    common = {**SIZE, "checkpoint_steps": 5, "optimizer": OPTIMIZERS[optimizer]}
    found = differences(make, tmp_path, MOMENTS[moment], **{**common, **arguments})
    assert found == []


@pytest.mark.parametrize(("optimizer", "feature", "moment"), sorted(COVERING))
def test_goes_on_exactly(tmp_path: Path, optimizer: str, feature: str, moment: str) -> None:
    check(tmp_path, optimizer, feature, moment)


@pytest.mark.nightly
@pytest.mark.parametrize(("optimizer", "feature", "moment"), sorted(EVERYTHING - COVERING))
def test_every_combination(tmp_path: Path, optimizer: str, feature: str, moment: str) -> None:
    check(tmp_path, optimizer, feature, moment)
