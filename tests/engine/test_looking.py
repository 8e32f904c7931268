"""Batch sizes, folds and class weights: the engine's ways to look before a training."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.templates import open_template
from netbuilder.engine import finding_batch, folds, overrides, planning, tasks, weighing
from netbuilder.errors import NetbuilderError, RunError
from netbuilder.graph.document import Document
from netbuilder.training.control import Control
from netbuilder.training.plan import Plan


def document(**values: Any) -> Document:
    chosen = {"training.threads": 1, "training.device": "cpu", **values}
    return overrides.apply(open_template("digits_mlp"), chosen)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planning.make(document())


def test_sizes_double_and_the_forecast_grows_alike(plan: Plan) -> None:
    found = finding_batch.find(plan, most=48)
    sizes = [line["batch_size"] for line in found["table"]]
    assert sizes == [2, 4, 8, 16, 32, 48]
    assert found["largest"] == 48
    assert found["suggestion"] in sizes
    forecasts = [line["forecast"] for line in found["table"]]
    steps = [b - a for a, b in itertools.pairwise(forecasts)]
    # By the sample the same: what is kept grows with the batch, the weights do not.
    widths = [b - a for a, b in itertools.pairwise(sizes)]
    each = [step / width for step, width in zip(steps, widths, strict=True)]
    assert all(value == pytest.approx(each[0], rel=0.02) for value in each)
    assert all(line["measured"] is not None for line in found["table"])


def test_what_is_forecast_above_the_limit_is_not_tried(plan: Plan) -> None:
    eight = finding_batch.forecast(plan, 8)
    assert eight is not None
    tried: list[finding_batch.Tried] = []
    with pytest.raises(RunError, match="forecast is above the limit"):
        finding_batch.find(plan, limit_mb=1e-3, tell=tried.append)
    assert [each.measured for each in tried] == [None]


def test_running_out_of_memory_ends_it(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    original = finding_batch._speed

    def speed(run: Any) -> float:
        if run.settings.batch_size >= 16:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 1 TB")
        return original(run)

    monkeypatch.setattr(finding_batch, "_speed", speed)
    found = finding_batch.find(plan, most=64)
    assert found["largest"] == 8
    assert found["table"][-1]["failed"] == "There is not enough memory."


def test_the_smallest_size_with_nearly_the_best_speed(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds = {2: 10.0, 4: 50.0, 8: 97.0, 16: 100.0, 32: 90.0}
    monkeypatch.setattr(finding_batch, "_speed", lambda run: speeds[run.settings.batch_size])
    found = finding_batch.find(plan, most=32)
    assert (found["largest"], found["suggestion"]) == (32, 8)


def test_a_search_can_be_stopped(plan: Plan) -> None:
    control = Control()
    control.stop()
    assert len(finding_batch.find(plan, most=64, control=control)["table"]) == 1


# -- folds -------------------------------------------------------------------------------------


def test_folds_are_whole_runs_and_their_metrics_are_put_together(tmp_path: Path) -> None:
    answer = folds.train(document(), tmp_path / "g", 3, overrides={"training.epochs": 1})
    assert answer["status"] == "finished"
    assert [Path(each["run"]).name for each in answer["folds"]] == ["fold-1", "fold-2", "fold-3"]
    entry = answer["metrics"]["val/accuracy"]
    values = [each["metrics"]["val/accuracy"] for each in answer["folds"]]
    assert entry["values"] == values
    assert entry["mean"] == pytest.approx(sum(values) / 3)
    assert json.loads((tmp_path / "g" / "folds.json").read_text()) == answer
    prints = {
        json.loads((Path(each["run"]) / "data.json").read_text())["fingerprint"]
        for each in answer["folds"]
    }
    assert len(prints) == 3


def test_a_group_that_was_stopped_goes_on(tmp_path: Path) -> None:
    wanted = {"training.epochs": 1}
    whole = folds.train(document(), tmp_path / "whole", 2, overrides=wanted)
    control = Control()
    stopped = folds.train(
        document(),
        tmp_path / "parts",
        2,
        overrides=wanted,
        control=control,
        listen=lambda number, event: control.stop() if number == 2 else None,
    )
    assert stopped["status"] == "stopped"
    again = folds.train(document(), tmp_path / "parts", 2, overrides=wanted, resume=True)
    assert again["metrics"] == whole["metrics"]


def test_a_fold_of_a_project_with_fewer_folds(tmp_path: Path) -> None:
    made = document(**{"data.folds": 2, "data.fold": 2})
    answer = folds.train(made, tmp_path / "g", 3, overrides={"training.epochs": 1})
    assert len(answer["folds"]) == 3
    with pytest.raises(NetbuilderError, match="2 folds or more"):
        folds.train(made, tmp_path / "h", 1)


# -- class weights -----------------------------------------------------------------------------


def test_weights_go_into_the_loss_and_train(tmp_path: Path) -> None:
    made = document(**{"training.epochs": 1})
    found = weighing.look(made)
    assert found["field"] == "label"
    assert len(found["weights"]) == 10
    changed = weighing.write(made, found)
    (entry,) = found["losses"]
    node = changed.graphs[entry["graph"]].nodes[entry["node"]]
    assert list(node.params["weight"]) == found["weights"]
    assert made.graphs[entry["graph"]].nodes[entry["node"]].params.get("weight") is None
    assert tasks.train(changed, tmp_path / "r")["status"] == "finished"


def test_without_classes_there_is_nothing_to_weigh() -> None:
    with pytest.raises(NetbuilderError, match="No loss here weighs classes"):
        weighing.look(open_template("autoencoder"))
