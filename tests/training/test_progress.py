"""A number that rises with its training step: over its own epochs, and on after a stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import netbuilder as nb
from netbuilder.parts.progress import Progress
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.settings import read_step, read_training
from tests.training.resuming import Moment, differences
from tests.training.standins import Losses, dataset


def test_it_rises_between_its_shares() -> None:
    part = Progress(0.25, 0.75)
    assert float(part()) == 1.0
    seen = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        part.tell_progress(share)
        seen.append(part())
    assert [float(value) for value in seen] == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert part.state_dict() == {}


def test_it_is_told_over_the_epochs_of_its_step(tmp_path: Path) -> None:
    project = nb.template("digits_mlp")
    project.set(data={**project.document.project.data, "validation": 0.8})
    step = project.step("train")
    metric = step.add("torchmetrics.MeanMetric", name="risen")
    step.connect(step.add("netbuilder.Progress", name="progress"), metric)
    spans: dict[str, dict[str, Any]] = {"early": {"last_epoch": 2}, "late": {"first_epoch": 3}}
    for name, chosen in spans.items():
        other = project.add_step(name, updates=("main",), **chosen)
        image, call = (
            other.add("netbuilder.DataField", field="image"),
            other.add("netbuilder.NetworkCall", network="main"),
        )
        label, loss = (
            other.add("netbuilder.DataField", field="label"),
            other.add("torch.nn.CrossEntropyLoss"),
        )
        other.connect(image, call)
        other.connect(call, loss)
        other.connect(label, loss)
        other.connect(loss, other.add("netbuilder.Objective"))
        metric = other.add("torchmetrics.MeanMetric", name="risen")
        other.connect(other.add("netbuilder.Progress"), metric)
    told: list[dict[str, Any]] = []
    nb.train(
        project,
        tmp_path / "run",
        epochs=4,
        threads=1,
        monitor="val/late/loss",
        listen=lambda event: told.append(event.values) if event.event == "epoch" else None,
    )
    risen = {
        name: [values.get(f"train/{name}/risen") for values in told]
        for name in ("train", "early", "late")
    }
    assert risen["train"] == pytest.approx([0.125, 0.375, 0.625, 0.875], abs=0.1)
    assert risen["early"][:2] == pytest.approx([0.25, 0.75], abs=0.1)
    assert risen["late"][2:] == pytest.approx([0.25, 0.75], abs=0.1)
    # The validation after an epoch sees where the last batch stood.
    assert told[-1]["val/late/risen"] == pytest.approx(1.0, abs=0.1)


class Faded(nn.Module):
    """A step whose loss is weighed by how far it has come."""

    def __init__(self, network: nn.Module, losses: Losses) -> None:
        super().__init__()
        self.network, self.losses, self.progress = network, losses, Progress()

    def forward(self, x: Tensor) -> tuple[Tensor, Any, Any]:
        loss = (0.1 + self.progress()) * self.network(x).square().mean()
        if self.training:
            self.losses.append(loss.item())
        return loss, {}, {}


def faded() -> Plan:
    torch.manual_seed(5)
    network = nn.Linear(4, 3)
    settings = {"epochs": 3, "batch_size": 7, "threads": 1, "device": "cpu", "checkpoint_s": 1e6}
    step = read_step({"updates": ["main"]})
    plan = StepPlan("train", Faded(network, []), ("x",), ("main",), step)
    return Plan({"main": network}, (plan,), dataset(), read_training(settings))


@pytest.mark.parametrize(("batch", "validating"), [(3, False), (7, False), (7, True)])
def test_a_run_that_was_stopped_goes_on_from_where_it_was(
    batch: int, validating: bool, tmp_path: Path
) -> None:
    moment = Moment(batch, validating=validating)
    assert differences(faded, tmp_path, [moment]) == []
