"""The use cases over a document: train, predict, export."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from netbuilder.app.templates import open_template
from netbuilder.data import datasets, settings
from netbuilder.engine import tasks
from netbuilder.errors import DocumentError, NetbuilderError, ProblemsError, RunError
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph import edits, grouping
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.layers.catalogue import ports_of
from netbuilder.storage import files
from netbuilder.training.control import Control
from netbuilder.training.records.events import Event

SHORT = {"training.epochs": 2}


@pytest.fixture(autouse=True)
def _own_random_state() -> Iterator[None]:
    """Training seeds the process; the next test must not see that."""
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of digits_mlp."""
    path = tmp_path_factory.mktemp("tasks") / "run"
    result = tasks.train(open_template("digits_mlp"), path, overrides=SHORT)
    assert result["status"] == "finished"
    return path


def without_first_wire(document: Document) -> Document:
    network = document.of_kind("network")[0]
    edits.delete(History(document), network, [next(iter(network.wires))])
    return document


def test_training_tells_and_keeps_what_it_did(tmp_path: Path) -> None:
    events: list[Event] = []
    document = open_template("digits_mlp")
    result = tasks.train(document, tmp_path / "run", overrides=SHORT, listen=events.append)
    assert result["run"] == str(tmp_path / "run")
    assert (result["status"], result["epochs"]) == ("finished", 2)
    assert {"train/loss", "val/loss", "val/accuracy"} <= result["metrics"].keys()
    assert json.loads(json.dumps(result)) == result
    assert events[0].event == "started"
    assert events[-1].event == "finished"
    kept = files.load(tmp_path / "run" / "project.netb")
    assert kept.project.training["epochs"] == 2
    assert document.project.training["epochs"] != 2


def test_the_same_seed_gives_the_same_losses(tmp_path: Path, run: Path) -> None:
    again = tasks.train(open_template("digits_mlp"), tmp_path / "run", overrides=SHORT)
    other = tasks.train(
        open_template("digits_mlp"), tmp_path / "other", overrides={**SHORT, "training.seed": 1}
    )
    status = json.loads((run / "status.json").read_text())
    assert again["metrics"] == status["metrics"]
    assert other["metrics"] != status["metrics"]


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    control = Control()

    def stop_in_the_middle(event: Event) -> None:
        if event.event == "epoch":
            control.stop()

    document = open_template("digits_mlp")
    first = tasks.train(
        document, tmp_path / "run", overrides=SHORT, control=control, listen=stop_in_the_middle
    )
    assert first["status"] == "stopped"
    with pytest.raises(RunError, match="holds a run already"):
        tasks.train(document, tmp_path / "run", overrides=SHORT)
    second = tasks.train(document, tmp_path / "run", overrides=SHORT, resume=True)
    assert second["status"] == "finished"
    assert second["epochs"] == 2
    assert second["steps"] > first["steps"]


def test_a_run_that_died_before_its_first_checkpoint_begins_again(
    run: Path, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    shutil.copytree(run, killed, ignore=shutil.ignore_patterns("checkpoints"))
    again = tasks.train(open_template("digits_mlp"), killed, overrides=SHORT, resume=True)
    assert again["status"] == "finished"
    assert again["epochs"] == 2


def test_a_network_that_no_longer_fits_is_not_resumed_and_the_run_is_kept(run: Path) -> None:
    before = (run / "project.netb").read_bytes()
    document = open_template("digits_mlp")
    network = document.network("main")
    assert network is not None
    hidden = next(node for node in network.ordered() if node.layer == "torch.nn.Linear")
    wider = {**SHORT, f"main.{hidden.name}.out_features": 48}
    with pytest.raises(RunError, match="do not fit"):
        tasks.train(document, run, overrides=wider, resume=True)
    assert (run / "project.netb").read_bytes() == before


def test_a_project_with_problems_is_not_trained(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError) as caught:
        tasks.train(without_first_wire(open_template("digits_mlp")), tmp_path / "run")
    assert any(problem.node for problem in caught.value.problems)
    assert not (tmp_path / "run").exists()


def test_data_that_does_not_fit_the_network_is_a_problem_at_a_node(tmp_path: Path) -> None:
    document = open_template("digits_mlp")
    edits.set_project(History(document), data={"source": "netbuilder.Diabetes"})
    with pytest.raises(ProblemsError) as caught:
        tasks.train(document, tmp_path / "run")
    assert any(problem.node for problem in caught.value.problems)


def test_a_project_without_data_says_so(tmp_path: Path) -> None:
    document = open_template("digits_mlp")
    edits.set_project(History(document), data={})
    with pytest.raises(ProblemsError, match="data"):
        tasks.train(document, tmp_path / "run")


def test_data_settings_that_are_wrong_are_a_problem_among_others() -> None:
    document = open_template("digits_mlp")
    edits.set_project(History(document), data={"source": "netbuilder.Digits", "validation": 7})
    report = tasks.analyse(document)
    assert not report.ok
    assert [p.code for p in report.problems if p.severity == "error"][:1] == ["data.settings"]


def test_an_error_in_forward_comes_back_to_its_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        if x.device.type != "meta":
            raise RuntimeError("the tea is cold")
        return x

    monkeypatch.setattr(torch.nn.ReLU, "forward", fail)
    document = open_template("digits_mlp")
    result = tasks.train(document, tmp_path / "run", overrides=SHORT)
    assert result["status"] == "failed"
    assert "the tea is cold" in result["error"]["message"]
    node = document.graph(result["error"]["graph"]).nodes[result["error"]["node"]]
    assert node.layer == "torch.nn.ReLU"


# -- predicting ----------------------------------------------------------------------------


def test_a_sample_of_the_data_is_predicted_in_its_words(run: Path) -> None:
    answer = tasks.predict(run, ["sample:3"])
    [row] = answer["classes"]["logits"]
    assert row["class"] == str(row["index"])
    assert 0.1 < row["probability"] <= 1.0
    assert answer["expected"]["logits"] in [str(digit) for digit in range(10)]
    assert tasks.predict(run, {"image": "sample:3"}) == answer


def test_one_sample_and_a_batch_are_both_taken(run: Path) -> None:
    image = np.random.default_rng(0).random((1, 8, 8), dtype=np.float32)
    one = tasks.predict(run, {"image": image})["outputs"]["logits"]
    two = tasks.predict(run, [np.stack([image, image]).tolist()])["outputs"]["logits"]
    assert len(one) == 1
    assert np.allclose(two, [one[0], one[0]], atol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([], "takes 1 input: image"),
        ({"picture": 1}, "takes 1 input: image"),
        ([1, 2], "takes 1 input: image"),
        ([[[1.0, 2.0]]], "N×1×8×8"),
        (["hello"], "can't be 'hello'"),
        ([[[1.0], [1.0, 2.0]]], "not an array"),
        (["sample:99999"], "no sample 99999"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_in_words(run: Path, inputs: Any, words: str) -> None:
    with pytest.raises(NetbuilderError) as caught:
        tasks.predict(run, inputs)
    assert words in str(caught.value)


def test_normalised_fields_are_given_and_predicted_in_their_own_units(tmp_path: Path) -> None:
    document = open_template("mlp_regression")
    data = {"source": "netbuilder.Diabetes", "normalise": ("features", "target")}
    edits.set_project(History(document), data=data)
    overrides = {"training.epochs": 30}
    tasks.train(document, tmp_path / "run", overrides=overrides)
    answer = tasks.predict(tmp_path / "run", ["sample:0"])
    [name] = answer["outputs"]
    # Disease progression runs from 25 to 346; normalised it would be between -2 and 3.
    assert 25 < answer["outputs"][name][0][0] < 346
    assert 25 <= answer["expected"][name][0] <= 346


def test_values_are_normalised_as_the_samples_were(tmp_path: Path) -> None:
    document = open_template("mlp_regression")
    data = {"source": "netbuilder.Diabetes", "normalise": ("features", "target")}
    edits.set_project(History(document), data=data)
    tasks.train(document, tmp_path / "run", overrides={"training.epochs": 1})
    dataset = datasets.prepare(settings.read(data))
    raw = dataset.statistics["features"].restore(dataset.validation["features"][:1])
    given = tasks.predict(tmp_path / "run", [raw.tolist()])["outputs"]
    sampled = tasks.predict(tmp_path / "run", ["sample:0"])["outputs"]
    [name] = given
    assert given[name][0] == pytest.approx(sampled[name][0], rel=1e-4)


# -- exporting -----------------------------------------------------------------------------


def test_a_run_becomes_an_onnx_file_that_was_verified(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "digits.onnx"
    told: list[str] = []
    answer = tasks.export(
        run, ExportOptions("onnx", per_node=True), out, tell=lambda p: told.append(p.what)
    )
    assert answer["verified"] is True
    assert answer["max_rel_error"] < 1e-4
    assert answer["departs"] is None
    errors = {node["name"]: node["max_rel_error"] for node in answer["nodes"]}
    assert len(errors) > 2
    assert all(error is None or error < 1e-4 for error in errors.values())
    assert answer["files"] == [str(out)]
    assert answer["size"] == out.stat().st_size
    assert {"Exporting", "Comparing on 7 real samples", "Comparing node by node"} <= set(told)
    assert answer["inputs"] == {"image": ["N", 1, 8, 8]}
    assert answer["outputs"] == {"logits": ["N", 10]}
    assert "7 real samples" in answer["trials"]
    model = onnx.load(str(out))
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(about["classes"]) == [str(digit) for digit in range(10)]
    assert about["title"] == files.load(run / "project.netb").project.title
    assert json.loads(about["project"])["inputs"]["image"]["field"] == "image"
    assert json.loads(about["dataset"])["title"] == "Digits"
    assert "CC BY 4.0" in json.loads(about["dataset"])["licence"]
    assert json.loads(about["run"])["name"] == run.name
    assert json.loads(about["netbuilder.preparation"])["inputs"]["image"]["field"] == "image"
    assert (model.producer_name, model.graph.name) == ("netbuilder", "main")
    assert str(run.parent) not in str(about)
    session = onnxruntime.InferenceSession(str(out))
    image = np.zeros((5, 1, 8, 8), np.float32)
    [logits] = session.run(None, {"image": image})
    expected = tasks.predict(run, {"image": image})["outputs"]["logits"]
    assert np.allclose(logits, expected, atol=1e-5)


def test_safetensors_hold_the_weights_of_the_run(run: Path, tmp_path: Path) -> None:
    answer = tasks.export(run, ExportOptions("safetensors"), tmp_path / "w.safetensors")
    assert answer["verified"] is True
    weights = load_file(tmp_path / "w.safetensors")
    [checkpoint] = sorted((run / "checkpoints").glob("*-best"))[-1:]
    kept = load_file(checkpoint / "networks" / "main.safetensors")
    assert weights.keys() == kept.keys()
    assert all(torch.equal(weights[name], kept[name]) for name in kept)


def test_code_is_exported_as_it_is_shown(run: Path, tmp_path: Path) -> None:
    tasks.export(run, ExportOptions("code"), tmp_path / "m.py")
    report = tasks.analyse(files.load(run / "project.netb"))
    assert (tmp_path / "m.py").read_text() in [graph.code for graph in report.graphs.values()]


def test_a_project_without_a_run_is_exported_with_the_weights_of_its_seed(tmp_path: Path) -> None:
    document = open_template("digits_mlp")
    before = torch.get_rng_state()
    for name in ("a", "b"):
        tasks.export(document, ExportOptions("safetensors"), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert torch.equal(torch.get_rng_state(), before)


def test_where_it_can_not_be_written_is_said_before_any_work(run: Path, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no folder"):
        tasks.export(run, ExportOptions("onnx"), tmp_path / "nowhere" / "x.onnx")
    with pytest.raises(DocumentError, match="is a folder"):
        tasks.export(run, ExportOptions("onnx"), tmp_path)
    with pytest.raises(NetbuilderError, match="no format"):
        tasks.export(run, ExportOptions("h5"), tmp_path / "x.h5")
    with pytest.raises(ProblemsError, match="no network 'other'"):
        tasks.export(run, ExportOptions("onnx", network="other"), tmp_path / "x.onnx")


def test_the_report_tells_each_use_of_a_block() -> None:
    document = open_template("digits_cnn")
    history, network = History(document), document.of_kind("network")[0]
    names = ("norm1", "relu1")
    chosen = [node.id for node in network.nodes.values() if node.name in names]
    use = grouping.group(history, network, chosen, ports_of)
    (block,) = document.of_kind("block")
    report = tasks.analyse(document)
    assert list(report.uses[block.id]) == [f"{network.id}/{use.id}"]
    assert report.ok
