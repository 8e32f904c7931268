"""Projects on disk: whatever a path leads to, the answer comes at once and in words."""

from __future__ import annotations

import os
import socket
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from netbuilder.errors import DocumentError
from netbuilder.storage import files
from tests.storage.faults import Faults, error_at
from tests.storage.test_format import sample


def test_a_project_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "ä project.netb"
    files.save(sample(), path)
    assert files.load(path) == sample()
    assert files.load(str(path)) == sample()
    assert path.read_bytes().endswith(b"}\n")


def _socket(path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.fspath(path))
    server.close()


def _sparse(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(2 << 30)


def _folder(path: Path) -> None:
    path.mkdir()


def _zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _nothing(path: Path) -> None:
    pass


WRONG: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (_nothing, "no file"),
    "folder": (_folder, "folder"),
    "pipe": (os.mkfifo, "pipe or a device"),
    "socket": (_socket, "pipe or a device"),
    "device": (_zero, "pipe or a device"),
    "2 GB": (_sparse, "larger than 32 MB"),
    "link to itself": (_loop, "can't be read"),
    "empty": (Path.touch, "empty"),
}


@pytest.mark.timeout(10)
@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_project_is_refused_at_once(kind: str) -> None:
    make, words = WRONG[kind]
    with tempfile.TemporaryDirectory() as folder:  # a short path, for the socket
        path = Path(folder) / "x.netb"
        make(path)
        with pytest.raises(DocumentError, match=words):
            files.load(path)


@pytest.mark.timeout(10)
def test_a_file_swapped_for_a_pipe_after_the_look_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, pipe = tmp_path / "plain", tmp_path / "pipe"
    plain.touch()
    os.mkfifo(pipe)
    look = os.stat(plain)
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda path: look)
        with pytest.raises(DocumentError, match="pipe or a device"):
            files.read(pipe)


def test_a_file_too_large_is_refused_before_reading(tmp_path: Path) -> None:
    _sparse(tmp_path / "x.netb")
    tracemalloc.start()
    try:
        with pytest.raises(DocumentError, match="larger"):
            files.load(tmp_path / "x.netb")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_a_path_that_no_file_can_have_is_refused() -> None:
    for path in ("a\0b.netb", "x" * 5000):
        with pytest.raises(DocumentError):
            files.load(path)


def test_a_failed_save_leaves_the_old_project(tmp_path: Path) -> None:
    path = tmp_path / "a.netb"
    files.save(sample(), path)
    other = sample()
    with other.editing():
        from netbuilder.graph.changes import Removed

        other.apply(Removed("g1", other.graph("g1").frames["f"]))
    with Faults(error_at(3, 28)), pytest.raises(DocumentError, match="full"):
        files.save(other, path)
    assert files.load(path) == sample()
