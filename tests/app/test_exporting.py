"""Exports of a session: how far they are, and the problem at the node where one failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.events import ReportArrived
from netbuilder.app.exporting import FROM_HERE
from netbuilder.engine.protocol import ExportProgress
from netbuilder.errors import ExportError, NetbuilderError
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph import edits
from tests.app.fakes import Desk


def codes(desk: Desk) -> list[str]:
    assert desk.session.report is not None
    return [problem.code for problem in desk.session.report.problems]


def settle(desk: Desk) -> None:
    desk.pump()
    while desk.client.count("analyse"):
        desk.answer()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def drawn(desk: Desk) -> str:
    """A node of a project whose shapes are known; its id."""
    desk.start()
    node = edits.add_node(desk.session.history, desk.session.graph, "netbuilder.Input").id
    settle(desk)
    return node


def failed(desk: Desk, node: str, **more: Any) -> ExportError:
    graph = desk.session.graph.id
    table = [{"graph": graph, "node": node, "use": "", "name": "x", "max_rel_error": 0.5}]
    return ExportError("It departs.", "Mend it.", graph=graph, node=node, nodes=table, **more)


def test_a_node_that_departs_is_a_problem_until_the_next_edit(
    desk: Desk, drawn: str, tmp_path: Path
) -> None:
    session = desk.session
    got: list[dict[str, Any] | NetbuilderError] = []
    session.export(ExportOptions("onnx", per_node=True), tmp_path / "x.onnx", got.append)
    assert desk.client.asked[-1][1]["per_node"] is True
    desk.client.reply("export", error=failed(desk, drawn))
    desk.pump()
    assert isinstance(got[0], ExportError)
    assert codes(desk) == ["export.departs"]
    [problem] = session.report.problems if session.report else ()
    assert (problem.node, problem.severity, problem.message) == (drawn, "error", FROM_HERE)
    assert problem.hint == "It departs. Mend it."
    # It hinders nothing: training has other reasons to wait.
    assert "Mend" not in session.obstacle()
    # A report of the same document keeps it, one of another has it no more.
    session.want_source(True)
    settle(desk)
    assert codes(desk) == ["export.departs"]
    edits.rename(session.history, session.graph, drawn, "other")
    settle(desk)
    assert codes(desk) == []


def test_the_next_export_takes_it_away(desk: Desk, drawn: str, tmp_path: Path) -> None:
    session = desk.session
    got: list[dict[str, Any] | NetbuilderError] = []
    arrived = len(desk.heard(ReportArrived))
    session.export(ExportOptions("onnx"), tmp_path / "x.onnx", got.append)
    answer = {"verified": True, "departs": dict(failed(desk, drawn).nodes[0])}
    desk.client.reply("export", answer)
    desk.pump()
    assert codes(desk) == ["export.departs"]
    session.export(ExportOptions("onnx"), tmp_path / "x.onnx", got.append)
    assert codes(desk) == []
    assert len(desk.heard(ReportArrived)) == arrived + 2
    # A node that is no longer there has no problem.
    desk.client.reply("export", error=failed(desk, "gone"))
    desk.pump()
    assert codes(desk) == []


def test_whoever_asked_first_hears_how_far_it_is(desk: Desk, drawn: str, tmp_path: Path) -> None:
    session = desk.session
    heard: list[tuple[str, str]] = []
    got: list[dict[str, Any] | NetbuilderError] = []

    def ears(name: str) -> Callable[[ExportProgress], None]:
        return lambda progress: heard.append((name, progress.what))

    for name in ("a", "b"):
        session.export(ExportOptions("onnx"), tmp_path / name, got.append, tell=ears(name))
    desk.client.say(ExportProgress("Exporting", 0, 0))
    desk.pump()
    desk.client.reply("export", error=NetbuilderError("no"))
    desk.client.say(ExportProgress("Exporting", 0, 0))
    desk.pump()
    assert heard == [("a", "Exporting"), ("b", "Exporting")]
