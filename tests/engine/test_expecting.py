"""Processes of exports and imports that start before anybody asked for their work."""

from __future__ import annotations

import contextlib
import sys
from argparse import Namespace
from pathlib import Path

import psutil
import pytest

from netbuilder.cli import export_words
from netbuilder.engine import jobs
from netbuilder.errors import NetbuilderError
from netbuilder.exchange import fresh

WAITS = [sys.executable, "-c", "import sys; sys.stdin.read()"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that were started."""
    found: list[str] = []

    def command(module: str, *more: str) -> list[str]:
        found.append(module)
        return WAITS

    monkeypatch.setattr(fresh, "command", command)
    return found


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def test_the_worker_makes_ready_for_what_is_expected(started: list[str]) -> None:
    before = children()
    for work, module in jobs.AHEAD.items():
        for _ in range(2):
            assert jobs.expect({"work": work, "wanted": True}) == {}
        assert started == [module]
        assert len(children() - before) == 1
        jobs.expect({"work": work, "wanted": False})
        assert children() - before == set()
        started.clear()
    for params in ({"work": "tea", "wanted": True}, {"wanted": True}):
        with pytest.raises(NetbuilderError, match="work"):
            jobs.expect(params)
    assert not started


def test_the_command_makes_ready_only_for_what_is_done_apart(
    started: list[str], tmp_path: Path
) -> None:
    """Whatever comes between, nothing is left."""
    before = children()
    for to, origin, wanted in (
        ("onnx", tmp_path, ["netbuilder.engine.apart"]),
        ("pt2", tmp_path, ["netbuilder.engine.apart"]),
        ("code", tmp_path, []),
        ("onnx", tmp_path / "nowhere", []),
    ):
        with (
            contextlib.suppress(NetbuilderError),
            export_words.starting(Namespace(to=to, origin=str(origin))),
        ):
            assert started == wanted
            raise NetbuilderError("It can't be read.")
        assert children() - before == set()
        started.clear()
