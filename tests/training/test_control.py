"""Commands to a training from other processes, through its folder."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from netbuilder.errors import DocumentError, RunError
from netbuilder.training import control
from netbuilder.training.control import Command, Control
from netbuilder.training.observing import telling
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder, read_events
from tests.training.standins import plan, run

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 3, "checkpoint_s": 1e6}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(telling, "TELL_EVERY_S", 0.0)


@pytest.fixture
def watching(at_once: None, tmp_path: Path) -> Control:
    made = Control()
    made.watch(tmp_path)
    return made


def test_commands_come_through_the_folder(watching: Control, tmp_path: Path) -> None:
    watching.look()
    assert not watching.wanted
    control.send(tmp_path, "pause")
    watching.look()
    assert (watching.wanted, watching.paused, watching.stopping) == (True, True, False)
    control.send(tmp_path, "resume")
    watching.look()
    assert not watching.wanted
    control.send(tmp_path, "stop")
    watching.look()
    assert watching.stopping
    assert json.loads((tmp_path / control.FILE).read_text()) == {"number": 3, "command": "stop"}


def test_a_command_is_obeyed_once(watching: Control, tmp_path: Path) -> None:
    control.send(tmp_path, "pause")
    watching.look()
    watching.resume()
    (tmp_path / control.FILE).touch()
    watching.look()
    assert not watching.paused


def test_what_was_there_before_the_start_is_for_nobody(at_once: None, tmp_path: Path) -> None:
    control.send(tmp_path, "stop")
    later = Control()
    later.watch(tmp_path)
    later.look()
    assert not later.wanted
    control.send(tmp_path, "stop")
    later.look()
    assert later.stopping


def test_of_two_with_the_same_number_the_later_counts(watching: Control, tmp_path: Path) -> None:
    commands: tuple[Command, Command] = ("pause", "stop")
    for command in commands:
        text = json.dumps({"number": 4, "command": command})
        (tmp_path / control.FILE).write_text(text)
        watching.look()
    assert watching.stopping
    # An older one, from a copy of the folder perhaps, does not.
    calm = Control()
    calm.watch(tmp_path)
    (tmp_path / control.FILE).write_text('{"number": 2, "command": "stop"}')
    calm.look()
    assert not calm.stopping


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"number": "1", "command": "stop"}',
        '{"number": 1}',
        '{"number": 1, "command": "shout"}',
        '{"number": 1, "command": ["stop"]}',
        "[" * 100_000,
        "\x00",
    ],
    ids=range(9),
)
def test_what_is_no_command_does_nothing(watching: Control, tmp_path: Path, text: str) -> None:
    (tmp_path / control.FILE).write_text(text)
    watching.look()
    assert not watching.wanted
    control.send(tmp_path, "pause")
    watching.look()
    assert watching.paused


def test_it_looks_now_and_then_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    made = Control()
    made.watch(tmp_path)
    made.look()
    control.send(tmp_path, "pause")
    made.look()
    assert not made.paused
    clock[0] += control.LOOK_EVERY_S
    made.look()
    assert made.paused


def test_a_rest_ends_by_a_command(watching: Control, tmp_path: Path) -> None:
    watching.pause()
    resting = threading.Thread(target=watching.wait)
    resting.start()
    control.send(tmp_path, "resume")
    resting.join(30)
    assert not resting.is_alive()


def test_a_training_that_nobody_watches_looks_nowhere() -> None:
    made = Control()
    made.look()
    assert not made.lost


def test_a_folder_that_is_gone_cannot_be_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError):
        control.send(tmp_path / "no", "stop")


@pytest.mark.parametrize("what", ["moved", "removed", "replaced"])
def test_a_folder_that_is_gone_is_noticed(at_once: None, tmp_path: Path, what: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    made = Control()
    made.watch(folder)
    made.look()
    if what == "removed":
        folder.rmdir()
    else:
        folder.rename(tmp_path / "elsewhere")
    if what == "replaced":
        folder.mkdir()
    with pytest.raises(RunError, match="moved or removed"):
        made.look()
    assert made.lost


# -- in a training -----------------------------------------------------------------------


class Heard(list[Event]):
    """Listens to a training and does something at its first figures."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self._act = act

    def __call__(self, event: Event) -> None:
        self.append(event)
        if event.event == "epoch" and self._act is not None:
            self._act()
            self._act = None


def test_a_training_obeys_its_folder(at_once: None, tmp_path: Path) -> None:
    heard = Heard(lambda: control.send(tmp_path / "r", "stop"))
    result = run(plan(**SIZE), tmp_path / "r", listen=heard)
    assert result.status == "stopped"
    assert 7 <= result.steps < 21
    assert RunFolder(tmp_path / "r").read_checkpoint("last")


@pytest.mark.parametrize("what", ["moved", "removed", "replaced"])
def test_a_training_ends_with_its_folder(at_once: None, tmp_path: Path, what: str) -> None:
    folder, moved = tmp_path / "r", tmp_path / "elsewhere"

    def lose() -> None:
        if what == "removed":
            shutil.rmtree(folder)
        else:
            folder.rename(moved)
        if what == "replaced":
            folder.mkdir()
            (folder / "checkpoints").mkdir()

    heard = Heard(lose)
    result = run(plan(**SIZE), folder, listen=heard)
    assert result.status == "failed"
    assert result.error is not None
    assert "moved or removed" in result.error["message"]
    assert heard[-1].event == "finished"
    if what == "replaced":
        # What somebody else has there now is not written to.
        assert sorted(path.name for path in folder.rglob("*")) == ["checkpoints"]
    else:
        assert not folder.exists()
    if what != "removed":
        assert read_events(moved)[0][-1].values["status"] == "failed"
