"""`--set`: what it changes, and what it says to a wrong key or value."""

from __future__ import annotations

from typing import Any

import pytest

from netbuilder.app.templates import open_template
from netbuilder.engine import overrides
from netbuilder.engine.overrides import OverrideError
from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document
from netbuilder.training.optimisation.optimizer_settings import OptimizerSettings, kinds
from netbuilder.training.optimisation.schedule_settings import ScheduleSettings


@pytest.fixture(scope="module")
def document() -> Document:
    return open_template("digits_cnn")


def step_settings(document: Document) -> Any:
    return document.of_kind("step")[0].info.settings


def test_nothing_set_is_the_same_project(document: Document) -> None:
    assert overrides.apply(document, {}) == document


def test_each_kind_of_key_lands_in_its_place(document: Document) -> None:
    before = document.copy()
    changed = overrides.apply(
        document,
        {
            "training.batch_size": 32,
            "data.validation": 0.3,
            "train.optimizer.lr": 0.01,
            "train.every": 2,
            "main.conv1.out_channels": 16,
        },
    )
    assert document == before
    assert changed.project.training["batch_size"] == 32
    assert changed.project.training["epochs"] == before.project.training["epochs"]
    assert changed.project.data["validation"] == 0.3
    settings = step_settings(changed)
    assert settings["optimizer"] == {**step_settings(before)["optimizer"], "lr": 0.01}
    assert settings["every"] == 2
    network = changed.network("main")
    assert network is not None
    node = network.named("conv1")
    assert node is not None
    assert node.params["out_channels"] == 16


def test_a_step_without_settings_takes_the_defaults_for_the_rest() -> None:
    changed = overrides.apply(
        open_template("digits_cnn"), {"train.schedule.kind": "step", "train.schedule.gamma": 0.5}
    )
    assert step_settings(changed)["schedule"] == {"kind": "step", "gamma": 0.5}


def test_another_optimizer_keeps_what_it_understands(document: Document) -> None:
    values = {"train.optimizer.betas": (0.8, 0.9), "train.optimizer.kind": "SGD"}
    changed = overrides.apply(document, values)
    optimizer = step_settings(changed)["optimizer"]
    assert optimizer["kind"] == "SGD"
    assert "lr" in optimizer
    assert "betas" not in optimizer
    with_momentum = overrides.apply(changed, {"train.optimizer.momentum": 0.9})
    assert step_settings(with_momentum)["optimizer"]["momentum"] == 0.9


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("trainin.epochs", "training"),
        ("training", "training.epochs"),
        ("training.epoch", "Did you mean training.epochs?"),
        ("data.validatoin", "Did you mean data.validation?"),
        ("train.optimizr.lr", "train.optimizer.lr"),
        ("train.optimizer.momentum", "train.optimizer.weight_decay"),
        ("train.lr", "train.optimizer.lr"),
        ("main.conv9.out_channels", "main.conv1"),
        ("main.conv1.channels", "main.conv1.out_channels"),
        ("main.conv1", "main.conv1.out_channels"),
        ("", "training"),
    ],
)
def test_a_wrong_key_is_answered_with_the_possible_ones(
    document: Document, key: str, words: str
) -> None:
    with pytest.raises(OverrideError) as caught:
        overrides.apply(document, {key: 1})
    assert words in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training.epochs", 0),
        ("training.epochs", "many"),
        ("training.device", "tpu"),
        ("data.validation", 1.5),
        ("data.params", 5),
        ("data.source", 5),
        ("train.optimizer.lr", "fast"),
        ("train.every", 0),
        ("train.updates", 7),
    ],
)
def test_a_wrong_value_is_refused_in_words(document: Document, key: str, value: Any) -> None:
    with pytest.raises(NetbuilderError) as caught:
        overrides.apply(document, {key: value})
    assert key.split(".")[-1] in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("train.optimizer.kind", "Adm", "There is no optimizer 'Adm'. Did you mean Adam?"),
        ("train.schedule.kind", "Cosine", "There is no schedule 'Cosine'. Did you mean cosine?"),
    ],
)
def test_a_wrong_kind_is_answered_with_the_nearest(
    document: Document, key: str, value: Any, words: str
) -> None:
    with pytest.raises(OverrideError) as caught:
        overrides.apply(document, {key: value})
    assert words in f"{caught.value} {caught.value.hint}"


def test_every_kind_can_be_set(document: Document) -> None:
    for name, union in (("optimizer", OptimizerSettings), ("schedule", ScheduleSettings)):
        for kind in kinds(union):
            changed = overrides.apply(document, {f"train.{name}.kind": kind})
            assert step_settings(changed)[name]["kind"] == kind
