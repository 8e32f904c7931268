"""Unsaved work in the journal: whole, found again, and lost by nobody but its owner's word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netbuilder.errors import DocumentError
from netbuilder.storage.journal import Journal, digest
from tests.storage.faults import EXIT, Faults, crash_at, error_at, nothing
from tests.storage.test_atomic import in_child


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "recovery")


def leave(journal: Journal, title: str, text: bytes = b"work", path: Path | None = None) -> str:
    """An entry that its process no longer holds; its id."""
    slot = journal.begin()
    slot.write(text, title=title, path=path, base="b", time=5.0)
    slot.release()
    return slot.id


def test_work_comes_back(journal: Journal, tmp_path: Path) -> None:
    assert journal.entries() == []
    leave(journal, 'ä "title"\n', b"line\nline\n", tmp_path / "a.netb")
    (entry,) = journal.entries()
    assert (entry.title, entry.path, entry.base) == ('ä "title"\n', tmp_path / "a.netb", "b")
    assert entry.time == 5.0
    slot = journal.claim(entry.id)
    assert slot is not None
    assert slot.read() == (entry, b"line\nline\n")
    slot.discard()
    assert journal.entries() == []
    assert os.listdir(journal.folder) == []


def test_what_a_living_process_holds_is_not_offered(journal: Journal) -> None:
    slot = journal.begin()
    slot.write(b"x", title="mine", path=None, base="")
    assert journal.entries() == []
    assert journal.claim(slot.id) is None
    slot.release()
    assert [entry.title for entry in journal.entries()] == ["mine"]


def test_the_newest_is_told_by_its_number_whatever_the_clock_says(journal: Journal) -> None:
    for title, time in (("first", 9e9), ("second", 5.0), ("third", -1e9)):
        slot = journal.begin()
        slot.write(b"x", title=title, path=None, base="", time=time)
        slot.release()
        os.utime(slot.file, (time, max(time, 0)))
    assert [entry.title for entry in journal.entries()] == ["third", "second", "first"]
    seqs = [entry.seq for entry in journal.entries()]
    assert sorted(seqs, reverse=True) == seqs
    assert len(set(seqs)) == 3


def test_the_work_on_one_file_is_found_among_others(journal: Journal) -> None:
    leave(journal, "a", path=Path("/p/a.netb"))
    leave(journal, "b", path=Path("/p/b.netb"))
    leave(journal, "none")
    leave(journal, "a again", path=Path("/p/a.netb"))
    (journal.folder / "0123456789abcdef.recovery").write_bytes(b"garbage")
    assert [entry.title for entry in journal.entries(Path("/p/a.netb"))] == ["a again", "a"]
    assert journal.entries(Path("/p/c.netb")) == []


def test_each_write_gets_a_higher_number(journal: Journal) -> None:
    first, second = journal.begin(), journal.begin()
    first.write(b"1", title="a", path=None, base="")
    second.write(b"2", title="b", path=None, base="")
    first.write(b"3", title="a", path=None, base="")
    for slot in (first, second):
        slot.release()
    assert [entry.title for entry in journal.entries()] == ["a", "b"]


@pytest.mark.parametrize("tenth", range(10))
def test_a_truncated_entry_is_kept_aside_and_sinks_no_other(journal: Journal, tenth: int) -> None:
    broken = leave(journal, "broken", b"w" * 300)
    leave(journal, "whole")
    file = journal.folder / f"{broken}.recovery"
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * tenth // 10])
    assert [entry.title for entry in journal.entries()] == ["whole"]
    assert (journal.folder / f"{broken}.recovery.invalid").read_bytes() == data[
        : len(data) * tenth // 10
    ]
    assert not file.exists()


GARBAGE = {
    "nothing": b"",
    "no line": b"x" * 100_000,
    "binary": b"\x00\xff\n\x80",
    "a list": b"[]\nx",
    "deep": b"[" * 10_000 + b"\nx",
    "another version": b'{"netbuilder_recovery": 2}\nx',
    "wrong types": b'{"netbuilder_recovery": 1, "seq": "1"}\nx',
    "no number": b'{"netbuilder_recovery": 1, "seq": true, "title": ""}\nx',
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_kept_aside(journal: Journal, kind: str) -> None:
    leave(journal, "whole")
    file = journal.folder / "0123456789abcdef.recovery"
    file.write_bytes(GARBAGE[kind])
    assert [entry.title for entry in journal.entries()] == ["whole"]
    assert file.with_name(file.name + ".invalid").read_bytes() == GARBAGE[kind]
    assert leave(journal, "next")


def test_one_changed_letter_is_noticed(journal: Journal) -> None:
    id = leave(journal, "x", b"important")
    file = journal.folder / f"{id}.recovery"
    file.write_bytes(file.read_bytes().replace(b"important", b"imp0rtant"))
    slot = journal.claim(id)
    assert slot is not None
    with pytest.raises(DocumentError, match="damaged"):
        slot.read()
    slot.release()
    assert journal.entries() == []


def test_other_files_are_left_alone(journal: Journal) -> None:
    leave(journal, "whole")
    kept = ("notes.txt", "x.recovery", "0123456789abcdef.recovery.invalid")
    for name in kept:
        (journal.folder / name).write_bytes(b"mine")
    assert len(journal.entries()) == 1
    assert all((journal.folder / name).read_bytes() == b"mine" for name in kept)


def test_a_crash_at_any_call_leaves_the_old_or_the_new(journal: Journal) -> None:
    slot = journal.begin()
    slot.write(b"old" * 100, title="t", path=None, base="")
    slot.lock.release()
    with Faults(nothing) as counted:
        slot.write(b"old" * 100, title="t", path=None, base="")
    whole = {digest(b"old" * 100), digest(b"new" * 200)}
    crashed = 0
    for number in range(1, len(counted.calls) + 1):

        def write(number: int = number) -> None:
            with Faults(crash_at(number)):
                slot.write(b"new" * 200, title="t", path=None, base="")

        crashed += in_child(write) == EXIT
        (entry,) = journal.entries()
        again = journal.claim(entry.id)
        assert again is not None
        assert digest(again.read()[1]) in whole
        again.release()
    assert crashed == len(counted.calls)


def test_a_write_that_fails_keeps_the_last(journal: Journal) -> None:
    slot = journal.begin()
    slot.write(b"old", title="t", path=None, base="")
    with Faults(error_at(3, 28)) as faults, pytest.raises(DocumentError, match="full"):
        slot.write(b"new", title="t", path=None, base="")
    assert len(faults.calls) >= 3
    assert slot.read()[1] == b"old"


def test_opening_is_remembered_until_it_went_well(journal: Journal) -> None:
    id = leave(journal, "x")
    slot = journal.claim(id)
    assert slot is not None
    slot.mark_opening(True)
    slot.lock.release()  # as at the death of the process
    assert journal.entries()[0].opening
    slot = journal.claim(id)
    assert slot is not None
    slot.release()
    assert not journal.entries()[0].opening


MANY = """
import sys
from pathlib import Path
from netbuilder.storage.journal import Journal
journal = Journal(Path(sys.argv[1]))
slots = [journal.begin() for _ in range(5)]
for number, slot in enumerate(slots):
    path = None if number < 3 else Path(f"/p/{number}.netb")
    for turn in range(3):
        slot.write(f"{sys.argv[2]}-{number}-{turn}".encode(), title="t", path=path, base="")
print("written", flush=True)
sys.stdin.read()
"""


def test_ten_documents_of_two_killed_processes_all_come_back(journal: Journal) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, str(journal.folder), name],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
    assert journal.entries() == []
    for process in processes:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    texts = set()
    for entry in journal.entries():
        slot = journal.claim(entry.id)
        assert slot is not None
        texts.add(slot.read()[1].decode())
        slot.release()
    assert texts == {f"{name}-{number}-2" for name in "ab" for number in range(5)}
    assert len(journal.entries()) == 10
