"""Following a run: from the press of Train to whatever end it comes to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app import runs
from netbuilder.app.events import Notice, RunChanged, RunEvent
from netbuilder.app.run_table import rows
from netbuilder.app.runs import RunFault, RunView
from netbuilder.errors import ProblemsError, RunError
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph import edits
from netbuilder.storage import files
from tests.app.fakes import Desk


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.start()
    made.answer()
    return made


def status(desk: Desk) -> str:
    assert desk.session.run is not None
    return desk.session.run.status


def test_a_run_from_start_to_finish(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "run"
    desk.session.train(path)
    assert status(desk) == "starting"
    method, params = desk.client.asked[-1]
    assert method == "train"
    assert params["run"] == str(path)
    assert params["resume"] is False
    assert params["project"]["netbuilder"] == 1
    desk.tell(path, 1, "started", epochs=3, steps=30, device="cpu")
    assert status(desk) == "running"
    desk.tell(path, 2, "metrics", step=4, **{"train/loss": 2.0, "lr": 0.1, "seconds_left": 9.0})
    desk.tell(path, 3, "epoch", epoch=1, step=10, **{"val/loss": 1.5, "train/loss": None})
    desk.tell(path, 4, "finished", epoch=3, step=30, status="finished", metrics={"val/loss": 1.0})
    desk.client.reply("train", {"status": "finished"})
    desk.pump()
    run = desk.session.run
    assert run is not None
    assert (run.status, run.epoch, run.epochs, run.step, run.steps) == ("finished", 3, 3, 30, 30)
    assert run.metrics == {"train/loss": None, "lr": 0.1, "val/loss": 1.0}
    assert run.seconds_left is None
    assert run.device == "cpu"
    assert [event.run.status for event in desk.heard(RunChanged)] == [
        "starting",
        "running",
        "finished",
    ]
    assert [event.event.seq for event in desk.heard(RunEvent)] == [1, 2, 3, 4]
    assert not desk.heard(Notice)


def test_the_end_is_known_even_if_its_event_was_lost(desk: Desk, tmp_path: Path) -> None:
    desk.train(tmp_path / "run")
    fault = {"message": "loss is nan", "hint": "", "graph": "g", "node": "n"}
    desk.client.reply("train", {"status": "failed", "error": fault})
    desk.pump()
    assert status(desk) == "failed"
    assert desk.session.run is not None
    assert desk.session.run.fault == RunFault("loss is nan", "", "g", "n")


@pytest.mark.parametrize(
    "error", [ProblemsError("no data", [], "choose"), RunError("busy", "wait", node="n")]
)
def test_what_cannot_start_has_failed_with_its_reason(
    desk: Desk, tmp_path: Path, error: ProblemsError | RunError
) -> None:
    desk.session.train(tmp_path / "run")
    desk.client.reply("train", error=error)
    desk.pump()
    assert status(desk) == "failed"
    assert desk.session.run is not None
    assert desk.session.run.fault is not None
    assert desk.session.run.fault.message == str(error)
    assert desk.heard(Notice)[-1].text == str(error)


def test_without_a_worker_a_training_fails_at_once(tmp_path: Path) -> None:
    desk = Desk()
    desk.session.train(tmp_path / "run")
    desk.pump()
    assert status(desk) == "failed"


def test_a_second_training_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.train(tmp_path / "one")
    desk.session.train(tmp_path / "two")
    assert desk.client.count("train") == 1
    assert desk.heard(Notice)[-1].severity == "warning"
    assert desk.session.run is not None
    assert desk.session.run.path == tmp_path / "one"


def test_pause_and_resume(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "run"
    desk.session.pause()
    assert desk.client.count("pause") == 0  # nothing to pause
    desk.train(path)
    desk.session.resume()
    assert desk.client.count("resume") == 0
    desk.session.pause()
    assert desk.client.count("pause") == 1
    desk.tell(path, 2, "paused", step=5)
    assert status(desk) == "paused"
    desk.session.resume()
    assert desk.client.count("resume") == 1
    desk.tell(path, 3, "resumed", step=5)
    assert status(desk) == "running"


def test_stop_asks_and_waits_for_the_end(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "run"
    desk.session.stop()
    assert "stop_training" not in desk.client.log
    desk.train(path)
    desk.session.stop()
    assert desk.client.log[-1] == "stop_training"
    assert status(desk) == "stopping"
    desk.tell(path, 2, "metrics", step=6, **{"train/loss": 1.0})
    assert status(desk) == "stopping"
    desk.tell(path, 3, "resumed", step=6)  # a paused training wakes up to stop
    assert status(desk) == "stopping"
    desk.tell(path, 4, "finished", step=6, status="stopped")
    assert status(desk) == "stopped"


def test_a_worker_that_had_to_be_killed_has_stopped(desk: Desk, tmp_path: Path) -> None:
    desk.train(tmp_path / "run")
    desk.session.stop()
    desk.client.die(training=True)
    desk.pump()
    assert status(desk) == "stopped"
    assert desk.heard(Notice)[-1].severity == "warning"


def test_a_worker_that_dies_in_training_leaves_a_crashed_run(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "run"
    desk.train(path)
    node = edits.add_node(desk.session.history, desk.session.graph, "torch.nn.ReLU")
    before = desk.session.document.copy()
    desk.client.die(training=True)
    desk.pump()
    run = desk.session.run
    assert run is not None
    assert run.status == "crashed"
    assert run.fault == RunFault("The worker was killed.", "A hint.")
    assert desk.heard(Notice)[-1].severity == "error"
    assert desk.session.document == before
    assert node.id in desk.session.graph.nodes
    assert desk.session.dirty
    # What an earlier process still had to say comes too late.
    desk.tell(path, 9, "metrics", step=9, **{"train/loss": 1.0})
    assert desk.session.run == run
    desk.session.train(path, resume=True)
    assert desk.client.asked[-1][1]["resume"] is True
    assert status(desk) == "starting"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"seq": "1"},
        {"seq": 1, "time": 0, "event": "unheard-of", "epoch": 0, "step": 0, "values": {}},
        {"seq": 1, "time": 0, "event": "metrics", "epoch": None, "step": 0, "values": {}},
    ],
    ids=str,
)
def test_events_that_are_none_are_ignored(desk: Desk, tmp_path: Path, data: Any) -> None:
    from netbuilder.engine import protocol

    path = tmp_path / "run"
    desk.train(path)
    before = desk.session.run
    desk.client.say(protocol.RunEvent(str(path), data))
    desk.pump()
    assert desk.session.run == before


def test_repeated_events_and_those_of_other_runs_are_ignored(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "run"
    desk.train(path)
    desk.tell(path, 2, "metrics", step=5, **{"train/loss": 1.0})
    heard = len(desk.heard(RunEvent))
    desk.tell(path, 2, "metrics", step=5, **{"train/loss": 2.0})
    desk.tell(tmp_path / "other", 3, "metrics", step=6, **{"train/loss": 3.0})
    assert len(desk.heard(RunEvent)) == heard
    assert desk.session.run is not None
    assert desk.session.run.metrics["train/loss"] == 1.0


def test_values_of_a_wrong_kind_do_no_harm(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "run"
    desk.session.train(path)
    desk.tell(path, 1, "started", epochs="many", steps=None, device=5)
    desk.tell(path, 2, "metrics", **{"train/loss": "low", "seconds": [], "seconds_left": {}})
    desk.tell(path, 3, "finished", status=5, metrics=[], error="bad")
    assert status(desk) == "failed"


def test_another_project_does_not_stop_the_run(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "run"
    desk.train(path)
    desk.session.new()
    assert status(desk) == "running"
    desk.tell(path, 2, "finished", status="finished")
    desk.session.new()
    assert desk.session.run is None
    assert desk.heard(RunChanged)[-1] == RunChanged(None)


def test_an_export_takes_the_weights_of_the_run_that_ended(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "run"
    desk.train(path)
    desk.session.export(ExportOptions("onnx"), tmp_path / "a.onnx", lambda outcome: None)
    assert "project" in desk.client.asked[-1][1]
    desk.tell(path, 2, "finished", status="stopped")
    desk.session.export(ExportOptions("onnx"), tmp_path / "a.onnx", lambda outcome: None)
    assert desk.client.asked[-1][1]["run"] == str(path)
    desk.session.predict({"x": [1]}, lambda outcome: None)
    assert desk.client.asked[-1][1]["run"] == str(path)


# -- where runs are ----------------------------------------------------------------------------


def make_run(folder: Path, status: Any) -> None:
    folder.mkdir(parents=True)
    (folder / "project.netb").write_text("{}")
    (folder / "status.json").write_text(json.dumps(status))


def test_runs_lie_beside_a_saved_project(desk: Desk, tmp_path: Path) -> None:
    session = desk.session
    session.save(tmp_path / "digits.netb")
    assert session.runs_folder() == tmp_path / "digits.runs"
    assert rows(session.runs_folder()) == []
    session.train()
    assert session.run is not None
    assert session.run.path == tmp_path / "digits.runs" / "run-001"
    make_run(tmp_path / "digits.runs" / "run-009", {"status": "finished", "epoch": 3})
    make_run(tmp_path / "digits.runs" / "run-010", {"status": 5, "metrics": [], "best": 1})
    (tmp_path / "digits.runs" / "notes.txt").write_text("")
    assert runs.next_run(session.runs_folder()).name == "run-011"
    assert [row.name for row in rows(session.runs_folder())] == ["run-010", "run-009"]
    assert rows(session.runs_folder())[1].epoch == 3
    assert json.dumps([row.to_json() for row in rows(session.runs_folder())])


def test_runs_of_an_unsaved_project_lie_in_the_data_folder(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path))
    edits.set_project(desk.session.history, title="../../My / net")
    folder = desk.session.runs_folder()
    assert folder.parent == tmp_path / "data" / "runs"
    assert "/" not in folder.name
    assert not folder.exists()


def test_runs_of_a_project_in_a_read_only_folder_go_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    folder = runs.runs_folder(tmp_path / "a.netb", "a")
    assert folder.parent == tmp_path / "home" / "data" / "runs"


def test_a_view_says_whether_it_goes_on() -> None:
    view = RunView(Path("r"))
    assert view.active
    assert not view.ended("crashed").active
    assert view.name == "r"


def test_a_project_that_cannot_be_saved_cannot_be_trained(desk: Desk, tmp_path: Path) -> None:
    from dataclasses import replace

    from netbuilder.graph.changes import Changed

    session = desk.session
    with session.history.step("Break in"):
        before = session.document.project
        broken = replace(before, training={"lr": float("nan")})
        session.document.apply(Changed("", before, broken))
    session.train(tmp_path / "run")
    assert desk.client.count("train") == 0
    assert "training" in desk.heard(Notice)[-1].text
    with pytest.raises(Exception, match="training"):
        files.save(session.document, tmp_path / "a.netb")
