"""Trust is by content: its states, its record, and what damages do to it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from netbuilder.app import trust
from netbuilder.app.trust import TrustStore, may_trust_folder
from netbuilder.errors import DocumentError
from netbuilder.layers.trusted import Trust, digest
from netbuilder.storage import files
from tests.own_files import GATE, declared, written

SOURCE = GATE.encode()


def state(path: Path, store: TrustStore) -> str:
    """The state of the project's one code file."""
    (found,) = trust.standing(files.load(path).project, path.parent, store.known)
    return found.state


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "config" / "trust.json"


def test_the_states_of_a_file(tmp_path: Path, record: Path) -> None:
    path = written(tmp_path / "work")
    code = path.parent / "my_layers.py"
    assert state(path, TrustStore(record)) == "restricted"
    TrustStore(record).trust(SOURCE, code)
    assert state(path, TrustStore(record)) == "trusted"
    # One byte.
    code.write_bytes(SOURCE.replace(b"* gate", b"+ gate", 1))
    assert state(path, TrustStore(record)) == "changed"
    code.write_bytes(SOURCE)
    assert state(path, TrustStore(record)) == "trusted"
    # Moved, with its project.
    shutil.move(path.parent, tmp_path / "elsewhere")
    moved = tmp_path / "elsewhere" / path.name
    assert state(moved, TrustStore(record)) == "trusted"
    # Somebody else has a record of their own.
    assert state(moved, TrustStore(tmp_path / "other" / "trust.json")) == "restricted"
    record.unlink()
    assert state(moved, TrustStore(record)) == "restricted"


def test_a_changed_declaration_gains_nothing(tmp_path: Path, record: Path) -> None:
    """A project can't borrow the trust of a hash: the file's own bytes count."""
    path = written(tmp_path / "work")
    store = TrustStore(record)
    store.trust(SOURCE, path)
    (path.parent / "my_layers.py").write_text("import os\n")
    found = trust.standing(files.load(path).project, path.parent, store.known)
    assert trust.of(found).sources == {}


def test_what_is_recorded(tmp_path: Path, record: Path) -> None:
    TrustStore(record).trust(SOURCE, tmp_path / "my_layers.py")
    value = json.loads(record.read_text())
    (entry,) = value["code"]
    assert set(entry) == {"sha256", "first_seen_path", "date"}
    assert entry["sha256"] == digest(SOURCE)
    assert entry["first_seen_path"] == str(tmp_path / "my_layers.py")
    TrustStore(record).forget()
    assert not TrustStore(record).known(digest(SOURCE), tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"code": 5}', b'{"code": [5]}', b"{}",
        b'{"code": [{"sha256": "zz", "first_seen_path": "", "date": ""}]}',
        b'{"code": [], "folders": [{"path": "relative", "date": ""}]}',
        b"[" * 100_000, b" " * 5_000_000,
    ],
)  # fmt: skip
def test_a_damaged_record_restricts_everything(tmp_path: Path, record: Path, damage: bytes) -> None:
    path = written(tmp_path / "work")
    TrustStore(record).trust(SOURCE, path)
    record.write_bytes(damage)
    told: list[str] = []
    store = TrustStore(record, told.append)
    assert state(path, store) == "restricted"
    assert len(told) == 1
    assert record.with_name("trust.json.invalid").exists()
    store.trust(SOURCE, path)
    assert state(path, TrustStore(record)) == "trusted"


def test_a_record_that_is_a_pipe_or_a_folder_holds_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        told: list[str] = []
        assert TrustStore(tmp_path / name, told.append).records == ()
        assert told


def test_a_record_that_can_not_be_written_holds_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    told: list[str] = []
    store = TrustStore(tmp_path / "config" / "trust.json", told.append)
    store.trust(SOURCE, tmp_path)
    assert store.known(digest(SOURCE), tmp_path)
    assert "could not be recorded" in told[-1]


# -- folders -----------------------------------------------------------------------------------


def test_two_windows_keep_what_both_decided(tmp_path: Path, record: Path) -> None:
    one, two = TrustStore(record), TrustStore(record)
    one.trust(b"a", tmp_path / "a.py")
    two.trust(b"b", tmp_path / "b.py")
    known = {entry.sha256 for entry in TrustStore(record).records}
    assert known == {digest(b"a"), digest(b"b")}
    # What one forgets does not come back with what the other trusts.
    two.forget([entry for entry in two.records if entry.sha256 == digest(b"a")])
    one.trust(b"c", tmp_path / "c.py")
    assert not one.known(digest(b"a"), tmp_path)
    known = {entry.sha256 for entry in TrustStore(record).records}
    assert known == {digest(b"b"), digest(b"c")}
    two.forget()
    assert TrustStore(record).records == ()
    record.unlink()
    one.refresh()
    assert one.records == ()


def test_folders_of_strangers_are_never_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    home = Path.home()
    for folder in (
        home / "Downloads", home / "downloads" / "project", Path("/tmp/project"), Path("/"),
        Path(tempfile.gettempdir()), Path("/media/me/STICK"), Path("/run/media/me/x"), home,
        home.parent, Path("/mnt/usb"), Path("/dev/shm/x"),
    ):  # fmt: skip
        assert not may_trust_folder(folder), folder
        with pytest.raises(DocumentError):
            TrustStore(tmp_path / "trust.json").trust_folder(folder)
    assert may_trust_folder(home / "projects" / "gates")


def test_a_trusted_folder_trusts_what_comes_into_it(
    tmp_path: Path, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "work")
    monkeypatch.setattr(trust, "may_trust_folder", lambda folder: True)
    TrustStore(record).trust_folder(path.parent)
    assert state(path, TrustStore(record)) == "trusted"
    elsewhere = written(tmp_path / "work-elsewhere")
    assert state(elsewhere, TrustStore(record)) == "restricted"
    # What was trusted is not once the rule says that nobody could have.
    monkeypatch.setattr(trust, "may_trust_folder", lambda folder: False)
    assert state(path, TrustStore(record)) == "restricted"


# -- what is handed on --------------------------------------------------------------------------


def test_what_is_sent_is_hashed_anew(tmp_path: Path, record: Path) -> None:
    path = written(tmp_path / "work")
    store = TrustStore(record)
    store.trust(SOURCE, path)
    sent = trust.of(trust.standing(files.load(path).project, path.parent, store.known))
    got = Trust.from_json(json.loads(json.dumps(sent.to_json())))
    assert got.sources == {digest(SOURCE): SOURCE}
    assert got.states == {"my_layers.py": "trusted"}


@pytest.mark.parametrize("value", [None, 5, [], {"sources": 5}, {"sources": [5]}, {"states": []}])
def test_what_is_no_trust_gives_none(value: object) -> None:
    assert Trust.from_json(value).sources == {}


def test_a_file_that_changed_is_declared_anew_once_its_content_is_trusted(tmp_path: Path) -> None:
    path = written(tmp_path / "work")
    new = GATE.replace("reduction: int = 2", "reduction: int = 4")
    (path.parent / "my_layers.py").write_text(new)
    project = files.load(path).project
    for known in (False, True):
        found = trust.standing(project, path.parent, lambda sha256, place: known)  # noqa: B023
        after = trust.declared_anew(project, found, lambda sha256, place: known, path.parent)  # noqa: B023
        assert (after is project) is not known
    assert after.code == declared(my_layers=new)
