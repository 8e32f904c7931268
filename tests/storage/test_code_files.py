"""Code files are read inside the project's folder only, and kept whole in the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netbuilder.errors import DocumentError
from netbuilder.graph.model import ProjectInfo
from netbuilder.layers import trusted
from netbuilder.layers.trusted import digest
from netbuilder.storage import code_files, files, format
from tests.own_files import GATE, declared, written


def test_a_file_in_the_folder_or_below_is_declared(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.py", "deep/b.py"):
        (tmp_path / name).write_text(GATE)
        told, entry, reading = code_files.declare(tmp_path, tmp_path / name)
        assert told == name
        assert entry["sha256"] == digest(GATE.encode())
        assert list(reading.classes) == ["Gate"]


def _outside(tmp_path: Path) -> list[Path]:
    folder, other = tmp_path / "project", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "a.py").write_text(GATE)
    (folder / "link.py").symlink_to(other / "a.py")
    (folder / "linked").symlink_to(other)
    return [other / "a.py", folder / ".." / "other" / "a.py", folder / "link.py",
            folder / "linked" / "a.py"]  # fmt: skip


@pytest.mark.parametrize("which", range(4))
def test_nothing_outside_the_folder_is_declared(tmp_path: Path, which: int) -> None:
    with pytest.raises(DocumentError, match="not in the project's folder"):
        code_files.declare(tmp_path / "project", _outside(tmp_path)[which])


@pytest.mark.parametrize("name", ["link.py", "linked/a.py", "../other/a.py"])
def test_nothing_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    _outside(tmp_path)
    with pytest.raises(DocumentError):
        code_files.read(tmp_path / "project", name)


def test_a_link_that_leads_out_later_is_refused(tmp_path: Path) -> None:
    _outside(tmp_path)
    project = ProjectInfo(code=declared(link=GATE))
    (found,) = code_files.look(project, tmp_path / "project")
    assert (found.state, found.source) == ("refused", b"")


def test_states_on_the_disk(tmp_path: Path) -> None:
    project = ProjectInfo(code=declared(a=GATE))
    assert code_files.look(project, None)[0].state == "missing"
    assert code_files.look(project, tmp_path)[0].state == "missing"
    (tmp_path / "a.py").write_text(GATE)
    assert code_files.look(project, tmp_path)[0].state == "restricted"
    (tmp_path / "a.py").write_text(GATE + "#")
    assert code_files.look(project, tmp_path)[0].state == "changed"
    (tmp_path / "a.py").unlink()
    os.mkfifo(tmp_path / "a.py")
    assert code_files.look(project, tmp_path)[0].state == "refused"


def test_the_declaration_survives_the_file(tmp_path: Path) -> None:
    path = written(tmp_path)
    document = files.load(path)
    text = path.read_text()
    assert format.dumps(document) == text
    assert '"my_layers.py": {' in text
    gate = next(n for n in document.of_kind("network")[0].ordered() if n.name == "gate")
    assert (gate.layer, dict(gate.params)) == ("own.my_layers.Gate", {"features": 8})


def test_what_is_not_understood_of_the_code_is_written_back(tmp_path: Path) -> None:
    path = written(tmp_path)
    text = path.read_text().replace('"sha256": ', '"new": {"a": [1]}, "sha256": ')
    text = text.replace('"code": {', '"code": {\n    "strange": [1, null],')
    again = format.dumps(format.loads(text))
    assert '"new": {"a": [1]}' in again
    assert '"strange": [1, null]' in again


def test_copies_go_beside_what_imports_them(tmp_path: Path) -> None:
    project = ProjectInfo(code={**declared(a=GATE), "deep/b.py": declared(a=GATE + "#")["a.py"]})
    with trusted.given(trusted.Trust.of([GATE.encode(), f"{GATE}#".encode()], {})):
        assert code_files.write_beside(project, tmp_path) == ["a.py", "deep/b.py"]
        assert (tmp_path / "deep" / "b.py").read_text() == f"{GATE}#"
        assert code_files.write_beside(project, tmp_path) == []
        (tmp_path / "a.py").write_text("mine")
        with pytest.raises(DocumentError, match="There is another"):
            code_files.write_beside(project, tmp_path)
        assert (tmp_path / "a.py").read_text() == "mine"
        with pytest.raises(DocumentError, match="with your layers"):
            code_files.write_beside(project, tmp_path, tmp_path / "a.py")
        code_files.write_beside(project, tmp_path, replace=True)
        assert (tmp_path / "a.py").read_text() == GATE


def test_a_copy_follows_no_link(tmp_path: Path) -> None:
    """Else a run folder from somebody could have any of one's files replaced."""
    mine = tmp_path / "mine.txt"
    mine.write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a.py").symlink_to(mine)
    with (
        trusted.given(trusted.Trust.of([GATE.encode()], {})),
        pytest.raises(DocumentError),
    ):
        code_files.write_beside(ProjectInfo(code=declared(a=GATE)), tmp_path / "run", replace=True)
    assert mine.read_text() == "precious"


def test_without_trust_nothing_is_copied(tmp_path: Path) -> None:
    assert code_files.write_beside(ProjectInfo(code=declared(a=GATE)), tmp_path) == []
    assert list(tmp_path.iterdir()) == []
