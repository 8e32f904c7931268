"""The table of runs: what it reads, what it remembers, how it is filtered, notes and deleting."""

from __future__ import annotations

import json
import os
import platform
import random
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks import runs_table
from netbuilder.app import run_care, run_table, templates
from netbuilder.app.run_filter import Filter
from netbuilder.app.run_rows import RunRow
from netbuilder.app.runs import next_run
from netbuilder.errors import RunError
from netbuilder.storage import format
from netbuilder.training import run_settings
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.run_settings import differing, settings_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    runs_table.make(tmp_path, 20)
    return tmp_path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The runs whose files were read, one by one."""
    seen: list[Path] = []
    real = run_table._read

    def spy(run: Path, *rest: Any) -> Any:
        seen.append(run)
        return real(run, *rest)

    monkeypatch.setattr(run_table, "_read", spy)
    return seen


def touch_status(run: Path, **changes: Any) -> None:
    path = run / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_latest_is_first(folder: Path) -> None:
    rows = run_table.rows(folder)
    assert [row.name for row in rows] == [f"run-{n:04d}" for n in range(20, 0, -1)]
    first = rows[0]
    assert (first.status, first.epoch, first.epochs) == ("finished", 5, 5)
    assert first.best_value == first.metrics["val/loss"]
    assert first.settings["data.source"] == "netbuilder.Digits"
    assert first.settings["optimizer.kind"] == "AdamW"
    assert json.dumps(first.to_json())
    assert run_table.row(first.path) == first


def test_a_second_look_reads_only_what_changed(folder: Path, read: list[Path]) -> None:
    before = run_table.rows(folder)
    assert len(read) == 20
    read.clear()
    assert run_table.rows(folder) == before
    assert read == []
    run = folder / "run-0007"
    touch_status(run, epoch=6)
    run_care.set_note(folder / "run-0003", "good")
    rows = {row.name: row for row in run_table.rows(folder)}
    assert {path.name for path in read} == {"run-0007", "run-0003"}
    assert rows["run-0007"].epoch == 6
    assert rows["run-0003"].note == "good"
    assert rows["run-0007"].settings == before[13].settings


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_index_is_made_anew(folder: Path, seed: int) -> None:
    rows = run_table.rows(folder)
    index = folder / run_table.INDEX
    good = index.read_bytes()
    chance = random.Random(seed)
    data = bytearray(good)
    match seed % 4:
        case 0:
            del data[chance.randrange(len(data)) :]
        case 1:
            at = chance.randrange(len(data) - 50)
            data[at : at + 50] = chance.randbytes(50)
        case 2:
            data[:] = chance.choice([b"", b"[]", b"null", b'{"version": 1}', b"[" * 100_000])
        case 3:
            value = json.loads(data)
            entry = value["runs"][chance.choice(sorted(value["runs"]))]
            key = chance.choice(sorted(entry))
            entry[key] = chance.choice([None, 3, [], "x"]) if key != "origin" else []
            data[:] = json.dumps(value).encode()
    index.write_bytes(data)
    again = run_table.rows(folder)
    if seed % 4 != 1:  # a byte inside a text can't be told from what was meant
        assert again == rows
        assert run_table._read_index(folder).keys() == {row.name for row in rows}
    else:
        assert [row.name for row in again] == [row.name for row in rows]


def test_no_index_where_nobody_may_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr("netbuilder.app.run_table.atomic.write", refuse)
    assert len(run_table.rows(folder)) == 20
    assert not (folder / run_table.INDEX).exists()


def test_an_empty_folder_gets_no_index(tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    assert run_table.rows(tmp_path) == []
    assert run_table.rows(tmp_path / "nowhere") == []
    assert list(tmp_path.iterdir()) == [tmp_path / "else"]


def test_damaged_runs_are_listed_all_the_same(tmp_path: Path) -> None:
    for number, (project, status) in enumerate(
        [
            (b"\xff\x00", b"{"),
            (b'{\n  "netbuilder": 1,\n', b'{"metrics": 3, "best": [], "epoch": "x"}'),
            (b'{"training": 3, "graphs": {"a": 1}}', b'{"status": 5, "started": "never"}'),
            (b"", b""),
        ]
    ):
        run = tmp_path / f"run-{number}"
        run.mkdir()
        (run / "project.netb").write_bytes(project)
        (run / "status.json").write_bytes(status)
    for _ in range(2):
        rows = run_table.rows(tmp_path)
        assert len(rows) == 4
        assert all(json.dumps(row.to_json()) for row in rows)


def test_a_run_whose_process_is_gone_has_crashed(folder: Path) -> None:
    run = folder / "run-0001"
    me = psutil.Process()
    mine = {"host": platform.node(), "pid": me.pid, "status": "running"}
    started = me.create_time() - psutil.boot_time()
    touch_status(run, **mine, process_started=started)
    assert run_table.rows(folder)[-1].alive
    assert run_table.rows(folder)[-1].alive
    touch_status(run, **mine, process_started=started - 1000)
    assert run_table.rows(folder)[-1].status == "crashed"


def test_a_run_without_a_status_is_as_its_events_say(folder: Path, read: list[Path]) -> None:
    run = folder / "run-0001"
    (run / "status.json").unlink()
    assert run_table.rows(folder)[-1].status in ("crashed", "finished")
    with open(run / "events.jsonl", "a") as events:
        line = {"seq": 9, "time": 1.0, "event": "finished", "epoch": 9, "step": 180}
        events.write(json.dumps({**line, "values": {"status": "stopped"}}) + "\n")
    found = next(row for row in run_table.rows(folder) if row.name == "run-0001")
    assert (found.status, found.epoch) == ("stopped", 9)


# -- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize("template", [t.id for t in templates.templates()])
def test_settings_found_without_the_networks_are_those_of_the_whole_text(template: str) -> None:
    text = format.dumps(templates.open_template(template)).encode()
    value = json.loads(text)
    quick = run_settings._parts(text)
    steps = [graph for graph in value["graphs"] if graph["kind"] == "step"]
    for key in ("nodes", "wires"):
        for step in steps:
            step.pop(key)
    assert list(quick["graphs"]) == steps
    assert all(quick[key] == value[key] for key in ("training", "data") if key in value)
    assert settings_of(text) == settings_of(json.dumps(json.loads(text), indent=3).encode())


def test_only_settings_that_differ_count_and_defaults_are_known() -> None:
    rows: list[dict[str, run_settings.Value]] = [
        {"optimizer.kind": "AdamW", "epochs": 3},
        {"optimizer.kind": "AdamW", "optimizer.lr": 0.001, "epochs": 3, "seed": 1},
    ]
    # 0.001 is AdamW's own learning rate.
    assert differing(rows) == ["seed"]
    assert run_settings.setting(rows[0], "optimizer.lr") == 0.001
    assert run_settings.setting(rows[0], "seed") == 0
    assert run_settings.setting(rows[0], "no.such") is None


# -- filter ----------------------------------------------------------------------------------


ROW = RunRow(
    Path("runs/run-003"),
    status="finished",
    epoch=7,
    metrics={"val/accuracy": 0.93, "train/accuracy": 0.5, "val/loss": None},
    best={"value": 0.2},
    settings={"optimizer.lr": 0.02, "optimizer.kind": "AdamW", "batch_size": 64, "nesterov": True},
    note="With more dropout",
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", True),
        ("lr>0.01", True),
        ("lr > 0.01 accuracy>0.9", True),
        ("lr<=0.01", False),
        ("accuracy>0.95", False),
        ("train/accuracy<0.6", True),
        ("optimizer.lr=0.02", True),
        ("kind=adamw", True),
        ("kind!=adamw", False),
        ("nesterov=true", True),
        ("dropout", True),
        ("DROPOUT finished", True),
        ("adamw", True),
        ("dropout stopped", False),
        ("run-003 batch_size=64", True),
        ("best<0.3 epoch>=7", True),
        ('note="with more dropout"', True),
        ("loss<1", False),
        ("nothing>1", False),
        ("lr>", False),
        ("seed=0", True),
    ],
)
def test_a_filter_keeps(text: str, kept: bool) -> None:
    assert Filter.parse(text).keeps(ROW) == kept


def test_a_filter_tells_names_that_nobody_has() -> None:
    assert Filter.parse("lr>1 nonsense>2").unknown([ROW]) == ["nonsense"]


# -- care ------------------------------------------------------------------------------------


def test_notes_and_pins_stay_with_the_run(folder: Path) -> None:
    run = folder / "run-0002"
    run_care.set_note(run, "  Worth another look\n")
    run_care.set_pinned(run, True)
    row = run_table.row(run)
    assert (row.note, row.pinned) == ("Worth another look", True)
    run_care.set_pinned(run, False)
    assert json.loads((run / "notes.json").read_text()) == {"note": "Worth another look"}


def test_a_deleted_run_can_be_put_back(folder: Path) -> None:
    before = run_table.rows(folder)
    runs = [folder / "run-0020", folder / "run-0004"]
    deleted = [run_care.delete(run) for run in runs]
    assert len(run_table.rows(folder)) == 18
    assert {path.name for path in run_care.in_trash(folder)} == {"run-0020", "run-0004"}
    # Its number is not given to another run meanwhile.
    assert next_run(folder).name == "run-021"
    runs[1].mkdir()
    assert run_care.restore(deleted[1]).name == "run-0004-2"
    runs[1].rmdir()
    (folder / "run-0004-2").rename(runs[1])
    assert run_care.restore(deleted[0]) == runs[0]
    assert run_table.rows(folder) == before
    assert not (folder / run_care.TRASH).exists()


def test_the_trash_can_be_emptied(folder: Path) -> None:
    deleted = run_care.delete(folder / "run-0001")
    run_care.empty_trash(folder)
    assert run_care.in_trash(folder) == []
    with pytest.raises(RunError, match="can't be put back"):
        run_care.restore(deleted)


def test_a_run_that_is_trained_can_not_be_deleted(folder: Path) -> None:
    run = folder / "run-0001"
    with RunFolder(run).locked(), pytest.raises(RunError, match="being trained"):
        run_care.delete(run)
    me = psutil.Process()
    started = me.create_time() - psutil.boot_time()
    touch_status(
        run, status="paused", host=platform.node(), pid=os.getpid(), process_started=started
    )
    with pytest.raises(RunError, match="being trained"):
        run_care.delete(run)
    touch_status(run, status="running", host="another machine")
    with pytest.raises(RunError, match="being trained"):
        run_care.delete(run)
    assert run.exists()
    touch_status(run, status="running", host=platform.node(), process_started=started - 1000)
    run_care.delete(run)
    assert not run.exists()
