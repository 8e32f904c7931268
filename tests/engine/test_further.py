"""An ONNX file of ours trains further; whatever a file says of its training does no harm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from netbuilder.app.consent import wanted
from netbuilder.app.templates import open_template
from netbuilder.cli.commands import bringing_data
from netbuilder.data.places import Places
from netbuilder.engine import further as telling
from netbuilder.engine import planning, tasks
from netbuilder.errors import ProblemsError
from netbuilder.exchange import further
from netbuilder.exchange.bring import child
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.storage import files, format

DATA: dict[str, Any] = {"source": "netbuilder.Digits", "validation": 0.2}
STEP: dict[str, Any] = {
    "inputs": {"image": "image"},
    "output": "logits",
    "target": "label",
    "loss": "torch.nn.CrossEntropyLoss",
}
LEFT_OUT = "What the file says of its training is left out: "


@pytest.fixture(autouse=True)
def _own_random_state() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


@dataclass(frozen=True)
class Trained:
    """A run of digits_mlp, its metrics, and what was exported of it."""

    run: Path
    metrics: dict[str, float]
    file: Path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("further")
    short = {"training.epochs": 2, "data.seed": 7}
    result = tasks.train(open_template("digits_mlp"), folder / "run", overrides=short)
    file = folder / "digits.onnx"
    tasks.export(folder / "run", ExportOptions("onnx"), file, apart=False)
    return Trained(folder / "run", result["metrics"], file)


def network_alone() -> Document:
    """The network of digits_mlp as an import leaves it: without data, without a step."""
    document = open_template("digits_mlp")
    history = History(document)
    edits.remove_graph(history, document.of_kind("step")[0])
    edits.set_project(history, data={}, about={})
    return document


def imported(model: Path, out: Path) -> dict[str, Any]:
    return child.run({"model": str(model), "out": str(out), "kind": "", "fold": False})


def props(file: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(file).metadata_props}


# -- the way round -------------------------------------------------------------------------


def test_a_file_of_ours_comes_in_trains_further_and_leaves_again(
    first: Trained, tmp_path: Path
) -> None:
    """From the weights of the file, on the same parts of the same data."""
    answer = imported(first.file, tmp_path / "m.netb")
    assert answer["verified"]
    assert "Data and training step are those of the file: Digits." in answer["notes"]
    document = files.load(tmp_path / "m.netb")
    network, [step] = document.network("main"), document.of_kind("step")
    assert network is not None
    assert answer["nodes"] == len(network.nodes)
    assert step.info.settings["updates"] == ("main",)
    # It learns next to nothing, so that what is measured is where it began.
    still = {"training.epochs": 1, "train.optimizer.lr": 1e-9}
    result = tasks.train(document, tmp_path / "run", overrides=still)
    assert result["status"] == "finished"
    assert first.metrics["val/accuracy"] > 0.8
    for name in ("val/accuracy", "val/loss"):
        assert result["metrics"][name] == pytest.approx(first.metrics[name], rel=1e-4)
    again = tmp_path / "again.onnx"
    assert tasks.export(tmp_path / "run", ExportOptions("onnx"), again, apart=False)["verified"]
    told = [json.loads(props(file)[further.KEY]) for file in (first.file, again)]
    assert told[0] == told[1]
    assert told[0]["version"] == 1
    assert told[0]["data"] == {**DATA, "seed": 7}
    assert told[0]["step"] == {**STEP, "params": {}, "accuracy": True}


@pytest.mark.parametrize("prepared", [True, False])
def test_a_file_that_prepares_by_itself_says_nothing_of_a_training(
    prepared: bool, first: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes and gives other values than those that were trained on."""
    seen: list[dict[str, str]] = []

    def export(*_: object, metadata: dict[str, str], **__: object) -> dict[str, str]:
        seen.append(metadata)
        return {}

    monkeypatch.setattr("netbuilder.exchange.export.export", export)
    options = ExportOptions("onnx", prepared="probabilities" if prepared else None)
    tasks.export(first.run, options, tmp_path / "m.onnx")
    assert (further.KEY in seen[0]) is not prepared


@pytest.mark.parametrize("id", ["digits_mlp", "digits_cnn", "lstm_forecast", "autoencoder", "unet"])
def test_what_is_told_of_a_step_makes_the_same_step(id: str) -> None:
    before = open_template(id)
    wiring = telling.wiring_of(before, "main")
    assert wiring is not None
    text = telling.told(before, "main")
    after = open_template(id)
    history = History(after)
    for step in after.of_kind("step"):
        edits.remove_graph(history, step)
    edits.set_project(history, data={})
    assert LEFT_OUT not in " ".join(further.take(after, "main", text))
    assert telling.wiring_of(after, "main") == wiring
    assert after.project.data == before.project.data
    errors = [
        each for each in tasks.analyse(after, source=False).problems if each.severity == "error"
    ]
    assert not errors


def test_parameters_of_the_loss_are_told_and_taken() -> None:
    before = open_template("digits_mlp")
    [step] = before.of_kind("step")
    loss = step.named("cross_entropy")
    assert loss is not None
    edits.set_parameters(History(before), step, [loss.id], {"label_smoothing": 0.1})
    after = network_alone()
    further.take(after, "main", telling.told(before, "main"))
    wiring = telling.wiring_of(after, "main")
    assert wiring is not None
    assert wiring.params == {"label_smoothing": 0.1}


@pytest.mark.parametrize("id", ["vae", "gan_mlp", "denoising_autoencoder"])
def test_of_a_step_that_is_more_than_data_network_and_loss_only_the_data_is_told(id: str) -> None:
    document = open_template(id)
    name = document.of_kind("network")[0].name
    assert telling.wiring_of(document, name) is None
    assert set(json.loads(telling.told(document, name))) == {"version", "data"}


def test_without_a_step_the_data_is_taken_and_that_is_told() -> None:
    document = network_alone()
    [note] = further.take(document, "main", json.dumps({"version": 1, "data": DATA}))
    assert "The training step is yours to draw." in note
    assert document.project.data == DATA
    assert not document.of_kind("step")


# -- files of others -----------------------------------------------------------------------


def of(data: Any = DATA, step: Any = STEP, version: Any = 1, **more: Any) -> str:
    return json.dumps({"version": version, "data": data, "step": step, **more})


HOSTILE = {
    "garbage": "\0\x01{",
    "no object": "[1, 2]",
    "huge": of() + " " * 1_000_001,
    "deep": '{"version": 1, "data": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "deep within": of({**DATA, "params": {"a": json.loads("[" * 900 + "]" * 900)}}),
    "newer": of(version=2),
    "no version": json.dumps({"data": DATA}),
    "version as text": of(version="1"),
    "version as bool": of(version=True),
    "more": of(code="import os"),
    "data as list": of([1]),
    "unknown source": of({"source": "os.system"}),
    "source as list": of({"source": ["netbuilder.Digits"]}),
    "no source": of({}),
    "unknown setting": of({**DATA, "run": "rm"}),
    "wrong parameter": of({**DATA, "params": {"folder": "/etc"}}),
    "parameters as text": of({**DATA, "params": "x"}),
    "infinite": of({**DATA, "validation": float("nan")}),
    "number of 5000 digits": '{"version": 1, "data": {"seed": ' + "9" * 5000 + "}}",
    "half a character": of({**DATA, "key": "\ud800"}),
    "step as text": of(step="train"),
    "other input": of(step={**STEP, "inputs": {"x": "image"}}),
    "no input": of(step={**STEP, "inputs": {}}),
    "other output": of(step={**STEP, "output": "../../etc"}),
    "other field": of(step={**STEP, "target": "__class__"}),
    "other sizes": of(
        {"source": "netbuilder.Sines"},
        {**STEP, "inputs": {"image": "window"}, "target": "next", "loss": "torch.nn.MSELoss"},
    ),
    "unknown loss": of(step={**STEP, "loss": "os.system"}),
    "no loss": of(step={**STEP, "loss": "torch.nn.ReLU"}),
    "own loss": of(step={**STEP, "loss": "own.Loss"}),
    "wrong parameter of a loss": of(step={**STEP, "params": {"reduction": "__import__"}}),
    "loss of three": of(step={**STEP, "loss": "torch.nn.TripletMarginLoss"}),
    "parameters as list": of(step={**STEP, "params": [1]}),
}

WHY = {
    "newer": "of a newer netbuilder",
    "no loss": "there is no loss 'torch.nn.ReLU'",
    "loss of three": "compares no output with a field",
    "other sizes": "takes other sizes than 'window' has",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_does_not_hold_is_left_out_as_a_whole(kind: str) -> None:
    document = network_alone()
    before = format.dumps(document)
    [note] = further.take(document, "main", HOSTILE[kind])
    assert note.startswith(LEFT_OUT)
    assert len(note) < 400
    assert WHY.get(kind, "") in note
    assert format.dumps(document) == before


@pytest.mark.parametrize("text", [HOSTILE["huge"], HOSTILE["unknown source"]])
def test_the_file_comes_in_all_the_same(text: str, first: Trained, tmp_path: Path) -> None:
    model = onnx.load(first.file)
    onnx.helper.set_model_props(model, {**props(first.file), further.KEY: text})
    onnx.save(model, tmp_path / "m.onnx")
    answer = imported(tmp_path / "m.onnx", tmp_path / "m.netb")
    assert answer["verified"]
    assert [note for note in answer["notes"] if note.startswith(LEFT_OUT)]
    document = files.load(tmp_path / "m.netb")
    assert not document.project.data
    with pytest.raises(ProblemsError, match="No data is chosen") as error:
        planning.make(document)
    assert "--data PATH" in error.value.hint


@pytest.mark.parametrize("place", ["../../etc", "/etc", "digits", ""])
def test_a_file_names_no_places_and_no_processes(place: str) -> None:
    image = {"shape": [1, 8, 8]}
    contents = {"image": image, "label": {"dtype": "int64", "high": 10}}
    params = {"contents": contents, **({"folder": place} if place else {})}
    data = {"source": "netbuilder.NumpyFiles", "params": params, "workers": 64}
    document = network_alone()
    notes = further.take(document, "main", of(data))
    assert any("names no places: folder" in note for note in notes) == bool(place)
    assert "--set data.params.folder=PATH --allow PATH" in notes[-1]
    taken = document.project.data
    assert "folder" not in taken["params"]
    assert "workers" not in taken
    assert wanted(taken, Places()) == []
    assert len(document.of_kind("step")) == 1
    with pytest.raises(ProblemsError, match="No files are chosen"):
        planning.make(document)


def test_data_in_files_leaves_without_its_place(tmp_path: Path) -> None:
    kept, places = further.portable(
        {
            "source": "netbuilder.NumpyFiles",
            "params": {"folder": str(tmp_path), "contents": {"x": {"shape": [3]}}},
            "workers": 2,
            "seed": 3,
        }
    )
    assert places == ("folder",)
    assert kept["params"] == {"contents": {"x": {"shape": [3]}}}
    assert "workers" not in kept
    assert kept["seed"] == 3


# -- models of others ----------------------------------------------------------------------


def test_a_model_of_others_gets_data_and_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path / "home"))
    folder = tmp_path / "mine"
    folder.mkdir()
    chance = np.random.default_rng(0)
    np.save(folder / "image.npy", chance.random((40, 1, 8, 8), np.float32))
    np.save(folder / "label.npy", np.arange(40) % 10)
    files.save(network_alone(), tmp_path / "m.netb")
    data = bringing_data.settings_for(str(folder))
    bringing_data.add(tmp_path / "m.netb", str(folder), data)
    document = files.load(tmp_path / "m.netb")
    [step] = document.of_kind("step")
    wiring = telling.wiring_of(document, "main")
    assert wiring is not None
    assert (wiring.inputs, wiring.target) == ({"image": "image"}, "label")
    assert wiring.accuracy
    assert step.info.settings["updates"] == ("main",)
    assert not [p for p in tasks.analyse(document).problems if p.severity == "error"]
