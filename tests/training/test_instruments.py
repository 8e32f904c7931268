"""What a look sees, and that training does not notice it."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from netbuilder.app.templates import open_template
from netbuilder.engine import planning
from netbuilder.training.control import Control
from netbuilder.training.loop import train
from netbuilder.training.observing import instruments
from netbuilder.training.observing.instruments import Instruments, describe
from netbuilder.training.observing.watching import FILE, WATCH
from netbuilder.training.plan import Plan
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder


def test_figures_of_a_tensor() -> None:
    tensor = torch.tensor([[0.0, 1.0, -2.0, 0.0], [0.0, 3.0, 2.0, 5.0]])
    told = describe(tensor)
    assert told["shape"] == [2, 4]
    assert told["mean"] == pytest.approx(9 / 8)
    assert told["std"] == pytest.approx(float(tensor.double().std(correction=0)))
    assert (told["min"], told["max"], told["bad"]) == (-2.0, 5.0, 0)
    # Only the first number is 0 in every sample.
    assert told["dead"] == 0.25
    assert sum(told["counts"]) == 8


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(3, 2),
        torch.tensor(2.0),
        torch.empty(0, 4),
        torch.full((2, 2), float("nan")),
        torch.tensor([1, 2, 3]),
        torch.tensor([True, False]),
        torch.tensor([[1.0, float("inf")]]),
    ],
    ids=str,
)
def test_odd_tensors_have_figures_too(tensor: torch.Tensor) -> None:
    told = describe(tensor)
    assert json.dumps(told, allow_nan=False)
    assert told["bad"] == int((~tensor.isfinite()).sum())


def test_a_large_tensor_is_thinned_out_evenly() -> None:
    tensor = torch.arange(3_000_000, dtype=torch.float32).reshape(1000, 3000)
    told = describe(tensor)
    assert told["mean"] == pytest.approx(float(tensor.double().mean()), rel=1e-3)


def small(**training: Any) -> Plan:
    document = open_template("digits_cnn")
    made = planning.make(document)
    values = {"epochs": 1, "steps": 12, "threads": 1, "device": "cpu", **training}
    settings = made.settings.model_copy(update=values)
    return Plan(made.networks, made.steps, made.dataset, settings)


def test_a_look_sees_every_layer() -> None:
    made = small()
    step = made.steps[0]
    batch = {name: made.dataset.train[name][:8] for name in step.fields}
    loss, _, _ = step.module(**batch)
    loss.backward()
    kept = {k: v.clone() for k, v in step.module.state_dict().items()}
    chance = torch.get_rng_state()
    told = Instruments(made.steps, Path("nowhere")).look(batch, 0)
    assert torch.equal(chance, torch.get_rng_state())
    assert all(torch.equal(kept[k], v) for k, v in step.module.state_dict().items())
    document = open_template("digits_cnn")
    network = document.network("main")
    assert network is not None
    nodes = told["nodes"][network.id]
    named = {network.nodes[id].name: entry for id, entry in nodes.items()}
    conv = made.networks["main"].get_parameter("conv1.weight")
    assert conv.grad is not None
    assert named["conv1"]["gradient"] == pytest.approx(float(conv.grad.norm()), rel=1e-5)
    assert named["conv1"]["weight"] == pytest.approx(float(conv.detach().norm()), rel=1e-5)
    assert named["conv1"]["outputs"][0]["shape"] == [8, 16, 8, 8]
    assert "gradient" not in named["relu1"]
    assert named["relu1"]["outputs"][0]["min"] == 0.0
    assert all(entry["ms"] > 0 for entry in named.values())


def trained(folder: Path, *, watched: bool) -> tuple[Plan, list[dict[str, Any]]]:
    """A short training, and the looks that it left."""
    made = small()
    run = RunFolder.create(folder, b"{}")
    seen: list[dict[str, Any]] = []

    def listen(event: Event) -> None:
        if watched:
            (folder / WATCH).touch()
            if (folder / FILE).exists():
                told = json.loads((folder / FILE).read_text())
                if not seen or seen[-1]["step"] != told["step"]:
                    seen.append(told)

    assert train(made, run, Control(), listen).status == "finished"
    return made, seen


def test_a_watched_training_is_the_same_to_the_last_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from netbuilder.training.observing import telling

    monkeypatch.setattr(telling, "TELL_EVERY_S", 0.0)
    monkeypatch.setattr(instruments, "EVERY_S", 0.0)
    monkeypatch.setattr(instruments, "SHARE", 1e9)
    alone, nothing = trained(tmp_path / "alone", watched=False)
    watched, seen = trained(tmp_path / "watched", watched=True)
    assert nothing == []
    assert len(seen) > 3
    assert math.isfinite(seen[-1]["step"])
    ours, theirs = watched.networks["main"].state_dict(), alone.networks["main"].state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not (tmp_path / "alone" / FILE).exists()


def test_an_old_wish_is_none(tmp_path: Path) -> None:
    looking = Instruments([], tmp_path)
    assert not looking.due()
    watch = tmp_path / WATCH
    watch.touch()
    os.utime(watch, (time.time() - 3600, time.time() - 3600))
    assert not looking.due()
    watch.touch()
    assert looking.due()


def test_a_look_that_fails_ends_the_looks_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = Instruments([], tmp_path)
    (tmp_path / WATCH).touch()

    def fail(*arguments: object) -> dict[str, Any]:
        raise ValueError("broken")

    monkeypatch.setattr(looking, "look", fail)
    looking.tell({}, 0, 1)
    assert not looking.due()
    assert not (tmp_path / FILE).exists()
