"""Every template learns, reaches what it states, and each network leaves as a verified ONNX file.

A few are tried in every test run, all of them by `pytest -m templates`; the qualities that small
ones state are reached by `pytest -m nightly tests/templates`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.templates import open_template, templates
from netbuilder.engine import planning, tasks
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.training.control import Control
from netbuilder.training.loop import RunResult, train
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder
from tests.templates.trials import Trial, trials

TRIALS = trials()
IDS = [info.id for info in templates()]


def _each(quick: bool) -> list[Any]:
    known = {id for id, trial in TRIALS.items() if trial.quick and quick}
    return [pytest.param(id, marks=() if id in known else pytest.mark.templates) for id in IDS]


def shortened(id: str, trial: Trial) -> Document:
    """The template as its trial trains it."""
    document = open_template(id)
    project = document.project
    data = dict(project.data)
    if trial.params:
        data["params"] = {**data.get("params", {}), **trial.params}
    training = {**project.training, "threads": 1, **trial.training}
    edits.set_project(History(document), data=data, training=training)
    return document


def trained(document: Document, folder: Path) -> tuple[RunResult, list[Event]]:
    """The result and the events of a run."""
    heard: list[Event] = []
    run = RunFolder.create(folder / "run", b"{}")
    result = train(planning.make(document), run, Control(), heard.append)
    assert result.status == "finished", result.error
    return result, heard


def curve(heard: list[Event], name: str) -> list[float]:
    """Values of a metric in their order: of each epoch, or as they were told in the only one."""
    key = name if name.startswith("val/") else f"train/{name}"
    told = [event.values.get(key) for event in heard if event.event == "metrics"]
    epochs = [event.values.get(key) for event in heard if event.event == "epoch"]
    found = epochs if len(epochs) > 1 else told
    return [value for value in found if isinstance(value, float) and math.isfinite(value)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("id", _each(quick=True))
def test_it_learns(id: str, tmp_path: Path) -> None:
    trial = TRIALS[id]
    result, heard = trained(shortened(id, trial), tmp_path)
    assert result.warnings == ()
    for name in trial.falls:
        values = curve(heard, name)
        assert len(values) > 1
        quarter = max(1, len(values) // 4)
        assert sum(values[-quarter:]) < 0.97 * sum(values[:quarter]), (name, values)
    for event in heard:
        for name, value in event.values.items():
            if name.endswith("/loss") and value is not None:
                assert math.isfinite(value), name
    shown = [event.values["previews"] for event in heard if event.event == "preview"]
    json.dumps(shown, allow_nan=False)


def test_every_template_has_its_trial() -> None:
    assert set(TRIALS) == set(IDS)


def test_the_discriminator_is_neither_beaten_nor_perfect(tmp_path: Path) -> None:
    _, heard = trained(shortened("gan_mlp", TRIALS["gan_mlp"]), tmp_path)
    values = curve(heard, "discriminate/loss")
    assert 0.01 < values[-1] < math.log(2) + 0.1


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", _each(quick=False))
def test_its_networks_leave_as_verified_onnx(id: str, tmp_path: Path) -> None:
    document = open_template(id)
    for network in document.of_kind("network"):
        path = tmp_path / f"{network.name}.onnx"
        answer = tasks.export(document, ExportOptions("onnx", network.name), path)
        assert path.is_file()
        assert answer["verified"], answer


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("id", [id for id in IDS if "quality" in open_template(id).project.about])
def test_it_reaches_the_quality_that_it_states(id: str, tmp_path: Path) -> None:
    document = open_template(id)
    stated = document.project.about["quality"]
    result, _ = trained(document, tmp_path)
    reached = result.metrics[stated["metric"]]
    if "at_least" in stated:
        assert reached >= stated["at_least"]
    else:
        assert reached <= stated["at_most"]
