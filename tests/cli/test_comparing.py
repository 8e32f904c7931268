"""runs, compare and diff: their rows and their words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import runs_table
from netbuilder.app import run_care, templates
from netbuilder.cli.main import main
from netbuilder.engine import overrides
from netbuilder.storage import files

Call = Callable[..., tuple[int, str, str]]
NUMBERS = ("shape", "cost")
KEYS = {"change", "what", "graph", "node", "key", "before", "after", "words"} | {
    f"{old}{thing}_id" for old in ("", "old_") for thing in ("graph", "node")
}


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    runs_table.make(tmp_path, 6)
    return tmp_path


def answer(call: Call, *arguments: object) -> Any:
    code, out, _ = call(*arguments, "--json")
    assert code == 0
    return json.loads(out)


def test_pinned_runs_come_first_and_a_filter_leaves_some_out(call: Call, folder: Path) -> None:
    run_care.set_pinned(folder / "run-0002", True)
    run_care.set_note(folder / "run-0005", "promising")
    rows = answer(call, "runs", folder)
    assert [row["name"] for row in rows] == [f"run-000{n}" for n in (2, 6, 5, 4, 3, 1)]
    assert rows[0]["pinned"]
    assert [row["name"] for row in answer(call, "runs", folder, "--filter", "promising")] == [
        "run-0005"
    ]
    rates = [row["settings"]["optimizer.lr"] for row in rows]
    middle = sorted(rates)[2]
    some = answer(call, "runs", folder, "--filter", f"lr>{middle}")
    assert sorted(row["settings"]["optimizer.lr"] for row in some) == sorted(rates)[3:]
    assert "promising" in call("runs", folder)[1]
    code, _, err = call("runs", folder, "--filter", "nonsense>1")
    assert code == 2
    assert "nonsense" in err


def test_compare_tells_what_differs(call: Call, folder: Path) -> None:
    rows = answer(call, "compare", folder / "run-0001", folder / "run-0002")
    assert [row["name"] for row in rows] == ["run-0001", "run-0002"]
    assert rows[0]["settings"].keys() == rows[1]["settings"].keys()
    assert "optimizer.lr" in rows[0]["settings"]
    assert rows[0]["metrics"].keys() == {"train/loss", "val/loss", "val/accuracy"}
    assert rows[0]["best"]["monitor"] == "val/loss"
    for name in rows[0]["settings"]:
        assert rows[0]["settings"][name] != rows[1]["settings"][name]
    out = call("compare", folder / "run-0001", folder / "run-0002")[1]
    assert "optimizer.lr" in out
    assert call("compare", folder)[0] == 2


def test_diff_takes_projects_and_runs(call: Call, folder: Path, tmp_path: Path) -> None:
    before = templates.open_template("digits_mlp")
    after = overrides.apply(before, {"training.batch_size": 16, "main.hidden1.out_features": 99})
    one, other = tmp_path / "a.netb", tmp_path / "b.netb"
    files.save(before, one)
    files.save(after, other)
    rows = answer(call, "diff", one, other, "--drawn")
    assert [(row["what"], row["node"], row["key"], row["after"]) for row in rows] == [
        ("setting", "", "training.batch_size", 16),
        ("parameter", "hidden1", "out_features", 99),
    ]
    assert "'hidden1': out_features" in call("diff", one, other, "--drawn")[1]
    codes = [call("diff", one, it, "--drawn", "--exit-code")[0] for it in (one, other)]
    assert codes == [0, 1]
    worked_out = [row for row in answer(call, "diff", one, other) if row["what"] in NUMBERS]
    assert [(row["node"], row["key"], row["after"]) for row in worked_out if row["node"]] == [
        ("hidden1", "output", "N×99"),
        ("relu1", "output", "N×99"),
    ]
    costs = {row["key"]: row["after"] for row in worked_out if row["what"] == "cost"}
    summary = answer(call, "summary", other)["networks"]["main"]
    assert costs == {key: summary[key] for key in ("parameters", "macs", "kept_bytes")}
    assert rows[0].keys() == KEYS | {"wire", "old_wire"}
    assert answer(call, "diff", one, one) == []
    assert "mean the same" in call("diff", one, one)[1]
    assert answer(call, "diff", folder / "run-0001", folder / "run-0001") == []
    assert call("diff", one, tmp_path / "nowhere.netb")[0] == 2


def test_board_writes_what_tensorboard_reads(call: Call, folder: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    rows = answer(call, "board", folder)
    assert len(rows) == 6
    found = EventAccumulator(str(folder / "run-0003"))
    found.Reload()
    assert [each.step for each in found.Scalars("val/loss")] == [20, 40, 60, 80, 100]
    assert answer(call, "board", folder / "run-0001")[0]["bytes"] == rows[0]["bytes"]
    assert "tensorboard --logdir" in call("board", folder)[2]
    empty = folder.parent / "empty"
    empty.mkdir()
    assert "no run" in call("board", empty)[2]


def test_train_from_a_run(call: Call, tmp_path: Path) -> None:
    import signal

    import torch

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    project = tmp_path / "a.netb"
    files.save(templates.open_template("digits_mlp"), project)
    first, second = tmp_path / "r1", tmp_path / "r2"
    with torch.random.fork_rng(devices=[]):
        short = ("--epochs", 1, "--device", "cpu")
        assert call("train", project, "--run", first, *short)[0] == 0
        begin = ("train", project, "--run", second, *short)
        code, _, err = call(*begin, "--from", first, "--keep", "main.hidden")
        assert code == 2
        assert "Did you mean main.hidden" in err
        assert not second.exists()
        assert call(*begin, "--keep", "main.hidden1")[0] == 2
        assert call(*begin, "--from", first, "--resume")[0] == 2
        assert call(*begin, "--from", tmp_path)[0] == 2
        code, out, err = call(*begin, "--from", first, "--keep", "main.hidden1", "--json")
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert code == 0
    origin = json.loads(out)["origin"]
    assert origin["name"] == "r1"
    states = {item["part"]: item["state"] for item in origin["items"]}
    assert states == {"main.hidden1": "kept", "main.hidden2": "new", "main.classifier": "new"}
    assert "new: main.hidden2.weight. Left out." in err
    assert "The optimizer begins anew." in err
    [row] = [row for row in answer(call, "runs", tmp_path) if row["name"] == "r2"]
    assert row["from"] == "r1"


def test_a_run_is_no_folder_of_runs(call: Call, folder: Path) -> None:
    run = next(path.parent for path in sorted(folder.glob("*/project.netb")))
    code, out, err = call("runs", run)
    assert (code, out) == (2, "")
    assert "is a run" in err
