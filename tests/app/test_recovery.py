"""The keeper writes unsaved work on a thread, in order, and never raises."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from netbuilder.app.recovery import Keeper
from netbuilder.graph.document import Document
from netbuilder.graph.model import ProjectInfo
from netbuilder.storage import format
from netbuilder.storage.journal import Journal, Slot
from tests.storage.test_format import sample


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "recovery")


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def keeper(journal: Journal, warnings: list[str]) -> Iterator[Keeper]:
    result = Keeper(journal, warnings.append, lambda: 5.0)
    yield result
    result.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "journal"]


def titled(title: str) -> Document:
    return Document(ProjectInfo(title=title))


def kept(journal: Journal) -> list[tuple[str, Document]]:
    found = []
    for entry in journal.entries():
        slot = journal.claim(entry.id)
        assert slot is not None
        found.append((entry.title, format.loads(slot.read()[1])))
        slot.release()
    return found


def test_the_latest_is_kept_and_left(keeper: Keeper, journal: Journal) -> None:
    for number in range(5):
        keeper.keep(titled(str(number)), None, "")
    keeper.keep(sample(), Path("/p/a.netb"), "base")
    assert keeper.flush()
    assert 1 <= keeper.written <= 6
    keeper.close()
    (entry,) = journal.entries()
    assert (entry.path, entry.base, entry.time) == (Path("/p/a.netb"), "base", 5.0)
    assert kept(journal) == [("a.netb", sample())]


def test_only_the_newest_of_many_copies_is_written(
    keeper: Keeper, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real = Slot.write

    def slow(self: Slot, text: bytes, **facts: object) -> None:
        begun.set()
        go_on.wait(10)
        real(self, text, **facts)  # type: ignore[arg-type]

    monkeypatch.setattr(Slot, "write", slow)
    keeper.keep(titled("first"), None, "")
    assert begun.wait(10)
    for number in range(50):
        keeper.keep(titled(str(number)), None, "")
    assert not keeper.flush(0.01)
    go_on.set()
    assert keeper.flush()
    assert keeper.written == 2
    keeper.close()
    assert [title for title, _ in kept(journal)] == ["49"]


def test_a_copy_for_another_document_is_not_left_out(keeper: Keeper, journal: Journal) -> None:
    keeper.keep(titled("one"), None, "")
    keeper.leave()
    keeper.keep(titled("two"), None, "")
    keeper.close()
    assert {title for title, _ in kept(journal)} == {"one", "two"}


def test_what_is_safe_is_dropped(keeper: Keeper, journal: Journal) -> None:
    keeper.keep(titled("one"), None, "")
    keeper.drop()
    keeper.drop()
    keeper.close()
    assert journal.entries() == []
    assert list(journal.folder.iterdir()) == []


def test_recovered_work_is_kept_in_its_entry(keeper: Keeper, journal: Journal) -> None:
    keeper.keep(titled("one"), None, "")
    keeper.leave()
    keeper.flush()
    (entry,) = journal.entries()
    slot = journal.claim(entry.id)
    assert slot is not None
    keeper.go_on(slot)
    keeper.keep(titled("one and more"), None, "")
    keeper.close()
    (again,) = journal.entries()
    assert again.id == entry.id
    assert again.seq > entry.seq
    assert again.title == "one and more"


def test_a_place_that_is_no_folder_costs_one_warning(tmp_path: Path, warnings: list[str]) -> None:
    (tmp_path / "recovery").write_text("in the way")
    keeper = Keeper(Journal(tmp_path / "recovery"), warnings.append)
    for _ in range(3):
        keeper.keep(sample(), None, "")
        keeper.flush()
    assert len(warnings) == 1
    assert "recovery" in warnings[0]
    (tmp_path / "recovery").unlink()
    keeper.keep(sample(), None, "")
    keeper.close()
    assert keeper.written == 1
    assert len(warnings) == 1
