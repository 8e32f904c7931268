"""Export with weights in fewer bits: judged by the training step's own metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
import torch

from netbuilder.app.templates import open_template
from netbuilder.engine import lowering, planning, tasks, trained
from netbuilder.errors import NetbuilderError
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.smaller import running
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.training import judging, randomness
from netbuilder.training.records.folder import RunFolder


@pytest.fixture(autouse=True)
def _own_random_state() -> Iterator[None]:
    """Training seeds the process; the next test must not see that."""
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lowering") / "run"
    short = {"training.epochs": 2, "training.threads": 1}
    document = open_template("digits_mlp")
    data = {**document.project.data, "normalise": ["image"]}
    edits.set_project(History(document), data=data)
    assert tasks.train(document, path, overrides=short)["status"] == "finished"
    return path


@pytest.fixture(scope="module")
def subject(run: Path) -> lowering.Subject:
    return lowering.Subject.of(run, None)


def test_the_metrics_are_those_of_the_run(run: Path, subject: lowering.Subject) -> None:
    found, told = subject.metrics(), RunFolder(run).status()["best"]["metrics"]
    assert found.keys() == {"val/loss", "val/accuracy"}
    for key, value in found.items():
        assert value == pytest.approx(told[key], rel=1e-5)


def test_ranges_come_of_the_training_part_and_the_verdict_of_the_other(
    subject: lowering.Subject,
) -> None:
    assert subject.plan is not None
    data = subject.plan.dataset
    given = {"train": subject.calibration(), "validation": subject.compared()}
    for name, calls in given.items():
        rows = torch.cat([call[0] for call in calls])
        assert torch.equal(rows, data.parts[name]["image"][: len(rows)])
        assert len(rows) >= lowering.COMPARED


def test_a_stand_in_is_asked_in_the_place_of_the_network(subject: lowering.Subject) -> None:
    assert subject.plan is not None
    network, before = subject.plan.networks["main"], subject.metrics()
    with judging.StandIn(network, type(network).forward.__get__(network)) as same:
        assert judging.metrics(subject.plan) == before
    with judging.StandIn(network, lambda image: torch.zeros(len(image), 10)) as other:
        assert judging.metrics(subject.plan)["val/loss"] == pytest.approx(2.3026, rel=1e-4)
    assert same.calls == other.calls > 0
    assert subject.metrics() == before


def test_what_a_network_gets_is_known_where_no_data_feeds_it() -> None:
    plan = planning.make(open_template("gan_mlp"), beside=True)
    (generator,) = (name for name in plan.networks if "gen" in name)
    calls = judging.inputs_of(plan, generator, plan.dataset.train, 8)
    assert calls
    assert all(call[0].shape[0] == 8 and call[0].std() > 0.5 for call in calls)


def test_nothing_of_it_touches_the_chance_of_the_process(
    run: Path, subject: lowering.Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seeded(*args: object) -> None:
        raise AssertionError("chance of the whole process was seeded")

    monkeypatch.setattr(randomness, "seed_all", seeded)
    before = torch.get_rng_state()
    assert lowering.Subject.of(run, None).metrics() == subject.metrics()
    subject.calibration()
    assert torch.equal(torch.get_rng_state(), before)


def test_an_export_says_what_it_costs(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.onnx"
    answer = tasks.export(run, ExportOptions("onnx", precision="int8-static"), out)
    assert (answer["verified"], answer["precision"], answer["path"]) == (
        True,
        "int8-static",
        str(out),
    )
    assert 0 < answer["max_rel_error"] < answer["tolerance"]
    assert answer["size"] == out.stat().st_size
    assert answer["bytes"]["after"] == out.stat().st_size < 0.5 * answer["bytes"]["before"]
    before, after = answer["metrics"]["before"], answer["metrics"]["after"]
    assert before.keys() == after.keys() == {"val/loss", "val/accuracy"}
    assert before["val/loss"] != after["val/loss"]
    assert abs(before["val/accuracy"] - after["val/accuracy"]) < 0.05
    model = onnx.load(out)
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(told["netbuilder.preparation"])["inputs"]["image"]["field"] == "image"
    assert json.loads(told["classes"]) == [str(number) for number in range(10)]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_a_file_that_prepares_gets_values_as_in_the_data(
    run: Path, subject: lowering.Subject
) -> None:
    calls = subject.compared()
    assert calls[0][0].min() < 0
    (images,) = lowering.raw(trained.load(run, None), subject, calls)[0]
    assert float(images.min()) == pytest.approx(0, abs=1e-5)
    assert float(images.max()) == pytest.approx(1, abs=1e-5)


@pytest.mark.nightly
def test_a_file_that_prepares_is_made_and_compared(
    run: Path, tmp_path: Path, subject: lowering.Subject
) -> None:
    out = tmp_path / "small.onnx"
    answer = tasks.export(
        run, ExportOptions("onnx", precision="int8-static", prepared="probabilities"), out
    )
    assert answer["metrics"] == {}
    values = lowering.raw(trained.load(run, None), subject, subject.compared())[0]
    odds = running.computing(out, subject.interface.inputs)(*values)
    assert torch.allclose(odds.sum(1), torch.ones(len(odds)), atol=0.05)


@pytest.mark.parametrize("to", ["pt2", "code", "package"])
def test_other_formats_have_no_precision(to: str, tmp_path: Path) -> None:
    with pytest.raises(NetbuilderError, match="no other precision"):
        tasks.export(Document(), ExportOptions(to, precision="fp16"), tmp_path / "a")
