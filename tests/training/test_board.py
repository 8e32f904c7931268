"""TensorBoard reads what the run told: nothing is missing, doubled or torn."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from netbuilder.training.records.board import Board
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder

SETTINGS = {"optimizer.lr": 0.1, "data.source": "netbuilder.Digits", "stratify": True, "no": None}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run-001", b"{}")


class Teller:
    """Writes events as a training does."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder, self.seq = folder, 0

    def tell(self, kind: Any, epoch: int, step: int, **values: Any) -> Event:
        self.seq += 1
        event = Event(self.seq, 1.7e9 + self.seq, kind, epoch, step, values)
        self.folder.append(event)
        return event

    def train(self, first: int, last: int) -> None:
        for step in range(first, last):
            values = {"train/loss": 1 / step, "lr": 0.1, "seconds": 1.0, "note": "x"}
            self.tell("metrics", 0, step, **values)
            if step % 5 == 0:
                metrics = {"train/loss": 2 / step, "val/loss": 3 / step, "best": True}
                self.tell("epoch", step // 5, step, **metrics)


def read(folder: RunFolder) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by tag, as TensorBoard has them."""
    found = EventAccumulator(str(folder.path), size_guidance={"scalars": 0})
    found.Reload()
    return {
        tag: [(each.step, each.value) for each in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def steps(folder: RunFolder, tag: str = "train/loss") -> list[int]:
    return [step for step, _ in read(folder)[tag]]


def test_tensorboard_reads_every_value(folder: RunFolder) -> None:
    teller = Teller(folder)
    teller.tell("started", 0, 0, epochs=2, resumed_from=None)
    teller.train(1, 11)
    Board(folder, SETTINGS).update()
    found = read(folder)
    assert found.keys() == {"train/loss", "lr", "train_epoch/loss", "val/loss"}
    assert [step for step, _ in found["train/loss"]] == list(range(1, 11))
    assert [value for _, value in found["val/loss"]] == [pytest.approx(3 / 5), pytest.approx(0.3)]


def test_settings_are_hyperparameters(folder: RunFolder) -> None:
    from tensorboard.plugins.hparams import metadata

    Teller(folder).tell("started", 0, 0)
    Board(folder, SETTINGS).update()
    found = EventAccumulator(str(folder.path))
    found.Reload()
    content = found.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    told = metadata.parse_session_start_info_plugin_data(content)
    assert told.hparams["optimizer.lr"].number_value == 0.1
    assert told.hparams["data.source"].string_value == "netbuilder.Digits"
    assert told.hparams["stratify"].bool_value


def test_a_resume_doubles_nothing(folder: RunFolder) -> None:
    teller = Teller(folder)
    teller.tell("started", 0, 0, resumed_from=None)
    teller.train(1, 9)
    Board(folder).update()
    teller.tell("started", 0, 5, resumed_from=5)
    teller.train(6, 13)
    Board(folder).update()
    assert steps(folder) == list(range(1, 13))
    assert steps(folder, "val/loss") == [5, 10]


def test_written_while_it_goes_or_afterwards_is_the_same(folder: RunFolder) -> None:
    teller, live = Teller(folder), Board(folder, SETTINGS)
    heard: list[Event] = []
    listen = live.listening(heard.append)
    listen(teller.tell("started", 0, 0))
    for step in range(1, 30):
        listen(teller.tell("metrics", 0, step, **{"train/loss": 1 / step}))
        assert steps(folder) == list(range(1, step + 1))
    assert len(heard) == 30
    there = live.path.read_bytes()
    Board(folder, SETTINGS).update()
    assert live.path.read_bytes() == there
    live.path.unlink()
    Board(folder, SETTINGS).update()
    assert live.path.read_bytes() == there


def test_what_a_kill_left_is_completed(folder: RunFolder) -> None:
    teller = Teller(folder)
    teller.tell("started", 0, 0)
    teller.train(1, 20)
    made = Board(folder)
    made.update()
    whole = made.path.read_bytes()
    chance = random.Random(0)
    for _ in range(30):
        made.path.write_bytes(whole[: chance.randrange(len(whole))])
        Board(folder).update()
        assert made.path.read_bytes() == whole
    made.path.write_bytes(b"something else")
    Board(folder).update()
    assert made.path.read_bytes() == whole


def test_a_run_that_told_nothing_has_no_board(folder: RunFolder) -> None:
    assert Board(folder).update() == 0
    assert not Board(folder).path.exists()
