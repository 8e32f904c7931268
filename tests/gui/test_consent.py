"""Train asks before data outside the project's folder is read, and once."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbuilder.graph import edits
from netbuilder.gui.asking import dialogs
from tests.gui.window_hand import WindowHand, settle


@pytest.fixture
def elsewhere(hand: WindowHand, tmp_path: Path) -> Path:
    """The open project names data in a folder that nobody chose."""
    hand.open()
    contents = {"image": {"shape": [1, 8, 8]}, "label": {"dtype": "int64", "high": 10}}
    params = {"folder": str(tmp_path / "elsewhere"), "contents": contents}
    data = {"source": "netbuilder.NumpyFiles", "params": params}
    edits.set_project(hand.session.history, data=data)
    settle()
    hand.report()
    return tmp_path / "elsewhere"


def answer(monkeypatch: pytest.MonkeyPatch, choice: int) -> list[str]:
    """What the person presses; what they read."""
    read: list[str] = []

    class Answered(dialogs.Message):
        def ask(self) -> int:
            read.append(self.text.text())
            assert self.choices[1].isDefault(), "Enter must not allow it"
            self.choices[choice].click()
            self.deleteLater()
            return self.result()

    monkeypatch.setattr(dialogs, "Message", Answered)
    return read


def test_no_leaves_everything_as_it_is(
    hand: WindowHand, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = answer(monkeypatch, 1)
    hand.command("run.train")
    assert len(read) == 1
    assert str(elsewhere) in read[0]
    assert not hand.client.waiting("train")
    assert hand.session.data.wanted() == [elsewhere]


def test_yes_is_asked_once_and_told_to_the_worker(
    hand: WindowHand, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = answer(monkeypatch, 0)
    hand.command("run.train")
    assert len(read) == 1
    params = hand.client.answer("train", result={"status": "finished"})
    assert str(elsewhere) in params["places"]["allowed"]
    settle()
    hand.command("run.train")
    assert len(read) == 1
    hand.client.answer("train", result={"status": "finished"})
