"""A run's network made smaller: every file, its project and its row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from safetensors.torch import load_file

from netbuilder.app.templates import open_template
from netbuilder.cli.main import main
from netbuilder.engine import exporting, jobs, shrinking, tasks
from netbuilder.engine.shrinking import Wish
from netbuilder.errors import ExportError, NetbuilderError
from netbuilder.exchange import watched
from netbuilder.exchange.smaller import child, pruning
from netbuilder.storage import files
from netbuilder.training import artifacts
from netbuilder.training.control import Control
from netbuilder.training.records.folder import RunFolder


@pytest.fixture(autouse=True)
def _own_random_state() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


Told = tuple[dict[str, Any], list[str]]
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", autouse=True)
def at_hand() -> Iterator[None]:
    """The children's work in this process: starting one takes seconds."""

    def ask(module: str, job: Mapping[str, Any], folder: Path, **rest: Any) -> dict[str, Any]:
        if rest["cancelled"].is_set():
            raise ExportError(rest["why"])
        return {"found": child.run(job)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watched, "ask", ask)
        patch.setattr(exporting, "write", partial(exporting.write, apart=False))
        yield


@pytest.fixture(scope="module")
def made(at_hand: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """A run, and all that was made of it."""
    run = tmp_path_factory.mktemp("shrinking") / "run"
    short = {"training.epochs": 4, "training.threads": 1}
    told: list[str] = []
    wish = Wish(structured=0.25, fp16=True, int8=True)
    with torch.random.fork_rng(devices=[]):
        result = tasks.train(open_template("digits_mlp"), run, overrides=short)
        assert result["status"] == "finished"
        answer = shrinking.shrink(run, wish, tell=lambda row: told.append(row["name"]))
    assert len(told) == wish.files
    return run, (answer, told)


@pytest.fixture
def run(made: tuple[Path, Told]) -> Path:
    return made[0]


@pytest.fixture
def exported(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No export at all, where it is not the matter: every file is the one that was made."""
    kept = (run / "artifacts" / "fp32.onnx").read_bytes()

    def write(model: Any, to: str, out: Path, **rest: Any) -> dict[str, Any]:
        out.write_bytes(kept)
        return {"max_rel_error": 0.0}

    monkeypatch.setattr(exporting, "write", write)


def test_all_of_it(made: tuple[Path, Told]) -> None:
    run, (answer, told) = made
    names = [
        *("fp32", "fp16", "int8", "int8-static"),
        *(f"structured-25{rest}" for rest in ("", "-fp16", "-int8", "-int8-static")),
    ]
    rows = {row["name"]: row for row in answer["rows"]}
    assert list(rows) == told == names
    assert artifacts.rows(run) == answer["rows"]
    assert answer["refused"] == []
    for name, row in rows.items():
        path = run / "artifacts" / row["file"]
        assert row["bytes"] == path.stat().st_size
        assert row["metrics"].keys() == {"val/loss", "val/accuracy"}
        assert row["latency_ms"].keys() == {"1", "64"}
        assert min(row["latency_ms"].values()) > 0
        assert row["against"] == (None if name == "fp32" else "fp32")
        assert (row["project"] is None) == (row["name"] in names[:4])
        told_by = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        assert told_by.get("netbuilder.precision", "fp32") == row["kind"]
    best = RunFolder(run).status()["best"]["metrics"]
    for key, value in rows["fp32"]["metrics"].items():
        assert value == pytest.approx(best[key], rel=1e-4)
    assert rows["structured-25"]["parameters"] < 0.7 * rows["fp32"]["parameters"]
    assert rows["structured-25"]["bytes"] < 0.7 * rows["fp32"]["bytes"]
    assert rows["int8"]["bytes"] < 0.4 * rows["fp32"]["bytes"]
    assert rows["structured-25"]["metrics"] != rows["fp32"]["metrics"]
    assert answer["cut"] == {"hidden1": [256, 192], "hidden2": [128, 96]}
    assert answer["stays"] == [{"name": "classifier", "reason": "it is what its graph gives."}]


def test_what_was_pruned_is_trained_on_from_there(run: Path, tmp_path: Path) -> None:
    row = next(row for row in artifacts.rows(run) if row["name"] == "structured-25")
    document = files.load(run / "artifacts" / row["project"])
    short = {"training.epochs": 1, "training.threads": 1}
    result = tasks.train(document, tmp_path / "again", overrides=short)
    assert result["status"] == "finished"
    # One epoch on pruned weights is better than they were, and than one of random ones.
    assert result["metrics"]["val/loss"] < row["metrics"]["val/loss"]
    fresh = tasks.train(open_template("digits_mlp"), tmp_path / "fresh", overrides=short)
    assert result["metrics"]["val/loss"] < fresh["metrics"]["val/loss"]


def test_rows_of_other_times_stay_in_the_table(run: Path, exported: None) -> None:
    shrinking.shrink(run, Wish(fp16=True))
    before = {row["name"] for row in artifacts.rows(run)}
    shrinking.shrink(run, Wish(prune=0.9))
    rows = [row["name"] for row in artifacts.rows(run)]
    assert set(rows) == before | {"fp32", "pruned-90"}
    assert len(rows) == len(set(rows))
    pruned = next(row for row in artifacts.rows(run) if row["name"] == "pruned-90")
    assert pruned["zeros"] == pytest.approx(0.9 * 50432, rel=0.01)
    state = load_file(run / "artifacts" / "pruned-90.safetensors")
    assert sum(int((each == 0).sum()) for each in state.values()) == pruned["zeros"]
    (run / "artifacts" / "table.json").write_text("{")
    assert artifacts.rows(run) == []


def test_it_ends_when_nobody_wants_it(run: Path, exported: None) -> None:
    seen: list[str] = []
    with pytest.raises(ExportError, match="cancelled"):
        shrinking.shrink(
            run,
            Wish(prune=0.7),
            stopped=lambda: bool(seen),
            tell=lambda row: seen.append(row["name"]),
        )
    assert seen == ["fp32"]
    assert "fp32" in {row["name"] for row in artifacts.rows(run)}
    assert "pruned-70" not in {row["name"] for row in artifacts.rows(run)}


def test_what_can_not_be_made_is_told(
    run: Path, exported: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*args: object) -> None:
        raise ExportError("No channels can be taken out of this network.", "a: why")

    monkeypatch.setattr(pruning, "structured", nothing)
    answer = shrinking.shrink(run, Wish(structured=0.5))
    (refused,) = answer["refused"]
    assert refused["name"] == "structured-50"
    assert [row["name"] for row in answer["rows"]] == ["fp32"]


@pytest.mark.parametrize("share", [0, 1, 2, -1])
def test_a_wish_that_can_not_be(share: float) -> None:
    with pytest.raises(NetbuilderError, match="can't be pruned"):
        Wish.from_json({"prune": share})


def test_the_command(run: Path, exported: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shrink", str(run), "--structured", "0.5", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in answer["rows"]] == ["fp32", "structured-50"]
    assert main(["shrink", str(run), "--fp16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["name", "bytes", "packed", "parameters"]
    assert [line.split()[0] for line in lines[1:]] == ["fp32", "fp16"]
    assert main(["shrink", str(run)]) == 2
    assert main(["shrink", str(run), "--prune", "1.5"]) == 2
    assert main(["shrink", str(run / "nowhere"), "--fp16"]) == 2


def test_the_worker_does_it_in_the_place_of_a_training(run: Path, exported: None) -> None:
    work, control = jobs.TRIALS["shrink"], Control()
    answer = work({"run": str(run), "fp16": True}, control)
    assert [row["name"] for row in answer["rows"]] == ["fp32", "fp16"]
    control.stop()
    with pytest.raises(ExportError, match="cancelled"):
        work({"run": str(run), "fp16": True}, control)
