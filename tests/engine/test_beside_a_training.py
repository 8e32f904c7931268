"""What the worker does beside a training leaves the training's chance alone."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from netbuilder.app.templates import open_template
from netbuilder.engine import jobs, tasks
from netbuilder.storage import format
from netbuilder.training import randomness
from netbuilder.training.own_chance import OwnChance
from tests.training.standins import losses, plan
from tests.training.standins import run as train

IMAGE = [[[[0.0] * 8] * 8]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "a"
    tasks.train(open_template("digits_mlp"), path, overrides={"training.steps": 2})
    return path


def _seeded(*args: object) -> None:
    raise AssertionError("chance of the whole process was seeded, or its threads changed")


def drawn() -> list[bytes]:
    """Where the generators of the process are."""
    numpy: Any = np.random.get_state(legacy=True)
    return [
        torch.get_rng_state().numpy().tobytes(),
        numpy[1].tobytes() + bytes(str(numpy[2]), "ascii"),
        repr(random.getstate()).encode(),
    ]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("export", {"to": "code"}),
        ("export", {"to": "code", "run": True}),
        ("export", {"to": "onnx"}),
        ("predict", {"run": True, "inputs": {"image": IMAGE}}),
        ("summary", {}),
        ("carry", {}),
        ("analyse", {}),
        ("sample", {"data": {"source": "netbuilder.Digits"}}),
        ("help", {"layer": "torch.nn.Linear"}),
        ("weigh_classes", {}),
    ],
    ids=[
        "untrained",
        "of a run",
        "as onnx",
        "predict",
        "summary",
        "carry",
        "analyse",
        "sample",
        "help",
        "weigh",
    ],
)
def test_no_job_touches_the_chance_of_the_process(
    method: str,
    params: Mapping[str, Any],
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {"project": format.to_json(open_template("digits_mlp"))}
    given |= {key: str(run) if value is True else value for key, value in params.items()}
    if method == "export":
        given |= {"out": str(tmp_path / "out.py")}
    if method == "carry":
        given |= {"from": {"run": str(run)}}
    for name in ("seed_all", "load", "_seed_torch"):
        monkeypatch.setattr(randomness, name, _seeded)
    for module, name in ((torch, "manual_seed"), (torch, "set_rng_state"), (random, "seed")):
        monkeypatch.setattr(module, name, _seeded)
    monkeypatch.setattr(torch, "set_num_threads", _seeded)
    before = drawn()
    if method == "export":
        jobs.export(given, threading.Event())
    else:
        {**jobs.JOBS, "analyse": jobs.analyse}[method](given)
    assert drawn() == before


def test_losses_are_the_same_with_jobs_on_another_thread(run: Path, tmp_path: Path) -> None:
    project = format.to_json(open_template("digits_mlp"))
    ended: list[str] = []

    def work() -> None:
        out = {"to": "code", "out": str(tmp_path / "out.py")}
        jobs.export({"project": project, **out}, threading.Event())
        jobs.JOBS["predict"]({"run": str(run), "inputs": {"image": IMAGE}})
        ended.append("well")

    def meanwhile(number: int, loss: torch.Tensor) -> torch.Tensor:
        if number in (2, 5):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        return loss

    alone, beside = plan(batch_size=7), plan(batch_size=7, spoil=meanwhile)
    train(alone, tmp_path / "alone")
    train(beside, tmp_path / "beside")
    assert ended == ["well", "well"]
    assert losses(beside) == losses(alone)


def draws() -> list[torch.Tensor]:
    some = torch.ones(4, 4)
    return [
        nn.Linear(3, 3).weight.detach(),
        next(nn.LSTM(3, 4).parameters()).detach(),
        nn.init.orthogonal_(torch.empty(4, 4)),
        nn.init.trunc_normal_(torch.empty(4)),
        torch.rand(3),
        torch.randn(3, 2),
        torch.randint(0, 9, (5,)),
        torch.randint(9, (5,)),
        torch.randperm(7),
        torch.rand_like(some),
        torch.randn_like(some),
        torch.randint_like(some, 9),
        torch.randint_like(some, 3, 9),
        torch.bernoulli(some / 2),
        torch.multinomial(some[0], 3),
        torch.normal(0.0, 1.0, (3,)),
        torch.normal(some, some),
        torch.empty(3).exponential_(),
        nn.functional.dropout(some),
        nn.functional.gumbel_softmax(some),
    ]


def test_own_chance_is_that_of_a_seeded_process() -> None:
    randomness.seed_all(3)
    wanted = draws()
    randomness.seed_all(11)
    before = torch.get_rng_state()
    with OwnChance(3):
        found = draws()
    assert all(torch.equal(a, b) for a, b in zip(wanted, found, strict=True))
    assert torch.equal(torch.get_rng_state(), before)
