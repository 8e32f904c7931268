"""All folds, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.cross_validation import summary
from netbuilder.app.events import Notice
from tests.app.fakes import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path))
    made = Desk()
    made.start()
    made.answer()
    return made


def asked(desk: Desk) -> list[Mapping[str, Any]]:
    """What trainings were asked for."""
    return [params for method, params in desk.client.asked if method == "train"]


def finish(desk: Desk, accuracy: float, status: str = "finished") -> None:
    """The training under way comes to its end."""
    assert desk.session.run is not None
    path = desk.session.run.path
    path.mkdir(parents=True)
    desk.tell(path, 1, "started", epochs=3, steps=30, device="cpu")
    desk.tell(path, 2, "epoch", epoch=3, step=30, **{"val/accuracy": accuracy})
    desk.tell(path, 3, status, epoch=3, step=30, status=status)
    before = len(asked(desk))
    desk.pump()
    assert len(asked(desk)) == before, "the worker is not done with it yet"
    desk.client.reply("train", {"status": status})
    desk.pump()


def test_each_fold_is_a_run_of_its_own(desk: Desk) -> None:
    desk.session.folds.begin(3)
    for number, accuracy in enumerate((0.9, 0.8, 1.0), 1):
        assert desk.session.folds.text == f"Fold {number} of 3"
        assert asked(desk)[-1]["overrides"] == {"data.folds": 3, "data.fold": number}
        finish(desk, accuracy)
    assert desk.session.folds.text == ""
    assert len({params["run"] for params in asked(desk)}) == len(asked(desk)) == 3
    assert desk.heard(Notice)[-1].text == "3 folds: val/accuracy 0.9 ± 0.1"


@pytest.mark.parametrize("status", ["stopped", "failed"])
def test_one_that_does_not_finish_is_the_last(desk: Desk, status: str) -> None:
    desk.session.folds.begin(3)
    finish(desk, 0.9)
    finish(desk, 0.8, status)
    assert len(asked(desk)) == 2
    assert desk.session.folds.text == ""
    assert not desk.heard(Notice)


def test_another_project_is_not_trained_in_its_place(desk: Desk) -> None:
    desk.session.folds.begin(3)
    assert desk.session.run is not None
    path = desk.session.run.path
    desk.session.new()
    desk.tell(path, 1, "finished", status="finished")
    desk.client.reply("train", {"status": "finished"})
    desk.pump()
    assert len(asked(desk)) == 1


def test_a_training_between_is_none_of_them(desk: Desk, tmp_path: Path) -> None:
    desk.session.folds.begin(2)
    finish(desk, 0.9, "stopped")
    desk.session.train(tmp_path / "own")
    finish(desk, 0.9)
    assert [params.get("overrides", {}).get("data.fold") for params in asked(desk)] == [1, None]


def test_the_summary_tells_what_all_folds_measured() -> None:
    ends = [{"val/loss": 1.0, "train/loss": 3.0}, {"val/loss": 2.0, "val/other": 1.0}]
    assert summary(ends) == "2 folds: val/loss 1.5 ± 0.71"
    assert summary([{"train/loss": 1.0}]) == "Folds trained: 1."
