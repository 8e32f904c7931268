"""The file of an open project: nobody else's work is overwritten, whatever its date says."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from netbuilder.app.project_file import ChangedOnDisk, ProjectFile, ReadOnlyFile
from netbuilder.errors import DocumentError
from netbuilder.graph.document import Document
from netbuilder.graph.model import ProjectInfo
from netbuilder.storage import files
from netbuilder.storage.locks import FileLock
from tests.storage.test_format import sample
from tests.storage.test_locks import end, holder

OTHER = Document(ProjectInfo(title="theirs"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    files.save(sample(), tmp_path / "a.netb")
    return tmp_path / "a.netb"


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    return tmp_path / "state" / "locks"


def opened(path: Path, locks: Path | None = None) -> ProjectFile:
    _, file = ProjectFile.load(path, locks)
    file.claim()
    return file


def why(file: ProjectFile) -> str:
    """Why it may not be written."""
    return file.read_only


def state(file: ProjectFile) -> str:
    return file.look()


# -- changed on disk -----------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [-1e9, 0.0, 1e9], ids=["older", "same", "newer"])
def test_what_others_wrote_is_noticed_whatever_its_date(path: Path, moment: float) -> None:
    file = opened(path)
    before = path.stat()
    assert state(file) == "same"
    files.save(OTHER, path)
    os.utime(path, (before.st_atime, before.st_mtime + moment))
    assert state(file) == "changed"
    with pytest.raises(ChangedOnDisk, match="another program"):
        file.save(sample())
    assert files.load(path) == OTHER
    file.save(sample(), force=True)
    assert files.load(path) == sample()
    assert state(file) == "same"


def test_a_new_date_alone_is_no_change(path: Path) -> None:
    file = opened(path)
    os.utime(path, (5.0, 5.0))
    assert state(file) == "same"
    file.save(OTHER)
    assert files.load(path) == OTHER


def tamper(path: Path) -> None:
    """Change some bytes: as many as before, in the same file, and with its date."""
    before, data = path.stat(), path.read_bytes()
    with open(path, "r+b") as there:
        there.write(data.replace(b'"netbuilder"', b'"netbuilde0"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_ino == before.st_ino


def test_a_change_in_place_that_hides_its_date_is_noticed(path: Path) -> None:
    file = opened(path)
    assert state(file) == "same"
    tamper(path)
    assert state(file) == "changed"


def test_a_save_compares_the_contents_even_if_nothing_else_tells(path: Path) -> None:
    file = opened(path)
    tamper(path)
    # A file system with coarse times: what was looked at just now seems to be the same.
    assert state(file) == "changed"
    assert file._look is not None
    file._look = (file._look[0], "same")
    assert state(file) == "same"
    with pytest.raises(ChangedOnDisk):
        file.save(sample())


def test_who_keeps_his_own_may_save(path: Path) -> None:
    file = opened(path)
    files.save(OTHER, path)
    assert state(file) == "changed"
    file.accept()
    assert state(file) == "same"
    file.save(sample())
    assert files.load(path) == sample()


def test_a_file_that_is_gone_is_written_again(path: Path) -> None:
    file = opened(path)
    path.unlink()
    assert state(file) == "gone"
    file.save(sample())
    assert files.load(path) == sample()


def test_a_folder_that_is_gone_is_told(path: Path) -> None:
    file = opened(path)
    shutil.rmtree(path.parent)
    assert state(file) == "gone"
    with pytest.raises(DocumentError, match="is not there") as caught:
        file.save(sample())
    assert "somewhere else" in caught.value.hint


def test_a_file_that_became_something_else_counts_as_changed(path: Path) -> None:
    file = opened(path)
    path.unlink()
    path.mkdir()
    assert state(file) == "changed"
    with pytest.raises(DocumentError):
        file.save(sample())


# -- two windows ---------------------------------------------------------------------------------


def test_the_second_window_may_save_copies_only(path: Path, locks: Path, tmp_path: Path) -> None:
    first, second = opened(path, locks), opened(path, locks)
    assert why(first) == ""
    assert second.read_only == "in use"
    with pytest.raises(ReadOnlyFile, match="another window"):
        second.save(OTHER)
    with pytest.raises(ReadOnlyFile):
        second.save(OTHER, force=True)
    assert files.load(path) == sample()
    second.save(OTHER, tmp_path / "copy.netb")
    assert why(second) == ""
    assert second.path == tmp_path / "copy.netb"
    second.save(OTHER)
    first.save(sample())
    first.release()
    second.release()
    assert os.listdir(locks) == []


def test_the_lock_follows_links(path: Path, locks: Path, tmp_path: Path) -> None:
    (tmp_path / "link.netb").symlink_to(path)
    first, second = opened(path, locks), opened(tmp_path / "link.netb", locks)
    assert second.read_only == "in use"
    first.release()
    assert second.claim()
    assert why(second) == ""
    second.release()


def test_a_file_that_gets_free_can_be_saved_again(path: Path, locks: Path) -> None:
    first, second = opened(path, locks), opened(path, locks)
    first.release()
    second.save(OTHER)
    assert files.load(path) == OTHER
    second.release()


def test_what_the_first_window_saved_is_not_overwritten_by_the_second(
    path: Path, locks: Path
) -> None:
    first, second = opened(path, locks), opened(path, locks)
    first.save(OTHER)
    first.release()
    with pytest.raises(ChangedOnDisk):
        second.save(sample())
    second.release()


def test_no_window_saves_over_a_file_that_another_has_open(path: Path, locks: Path) -> None:
    files.save(OTHER, path.with_name("b.netb"))
    first, second = opened(path, locks), opened(path.with_name("b.netb"), locks)
    with pytest.raises(ReadOnlyFile, match=r"'a\.netb' is open"):
        second.save(OTHER, path)
    assert files.load(path) == sample()
    assert second.path == path.with_name("b.netb")
    first.release()
    second.release()


def test_a_killed_window_does_not_block(path: Path, locks: Path) -> None:
    file = opened(path, locks)
    assert file._lock is not None
    name = file._lock.path
    file.release()
    process = holder(name)
    again = opened(path, locks)
    assert again.read_only == "in use"
    process.send_signal(signal.SIGKILL)
    end(process)
    assert again.claim()
    again.release()


def test_a_save_elsewhere_that_fails_keeps_the_file(path: Path, locks: Path) -> None:
    file = opened(path, locks)
    with pytest.raises(DocumentError):
        file.save(OTHER, path.parent / "no" / "such.netb")
    assert file.path == path
    assert not FileLock(file._lock.path).acquire()  # type: ignore[union-attr]
    file.release()
    assert os.listdir(locks) == []


def test_a_place_where_no_lock_can_be_written_stops_nobody(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = opened(path, tmp_path / "file" / "locks")
    assert why(file) == ""
    file.save(OTHER)
    assert files.load(path) == OTHER


# -- newer versions ------------------------------------------------------------------------------


def newer(path: Path) -> bytes:
    """A project as a later netbuilder may write it: other version, keys nobody knows."""
    value = json.loads(path.read_text())
    value["netbuilder"] = 2
    value["quantum"] = {"b": [1, 2], "a": None}
    value["graphs"][0]["colour"] = "red"
    value["graphs"][0]["nodes"][0]["spin"] = 0.5
    path.write_text(json.dumps(value))
    return path.read_bytes()


def test_a_newer_project_is_only_read(path: Path, tmp_path: Path) -> None:
    data = newer(path)
    document, file = ProjectFile.load(path)
    file.claim()
    assert why(file) == "newer"
    with pytest.raises(ReadOnlyFile, match="newer netbuilder"):
        file.save(document)
    assert path.read_bytes() == data
    file.save(document, tmp_path / "copy.netb")
    value = json.loads((tmp_path / "copy.netb").read_text())
    assert value["quantum"] == {"a": None, "b": [1, 2]}
    assert value["graphs"][0]["colour"] == "red"
    assert value["graphs"][0]["nodes"][0]["spin"] == 0.5
    assert why(file) == ""
    assert why(ProjectFile.load(tmp_path / "copy.netb")[1]) == ""


def test_a_newer_project_is_overwritten_when_it_is_asked_for(path: Path) -> None:
    newer(path)
    document, file = ProjectFile.load(path)
    file.save(document, force=True)
    assert json.loads(path.read_text())["netbuilder"] == 1


def test_the_command_line_refuses_newer_projects(path: Path) -> None:
    newer(path)
    with pytest.raises(DocumentError, match="newer netbuilder"):
        files.load(path)
