"""Why a run ended, from its folder alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from netbuilder.app import run_ends
from netbuilder.cli.main import main
from netbuilder.engine.detaching import LOG
from netbuilder.training.records import kills
from netbuilder.training.records.lock import process_started
from tests.app.strangers import Writer, stranger

SOON = 4e9
"""A time after any start of this computer."""


@pytest.fixture(scope="module")
def dead() -> dict[str, Any]:
    """A process that is gone, as a status tells of it."""
    with stranger() as process:
        return {"pid": process.pid, "process_started": process_started(process.pid)}


@pytest.fixture
def run(tmp_path: Path, dead: dict[str, Any]) -> Path:
    return write(tmp_path / "run-001", dead)


def write(path: Path, dead: dict[str, Any], status: str = "running", **changes: Any) -> Path:
    writer = Writer(path, os.getpid())
    known = json.loads((path / "status.json").read_text())
    value = {**known, "status": status, "updated": SOON, "step": 5, **dead, **changes}
    (writer.path / "status.json").write_text(json.dumps(value))
    return path


@pytest.mark.parametrize(
    ("printed", "cause", "hint"),
    [
        ("Fatal Python error: Segmentation fault\n\nThread 0x1\n", "SIGSEGV", ""),
        ("terminate called after throwing 'std::bad_alloc'", "ran out of memory", "smaller batch"),
        ("ImportError: no libfoo", "It said last: ImportError: no libfoo", ""),
        ("", "killed, most likely", ""),
    ],
)
def test_what_it_printed_last_tells(run: Path, printed: str, cause: str, hint: str) -> None:
    (run / LOG).write_text(printed)
    found, advice = run_ends.why(run)
    assert cause in found
    assert hint in advice
    assert advice.endswith(run_ends.RESUMABLE)


def test_words_of_an_earlier_process_do_not_count(run: Path, dead: dict[str, Any]) -> None:
    (run / LOG).write_text("MemoryError")
    before = dead["process_started"] + psutil.boot_time() - 60
    os.utime(run / LOG, (before, before))
    assert "memory" not in run_ends.why(run)[0]


def test_lack_of_memory_is_known_by_the_count_of_the_system(
    tmp_path: Path, dead: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    vmstat = tmp_path / "vmstat"
    monkeypatch.setattr(kills, "VMSTAT", vmstat)
    assert kills.for_memory() is None
    run = write(tmp_path / "run-001", dead, oom_kills=3)
    for count, starved in ((3, False), (4, True)):
        vmstat.write_text(f"oom_kill_x 9\noom_kill {count}\n")
        assert kills.for_memory() == count
        assert ("lack of memory" in run_ends.why(run)[0]) is starved


def test_a_new_start_of_the_computer_is_told(tmp_path: Path, dead: dict[str, Any]) -> None:
    run = write(tmp_path / "run-001", dead, updated=psutil.boot_time() - 9, step=0)
    assert run_ends.why(run) == ("The computer was started anew while it trained.", "")


def test_who_saw_it_die_is_believed_but_not_for_the_next_one(
    run: Path, dead: dict[str, Any]
) -> None:
    run_ends.note(run, "The worker was killed (SIGKILL).", "Less.")
    assert run_ends.why(run) == (
        "The worker was killed (SIGKILL).",
        f"Less. {run_ends.RESUMABLE}",
    )
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "process_started": 1.0}))
    assert "SIGKILL" not in run_ends.why(run)[0]


def test_only_the_end_of_a_dead_process_is_noted(tmp_path: Path) -> None:
    run = write(tmp_path / "run-001", {})
    run_ends.note(run, "The worker was killed.", "")
    assert not (run / run_ends.FILE).exists()
    assert run_ends.why(run) == ("", "")


def test_the_list_of_runs_tells_causes(
    run: Path, dead: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"message": "The loss is NaN.", "hint": "Lower the rate."}
    write(run.with_name("run-002"), dead, "failed", error=error)
    write(run.with_name("run-003"), dead, "finished")
    assert main(["runs", str(run.parent)]) == 0
    told = capsys.readouterr().out
    assert "run-001 crashed: Its process" in told
    assert "run-002 failed: The loss is NaN. Lower the rate." in told
    assert "run-003 finished" not in told
    assert main(["runs", str(run.parent), "--json"]) == 0
    causes = {row["name"]: row["why"] for row in json.loads(capsys.readouterr().out)}
    assert causes["run-002"] == "The loss is NaN. Lower the rate."
    assert causes["run-003"] == ""
