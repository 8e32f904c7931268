"""The run folder, its events, its status and its lock, as those who follow a run see them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netbuilder.errors import RunError
from netbuilder.training.records import lock
from netbuilder.training.records.events import KINDS, Event, current, from_lines, to_line
from netbuilder.training.records.folder import RunFolder, list_runs, read_events


def event(seq: int, kind: Any = "metrics", step: int = 0, **values: Any) -> Event:
    return Event(seq, 1.5, kind, 0, step, values)


def folder_with(path: Path, *events: Event) -> RunFolder:
    folder = RunFolder.create(path, b"{}")
    with folder.locked():
        for entry in events:
            folder.append(entry)
    return folder


# -- events -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_events_round_trip(kind: str) -> None:
    told = event(3, kind, 7, loss=0.25, previews={"a": [[1.0, 2.0]]}, best=True, error=None)
    assert from_lines(to_line(told)) == [told]


def test_numbers_that_json_lacks_become_null() -> None:
    line = to_line(event(1, loss=float("nan"), other=[float("inf"), 1.0]))
    assert json.loads(line)["values"] == {"loss": None, "other": [None, 1.0]}


@pytest.mark.parametrize(
    "line",
    [
        b'{"seq":1,"time":1.5,"ev',
        b"{}",
        b"[1]",
        b"null",
        b"\xff\xfe",
        b'{"seq":"1","time":1.5,"event":"metrics","epoch":0,"step":0,"values":{}}',
        b'{"seq":1,"time":1.5,"event":"eval","epoch":0,"step":0,"values":{}}',
        b"[" * 5000,
    ],
)
def test_a_line_that_is_no_event_is_skipped(line: bytes) -> None:
    data = to_line(event(1)) + line + b"\n" + to_line(event(2))
    assert [entry.seq for entry in from_lines(data)] == [1, 2]


def test_a_torn_last_line_is_left_for_later(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "r", event(1))
    whole = to_line(event(2))
    with open(folder.events_path, "ab") as file:
        file.write(whole[:20])
        file.flush()
        events, offset = read_events(folder.path)
        assert [entry.seq for entry in events] == [1]
        file.write(whole[20:])
    more, end = read_events(folder.path, offset)
    assert [entry.seq for entry in more] == [2]
    assert end == folder.events_path.stat().st_size


def test_a_line_torn_by_a_kill_does_not_spoil_the_next(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "r", event(1))
    with open(folder.events_path, "ab") as file:
        file.write(to_line(event(2))[:20])
    with folder.locked():
        folder.append(event(3))
    events, _ = read_events(folder.path)
    assert [entry.seq for entry in events] == [1, 3]
    assert folder.last_event() == 3


def test_a_line_torn_by_a_full_disk_does_not_spoil_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder.create(tmp_path / "r", b"{}")
    write = os.write

    def half(descriptor: int, data: Any) -> int:
        write(descriptor, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with folder.locked():
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half)
            with pytest.raises(OSError, match="No space"):
                folder.append(event(1))
        folder.append(event(2))
    assert [entry.seq for entry in read_events(folder.path)[0]] == [2]


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    folder = folder_with(tmp_path / "r", event(1), event(2))
    assert [entry.seq for entry in read_events(folder.path)[0]] == [1, 2]


def test_a_folder_without_events_has_none(tmp_path: Path) -> None:
    assert read_events(tmp_path) == ([], 0)


def test_what_a_resume_went_back_behind_does_not_count() -> None:
    told = [
        event(1, "started", 0, resumed_from=None),
        event(2, step=5),
        event(3, step=9),
        event(4, "started", 5, resumed_from=5),
        event(5, step=9),
    ]
    assert [entry.seq for entry in current(told)] == [1, 2, 4, 5]


# -- folder and status --------------------------------------------------------------------------


def test_the_project_is_copied_exactly(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "runs" / "a", b'{"netbuilder": 1}\n')
    assert folder.project_path.read_bytes() == b'{"netbuilder": 1}\n'
    assert RunFolder.open(folder.path).status() == {"status": "new"}


def test_a_run_is_never_written_over(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, b"1")
    with pytest.raises(RunError, match="holds a run already"):
        RunFolder.create(tmp_path, b"2")
    assert RunFolder.open(tmp_path).project_path.read_bytes() == b"1"


def test_other_folders_are_no_runs(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not the folder of a run"):
        RunFolder.open(tmp_path)


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(RunError, match="can't be made"):
        RunFolder.create(tmp_path / "x" / "r", b"")


def test_runs_are_listed_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        RunFolder.create(tmp_path / name, b"")
    (tmp_path / "c").mkdir()
    (tmp_path / "d").write_text("")
    assert [run.path.name for run in list_runs(tmp_path)] == ["a", "b"]
    assert list_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"status": 5', "[" * 5000])
def test_a_damaged_status_is_made_up_from_the_events(tmp_path: Path, text: str) -> None:
    folder = folder_with(tmp_path / "r", event(1, "finished", 9, status="stopped"))
    (folder.path / "status.json").write_text(text)
    status = folder.status()
    assert (status["status"], status["step"]) == ("stopped", 9)
    with folder.locked():
        folder.append(event(2, step=12))
    assert folder.status()["status"] == "crashed"


CHILD = """
import sys, time
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.records.lock import process_started
import os, platform
folder = RunFolder(sys.argv[1])
with folder.locked():
    folder.write_status({
        "status": "running", "pid": os.getpid(), "process_started": process_started(),
        "host": platform.node(),
    })
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_killed_run_is_crashed_and_its_lock_free(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "r", b"{}")
    command = [sys.executable, "-c", CHILD, str(folder.path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdin is not None
    with child:
        assert child.stdout.readline() == b"ready\n"
        assert folder.status()["status"] == "running"
        with pytest.raises(RunError, match="at work"), folder.locked():
            pass
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert folder.status()["status"] == "crashed"
    with folder.locked():
        pass


def test_another_process_with_the_same_id_is_not_the_run(tmp_path: Path) -> None:
    assert lock.alive(os.getpid(), lock.process_started())
    assert not lock.alive(os.getpid(), lock.process_started() - 100)


def test_a_changed_clock_does_not_make_a_run_crashed(monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    started = lock.process_started()
    boot, create = psutil.boot_time(), psutil.Process().create_time()
    year = 365 * 86400.0
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + year)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: create + year)
    assert lock.alive(os.getpid(), started)


def test_runs_of_other_machines_are_taken_at_their_word(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "r", b"{}")
    folder.write_status({"status": "running", "pid": 1, "process_started": 0.0, "host": "x"})
    assert folder.status()["status"] == "running"


def test_following_a_run_needs_no_torch() -> None:
    code = (
        "import sys, netbuilder.training.records.folder, netbuilder.training.settings; "
        "sys.exit(bool({'torch', 'numpy', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
