"""Checkpoints that are written beside the training."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from netbuilder.training.checkpointing import checkpoints, saving, sealed, trees
from netbuilder.training.checkpointing.saving import Saver, Shot
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder, read_events
from tests.training.resuming import Killed, train_with
from tests.training.standins import Heard, losses, plan, run, same, weights

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 3, "checkpoint_s": 1e6, "checkpoint_steps": 2}


class Held:
    """Writing of checkpoints that waits until it is let go."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.steps: list[int] = []
        self.only: int | None = None
        original = checkpoints.save

        def save(folder: RunFolder, kind: Any, *rest: Any) -> Path:
            if threading.current_thread().name == "checkpoint" and kind == "last":
                self.begun.set()
                assert self.go.wait(60)
                if self.only not in (None, rest[1]["step"]):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.steps.append(rest[1]["step"])
            return original(folder, kind, *rest)

        patch.setattr(checkpoints, "save", save)


def test_the_training_goes_on_while_one_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = plan(**{**SIZE, "checkpoint_steps": None})
    run(whole, tmp_path / "whole")
    held = Held(monkeypatch)

    def spoil(number: int, loss: Tensor) -> Tensor:
        if number == 12:
            # Nine batches and an evaluation since it was begun; the next one has waited for it.
            assert held.begun.is_set()
            assert held.steps == []
            held.go.set()
        return loss

    made = plan(**SIZE, spoil=spoil)
    assert run(made, tmp_path / "r").status == "finished"
    assert losses(made) == losses(whole)
    assert same(weights(made), weights(whole))
    assert held.steps[0] == 2


def test_a_checkpoint_holds_the_moment_at_which_it_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that is written late may be of a later batch, EMA and waiting gradients included."""
    arguments = {**SIZE, "step": {"ema": 0.9}, "accumulate": 2, "checkpoint_steps": 3}
    whole = train_with(plan, tmp_path / "whole", **arguments)
    held = Held(monkeypatch)

    def spoil(number: int, loss: Tensor) -> Tensor:
        if number == 6:
            held.go.set()
            # The next one would be begun as soon as this one is written.
            held.only = 3
        if number == 7 and held.go.is_set():
            raise Killed
        return loss

    with pytest.raises(Killed):
        run(plan(**arguments, spoil=spoil), tmp_path / "r")
    kept = RunFolder.open(tmp_path / "r").read_checkpoint("last")[0]
    assert kept.info["step"] == 3
    rest = plan(**arguments)
    run(rest, tmp_path / "r", resume=True)
    end = {f"main.{name}": tensor for name, tensor in weights(rest).items()}
    assert all(torch.equal(end[name], whole.weights[name]) for name in end)


def test_events_tell_where_it_was_begun(tmp_path: Path) -> None:
    run(plan(**SIZE), tmp_path / "r")
    events, _ = read_events(tmp_path / "r")
    last = [e for e in events if e.event == "checkpoint" and e.values["kind"] == "last"]
    assert last
    for event in last:
        path = tmp_path / "r" / event.values["path"]
        if path.exists():
            assert sealed.read(path).info["step"] == event.step
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def test_a_full_disk_is_told_by_the_loop_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = checkpoints.save
    refused: list[str] = []

    def save(folder: RunFolder, kind: Any, *rest: Any) -> Path:
        if len(refused) < 2:
            refused.append(threading.current_thread().name)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(folder, kind, *rest)

    monkeypatch.setattr(checkpoints, "save", save)
    told: list[str] = []

    def act(event: Event) -> None:
        if event.values.get("code") == "checkpoint":
            told.append(threading.current_thread().name)

    result = run(plan(**SIZE), tmp_path / "r", listen=Heard(act))
    assert result.status == "finished"
    assert "checkpoint" in refused
    # Events come from one thread alone.
    assert told
    assert "checkpoint" not in told
    assert RunFolder.open(tmp_path / "r").checkpoints("best")


def test_what_is_no_matter_of_the_disk_is_raised(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "r", b"{}")
    saver = Saver(folder)
    saver.begin([Shot("last", {"main": {"w": torch.zeros(2)}}, {"step": 1}, {"bad": object()})])
    with pytest.raises(TypeError):
        saver.take(wait=True)
    # And it can be used again.
    saver.begin([Shot("last", {"main": {"w": torch.zeros(2)}}, {"step": 1}, {})])
    (written,) = saver.take(wait=True)
    assert written.path is not None
    assert not saver.busy


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "r", b"{}")
    shot = Shot("last", {"main": {"w": torch.tensor([1.0, float("nan")])}}, {"step": 1}, {})
    assert saving.write(folder, shot).path is None
    assert folder.checkpoints() == []


def test_a_kill_in_the_middle_of_writing_falls_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kill -9 leaves it: a folder under its temporary name, half full."""
    run(plan(**SIZE, steps=6), tmp_path / "r")
    folder = RunFolder.open(tmp_path / "r")
    newest = folder.checkpoints("last")[0]
    half = newest.path.with_name(".new-000099-last-abcd")
    newest.path.rename(half)
    (half / "state.safetensors").write_bytes(b"half")
    made = plan(**SIZE)
    assert run(made, tmp_path / "r", resume=True).status == "finished"
    assert not half.exists()


@pytest.mark.parametrize("lost", ["weights", "state"])
def test_without_its_copy_it_would_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """The test above of the moment fails if the thread reads what the training changes."""
    if lost == "weights":
        monkeypatch.setattr(trees, "clone", lambda tensors: dict(tensors))
    else:
        monkeypatch.setattr(trees, "copied", lambda value: value)
    with pytest.raises(AssertionError):
        test_a_checkpoint_holds_the_moment_at_which_it_was_begun(tmp_path, monkeypatch)
