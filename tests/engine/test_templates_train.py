"""Every template learns, and each of its networks leaves as a verified ONNX file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.templates import open_template, templates
from netbuilder.engine import planning, tasks
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.training.control import Control
from netbuilder.training.events import Event
from netbuilder.training.folder import RunFolder
from netbuilder.training.loop import train

FEW: dict[str, dict[str, Any]] = {
    "ddpm": {"epochs": 3, "batch_size": 64},
    "distillation": {"epochs": 14},
    "gan_mlp": {"epochs": 24},
    "gpt_small": {"epochs": 1, "steps": 100, "batch_size": 16},
    "stacked_autoencoder": {"epochs": 24},
    "two_tower": {"epochs": 4},
    "vae": {"epochs": 4},
    "wgan_gp": {"epochs": 8},
}
"""Enough to see it learn, by template."""
FALLING = {
    "ddpm": ["loss"],
    "distillation": ["teach/loss", "distil/loss"],
    "gan_mlp": ["generate/distance"],
    "gpt_small": ["loss"],
    "stacked_autoencoder": ["pretrain1/loss", "pretrain2/loss", "fine_tune/loss"],
    "two_tower": ["loss"],
    "vae": ["loss"],
    "wgan_gp": ["generate/distance"],
}
"""What falls. The losses of a GAN do not: each player makes the other's worse."""


def shortened(id: str) -> Document:
    """The template with few epochs and a small corpus."""
    document = open_template(id)
    project, values = document.project, FEW[id]
    data = dict(project.data)
    if id == "gpt_small":
        data["params"] = {**data["params"], "letters": 60_000}
    training = {**project.training, **values, "threads": 1}
    edits.set_project(History(document), data=data, training=training)
    return document


def trained(document: Document, folder: Path) -> list[Event]:
    """The events of a run."""
    heard: list[Event] = []
    run = RunFolder.create(folder / "run", b"{}")
    result = train(planning.make(document), run, Control(), heard.append)
    assert result.status == "finished", result.error
    assert result.warnings == ()
    return heard


def curve(heard: list[Event], name: str) -> list[float]:
    """Values of a metric as they were told, in their order.

    They are those of the training, but for a generator, whose averaged weights count.
    """
    key = f"val/{name}" if name.endswith("distance") else f"train/{name}"
    told = [event.values.get(key) for event in heard if event.event == "metrics"]
    epochs = [event.values.get(key) for event in heard if event.event == "epoch"]
    found = epochs if len(epochs) > 1 else told
    return [value for value in found if isinstance(value, float) and math.isfinite(value)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("id", FEW)
def test_it_learns(id: str, tmp_path: Path) -> None:
    heard = trained(shortened(id), tmp_path)
    for name in FALLING[id]:
        values = curve(heard, name)
        assert len(values) > 1
        quarter = max(1, len(values) // 4)
        assert sum(values[-quarter:]) < 0.97 * sum(values[:quarter]), (name, values)
    for event in heard:
        for name, value in event.values.items():
            if name.endswith("/loss") and value is not None:
                assert math.isfinite(value), name
    shown = [event.values["previews"] for event in heard if event.event == "preview"]
    assert bool(shown) == (id != "two_tower")
    json.dumps(shown, allow_nan=False)


def test_the_discriminator_is_neither_beaten_nor_perfect(tmp_path: Path) -> None:
    heard = trained(shortened("gan_mlp"), tmp_path)
    values = curve(heard, "discriminate/loss")
    assert 0.01 < values[-1] < math.log(2) + 0.1


def test_every_new_template_is_here() -> None:
    plain = {"autoencoder", "digits_cnn", "digits_lstm", "digits_mlp", "lstm_forecast"}
    assert {info.id for info in templates()} - plain - {"mlp_regression"} == set(FEW)


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", FEW)
def test_its_networks_leave_as_verified_onnx(id: str, tmp_path: Path) -> None:
    document = open_template(id)
    for network in document.of_kind("network"):
        path = tmp_path / f"{network.name}.onnx"
        answer = tasks.export(document, "onnx", path, network.name)
        assert path.is_file()
        assert answer["verified"]
