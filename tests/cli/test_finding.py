"""find-lr, find-batch, tune, weigh-classes, train --folds and --tune: answers, words, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.templates import open_template
from netbuilder.graph.document import Document
from netbuilder.storage import files
from netbuilder.training.trials import tuning
from tests.cli.test_commands import Run, _own_random_state, _own_signal_handlers, run

__all__ = ["_own_random_state", "_own_signal_handlers", "run"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "p.netb"
    files.save(open_template("digits_mlp"), path)
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "SECONDS", 0.0)
    monkeypatch.setattr(tuning, "ROUNDS", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 1)


def step(path: Path) -> Any:
    document: Document = files.load(path)
    return document.of_kind("step")[0]


def test_a_rate_is_found_and_written(run: Run, file: Path) -> None:
    before = file.read_bytes()
    found = run("find-lr", file, "--points", "40", "--json")
    assert found.code == 0
    assert found.json["step"] == "train"
    assert len(found.json["rates"]) == len(found.json["losses"])
    assert file.read_bytes() == before
    written = run("find-lr", file, "--points", "40", "--apply")
    assert "Suggested learning rate of 'train'" in written.out
    assert step(file).info.settings["optimizer"]["lr"] == found.json["suggestion"]


def test_a_batch_size_is_found_and_written(run: Run, file: Path) -> None:
    found = run("find-batch", file, "--most", "8", "--apply", "--json")
    assert found.code == 0
    assert [line["batch_size"] for line in found.json["table"]] == [2, 4, 8]
    assert files.load(file).project.training["batch_size"] == found.json["suggestion"]
    words = run("find-batch", file, "--most", "4")
    assert "forecast MB" in words.out
    assert "Largest that fits: 4" in words.out


def test_ways_are_measured_and_written(run: Run, file: Path, quick: None) -> None:
    found = run("tune", file, "--apply", "--json", "--set", "training.threads=1")
    assert found.code == 0
    assert found.json["best"].keys() == {"threads", "channels_last", "compile"}
    training = files.load(file).project.training
    assert {name: training[name] for name in found.json["best"]} == found.json["best"]
    assert "ratio" in run("tune", file).out


def test_classes_are_weighed(run: Run, file: Path) -> None:
    found = run("weigh-classes", file, "--apply", "--json")
    assert found.code == 0
    (entry,) = found.json["losses"]
    assert list(step(file).nodes[entry["node"]].params["weight"]) == found.json["weights"]
    assert run("weigh-classes", file, "--field", "image").code == 2


def test_folds_train_a_group(run: Run, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "g"
    told = run("train", file, "--run", out, "--folds", "2", "--epochs", "1", "--json")
    assert told.code == 0
    assert sorted(path.name for path in out.iterdir()) == ["fold-1", "fold-2", "folds.json"]
    assert told.json["metrics"]["val/accuracy"]["values"]
    assert "Fold 2 of 2" in told.err
    again = run("train", file, "--run", out, "--folds", "2", "--epochs", "1", "--resume")
    assert "deviation" in again.out
    twice = run("train", file, "--run", out, "--folds", "2", "--epochs", "1")
    assert twice.code == 2
    assert run("train", file, "--run", out, "--folds", "1").code == 2


def test_a_run_keeps_what_it_was_tuned_by(
    run: Run, file: Path, tmp_path: Path, quick: None
) -> None:
    out = tmp_path / "r"
    told = run("train", file, "--run", out, "--tune", "--epochs", "1", "--json")
    assert told.code == 0
    kept = json.loads((out / "environment.json").read_text())
    best = kept["tuning"]["best"]
    assert kept["threads"] == best["threads"]
    assert {
        k: v for k, v in files.load(out / "project.netb").project.training.items() if k in best
    } == best
    assert run("train", file, "--run", out, "--resume", "--epochs", "2", "--json").code == 0
    assert json.loads((out / "environment.json").read_text())["tuning"] == kept["tuning"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["find-lr", "--step", "other"], "no step 'other'"),
        (["find-lr", "--points", "2"], "10 points"),
        (["find-batch", "--limit", "0.001"], "above the limit"),
        (["tune", "--set", "nothing"], "sets nothing"),
    ],
)
def test_what_is_wrong_is_told(run: Run, file: Path, arguments: list[str], text: str) -> None:
    first, *rest = arguments
    told = run(first, file, *rest)
    assert told.code != 0
    assert text in told.err


@pytest.mark.parametrize("other", [["--worker", "x"], ["--keep", "main"], ["--widen"], ["--tune"]])
def test_folds_refuse_what_they_would_leave_out(
    run: Run, file: Path, tmp_path: Path, other: list[str]
) -> None:
    out = tmp_path / "folds"
    told = run("train", file, "--run", out, "--folds", "2", *other)
    assert told.code == 2
    assert f"--folds and {other[0]}" in told.err
    assert not out.exists()
