"""What the last start left: the project it died over, and the report of a crash."""

from __future__ import annotations

import faulthandler
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netbuilder.app import starts
from netbuilder.app.starts import Start, UncleanEnd

ROOT = Path(__file__).resolve().parents[2]
DIES = """
import ctypes, os, sys
from pathlib import Path
from netbuilder.app.starts import Start
start = Start(Path(sys.argv[1]))
start.begin()
start.opening(sys.argv[2])
{how}
"""


@pytest.fixture(autouse=True)
def own_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runner has a fault handler of its own."""
    monkeypatch.setattr(faulthandler, "enable", lambda file: None)
    monkeypatch.setattr(faulthandler, "disable", lambda: None)


def die(folder: Path, how: str, opening: str = "") -> None:
    command = [sys.executable, "-c", DIES.format(how=how), str(folder), opening]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode


def test_a_clean_end_leaves_nothing(tmp_path: Path) -> None:
    start = Start(tmp_path)
    assert start.begin() == []
    start.opening("/p/a.netb")
    start.opening("")
    start.end()
    again = Start(tmp_path)
    assert again.begin() == []
    again.end()


def test_what_was_being_opened_is_known_afterwards(tmp_path: Path) -> None:
    die(tmp_path, "os.kill(os.getpid(), 9)", "/p/ä.netb")
    start = Start(tmp_path)
    assert start.begin() == [UncleanEnd("/p/ä.netb")]
    start.end()
    again = Start(tmp_path)
    assert again.begin() == []
    again.end()


def test_an_abort_leaves_a_report(tmp_path: Path) -> None:
    die(tmp_path, "os.abort()")
    start = Start(tmp_path)
    (end,) = start.begin()
    assert end.report is not None
    assert "Fatal Python error: Aborted" in end.report.read_text()
    start.end()


def test_a_window_that_lives_is_no_unclean_end(tmp_path: Path) -> None:
    first, second = Start(tmp_path), Start(tmp_path)
    first.begin()
    first.opening("/p/a.netb")
    assert second.begin() == []
    first.end()
    second.end()


def test_reports_do_not_pile_up(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    for number in range(1, 30):
        (tmp_path / "reports" / f"crash-{number:04d}.txt").write_text("old")
    die(tmp_path, "os.abort()")
    start = Start(tmp_path)
    start.begin()
    start.end()
    names = sorted(os.listdir(tmp_path / "reports"))
    assert len(names) == starts.REPORTS_KEPT
    assert names[-1] == "crash-0030.txt"


def test_a_place_that_is_no_folder_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "running").write_text("in the way")
    start = Start(tmp_path)
    assert start.begin() == []
    start.opening("x")
    start.end()
