"""One holder at a time, and none left behind by a process that was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netbuilder.storage import locks
from netbuilder.storage.locks import FileLock

HOLDER = """
import sys, time
from pathlib import Path
from netbuilder.storage.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds the lock until its stdin ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)


def test_a_second_one_does_not_get_it(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "a.lock"), FileLock(tmp_path / "a.lock")
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert not (tmp_path / "a.lock").exists()
    assert second.acquire()
    second.release()
    second.release()


def test_a_killed_process_does_not_block(tmp_path: Path) -> None:
    process = holder(tmp_path / "a.lock")
    lock = FileLock(tmp_path / "a.lock")
    assert not lock.acquire()
    process.send_signal(signal.SIGKILL)
    end(process)
    assert (tmp_path / "a.lock").exists()
    assert lock.acquire()
    lock.release()


def test_a_lock_file_that_is_removed_meanwhile_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.lock"
    real, calls = locks.try_lock, []

    def swapped(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            # Its holder releases it between our open and our lock: the name is free again.
            path.unlink()
        real(descriptor)

    monkeypatch.setattr(locks, "try_lock", swapped)
    first = FileLock(path)
    assert first.acquire()
    assert len(calls) == 2
    monkeypatch.undo()
    assert not FileLock(path).acquire()
    first.release()


def test_a_file_system_without_locks_lets_everybody_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(descriptor: int) -> None:
        raise OSError(next(iter(locks._NO_LOCKS)), "no locks")

    monkeypatch.setattr(locks, "try_lock", none)
    first, second = FileLock(tmp_path / "a.lock"), FileLock(tmp_path / "a.lock")
    assert first.acquire()
    assert second.acquire()
    first.release()
    second.release()
