"""Training on data that is read meanwhile: the same bits, exact resume, and what goes wrong."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from netbuilder.data import ahead, streaming
from netbuilder.data.loading import Dataset
from netbuilder.data.streaming import Feed
from netbuilder.errors import ProblemsError
from netbuilder.training.control import Control
from netbuilder.training.plan import Plan
from netbuilder.training.records.folder import RunFolder
from tests.data import files
from tests.training.resuming import Moment, differences
from tests.training.standins import Heard, losses, plan, run, same, weights
from tests.training.standins import dataset as in_memory

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 3, "checkpoint_s": 1e6}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return files.write(tmp_path / "data")


def feed(data: Dataset) -> Feed:
    return data.train.feed  # type: ignore[attr-defined, no-any-return]


def misbehaving(data: Dataset, kind: type[Any], **values: Any) -> Dataset:
    """The data set read by another reader."""
    samples = feed(data)._samples
    reader = kind(samples.reader.files)  # type: ignore[attr-defined]
    for name, value in values.items():
        setattr(reader, name, value)
    samples.reader = reader
    return data


def test_streamed_and_in_memory_give_the_same_bits(folder: Path, tmp_path: Path) -> None:
    first, second = plan(**SIZE, data=in_memory()), plan(**SIZE, data=files.dataset(folder))
    results = run(first, tmp_path / "a"), run(second, tmp_path / "b")
    assert losses(first) == losses(second)
    assert same(weights(first), weights(second))
    assert results[0].metrics == results[1].metrics


def noisy(folder: Path, workers: int) -> Plan:
    data = misbehaving(files.dataset(folder, workers=workers, normalise=("x",)), files.Chancy)
    return plan(**SIZE, data=data)


def test_processes_change_no_bit(folder: Path, tmp_path: Path) -> None:
    made = {workers: noisy(folder, workers) for workers in (0, 2)}
    results = {workers: run(each, tmp_path / str(workers)) for workers, each in made.items()}
    assert losses(made[0]) == losses(made[2])
    assert same(weights(made[0]), weights(made[2]))
    assert results[0].metrics == results[2].metrics
    # Every epoch has other noise.
    assert len(set(losses(made[0]))) == len(losses(made[0]))


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("moment", [Moment(11), Moment(7, validating=True), Moment(12, True)])
def test_goes_on_exactly(folder: Path, tmp_path: Path, workers: int, moment: Moment) -> None:
    def make(**arguments: Any) -> Plan:
        data = misbehaving(files.dataset(folder, workers=workers), files.Chancy)
        return plan(**arguments, data=data)

    assert differences(make, tmp_path, [moment], **SIZE, checkpoint_steps=5) == []


@pytest.mark.nightly
def test_stopped_with_two_processes_and_gone_on_with_none(folder: Path, tmp_path: Path) -> None:
    whole = noisy(folder, 0)
    run(whole, tmp_path / "whole")
    control, first = Control(), noisy(folder, 2)
    stop = Heard(lambda event: control.stop() if event.event == "metrics" else None)
    assert run(first, tmp_path / "parts", control=control, listen=stop).status == "stopped"
    rest = noisy(folder, 0)
    assert run(rest, tmp_path / "parts", resume=True).status == "finished"
    assert losses(first) + losses(rest) == losses(whole)


def test_going_on_reads_nothing_that_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(**SIZE, data=files.dataset(folder), steps=5)
    run(made, tmp_path / "r")
    data = files.dataset(folder)
    asked: list[int] = []
    original = streaming._Samples.__getitem__

    def note(self: Any, wish: Any) -> Any:
        if wish.part == "train":
            asked.append(len(wish.positions))
        return original(self, wish)

    monkeypatch.setattr(streaming._Samples, "__getitem__", note)
    run(plan(**{**SIZE, "epochs": 1}, data=data), tmp_path / "r", resume=True)
    # The last two batches of the epoch, of 7 and 6.
    assert sum(count for count in asked if count in (6, 7)) == 13


# -- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.nightly)])
def test_a_process_that_is_killed(folder: Path, tmp_path: Path, times: int) -> None:
    whole = plan(**SIZE, data=files.dataset(folder))
    run(whole, tmp_path / "whole")
    data = misbehaving(files.dataset(folder, workers=1), files.Deadly, folder=folder)
    for name in ("first", "second")[:times]:
        (folder / name).touch()
    made = plan(**SIZE, data=data)
    result = run(made, tmp_path / "r")
    assert not (folder / "first").exists(), "no process was killed"
    if times == 1:
        assert result.status == "finished"
        assert losses(made) == losses(whole)
        assert any("was ended and has been started again" in w for w in result.warnings)
    else:
        assert result.status == "failed"
        assert result.error is not None
        assert "were ended twice" in result.error["message"]


@pytest.mark.nightly
def test_a_stall_is_told_and_a_stop_is_heeded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "pipe")
    monkeypatch.setattr("netbuilder.training.run.SLOW_DATA_S", 2.0)
    data = misbehaving(files.dataset(folder, workers=1), files.Stalling, folder=folder)
    control = Control()
    heard = Heard(lambda event: control.stop() if event.values.get("code") == "slow-data" else None)
    result = run(plan(**SIZE, data=data), tmp_path / "r", control=control, listen=heard)
    assert result.status == "stopped"
    assert any("Loading data is slow" in warning for warning in result.warnings)
    assert RunFolder.open(tmp_path / "r").read_checkpoint("last")[0].info["step"] == result.steps


def test_a_stall_is_told_without_processes_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "pipe")
    monkeypatch.setattr("netbuilder.training.run.SLOW_DATA_S", 1.0)
    data = misbehaving(files.dataset(folder), files.Stalling, folder=folder)
    control = Control()
    heard = Heard(lambda event: control.stop() if event.values.get("code") == "slow-data" else None)
    result = run(plan(**SIZE, data=data), tmp_path / "r", control=control, listen=heard)
    assert result.status == "stopped"
    assert any("Loading data is slow" in warning for warning in result.warnings)
    (folder / "pipe").write_bytes(b"go on")  # and let the thread end


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.nightly)])
def test_a_stall_that_ends_changes_nothing(
    folder: Path, tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "TICK_S", 1.0 if workers else 0.05)
    os.mkfifo(folder / "pipe")
    whole = plan(**{**SIZE, "epochs": 1}, data=files.dataset(folder))
    run(whole, tmp_path / "whole")
    data = misbehaving(files.dataset(folder, workers=workers), files.Stalling, folder=folder)
    made = plan(**{**SIZE, "epochs": 1}, data=data)
    waited: list[float] = []

    def release(seconds: float) -> None:
        # Once a stall: the sample may be read again for a preview.
        waited.append(seconds)
        if seconds == ahead.TICK_S:
            write = (folder / "pipe").write_bytes
            threading.Thread(target=write, args=(b"go on",), daemon=True).start()

    feed(data).on_wait.append(release)
    assert run(made, tmp_path / "r").status == "finished"
    assert waited
    assert losses(made) == losses(whole)


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.nightly)])
def test_one_corrupt_sample_is_passed_over(folder: Path, tmp_path: Path, workers: int) -> None:
    data = misbehaving(files.dataset(folder, workers=workers), files.Corrupt, bad=frozenset({20}))
    result = run(plan(**SIZE, data=data), tmp_path / "r")
    assert result.status == "finished"
    assert feed(data).corrupt == {20}
    assert any("1 sample can't be used" in warning for warning in result.warnings)


def test_many_corrupt_samples_end_it(folder: Path, tmp_path: Path) -> None:
    data = misbehaving(files.dataset(folder), files.Corrupt, bad=frozenset(range(10, 20)))
    result = run(plan(**SIZE, data=data), tmp_path / "r")
    assert result.status == "failed"
    assert result.error is not None
    assert "of 60 samples can't be used" in result.error["message"]
    everything = misbehaving(files.dataset(folder), files.Corrupt, bad=frozenset(range(60)))
    result = run(plan(**SIZE, data=everything), tmp_path / "all")
    assert result.status == "failed"


def test_numbers_that_are_not_finite_are_corrupt(folder: Path, tmp_path: Path) -> None:
    values = np.load(folder / "x.npy")
    values[20, 1] = np.nan
    np.save(folder / "x.npy", values)
    data = files.dataset(folder)
    assert run(plan(**SIZE, data=data), tmp_path / "r").status == "finished"
    assert feed(data).corrupt == {20}


@pytest.mark.parametrize("what", ["removed", "replaced", "cut"])
def test_files_that_change_end_it_clearly(folder: Path, tmp_path: Path, what: str) -> None:
    def change(event: Any) -> None:
        if event.event == "epoch" and event.epoch == 1:
            path = folder / "x.npy"
            if what == "cut":
                os.truncate(path, path.stat().st_size // 2)
                return
            path.unlink()
            if what == "replaced":
                files.write(folder)

    result = run(plan(**SIZE, data=files.dataset(folder)), tmp_path / "r", listen=Heard(change))
    assert (result.status, result.epochs) == ("failed", 1)
    assert result.error is not None
    assert "'x.npy' was changed or removed" in result.error["message"]
    assert RunFolder.open(tmp_path / "r").read_checkpoint("last")[0].info["step"] == 7


def pipe(folder: Path) -> None:
    (folder / "x.npy").unlink()
    os.mkfifo(folder / "x.npy")


def objects(folder: Path) -> None:
    np.save(folder / "x.npy", np.array([{"a": 1}] * 60, dtype=object), allow_pickle=True)


def text(folder: Path) -> None:
    (folder / "x.npy").write_text("not numpy")


def cut(folder: Path) -> None:
    os.truncate(folder / "x.npy", 500)


def shape(folder: Path) -> None:
    np.save(folder / "x.npy", np.zeros((60, 5), np.float32))


def short(folder: Path) -> None:
    np.save(folder / "x.npy", np.zeros((59, 4), np.float32))


def empty(folder: Path) -> None:
    np.save(folder / "x.npy", np.zeros((0, 4), np.float32))


def one_class(folder: Path) -> None:
    np.save(folder / "label.npy", np.zeros(60, np.int64))


def out_of_range(folder: Path) -> None:
    np.save(folder / "label.npy", np.full(60, 3))


def fractions(folder: Path) -> None:
    np.save(folder / "label.npy", np.zeros(60, np.float32))


def columns(folder: Path) -> None:
    np.save(folder / "x.npy", np.asfortranarray(np.zeros((60, 4), np.float32)))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (pipe, "'x.npy' is no file"),
        (objects, "array of object"),
        (text, "'x.npy' is no .npy file"),
        (cut, "shorter than its header says"),
        (lambda folder: (folder / "x.npy").unlink(), "'x.npy' can't be read: No such file"),
        (shape, r"Samples of 'x' are \(5,\), not \(4,\)"),
        (short, "x has 59, label has 60"),
        (empty, "The data has no samples"),
        (one_class, "are of one class"),
        (out_of_range, "holds values from 3 to 3, not 0 to 2"),
        (fractions, "not whole numbers"),
        (columns, "columns first"),
    ],
)
def test_files_that_can_not_be_used_are_refused_before(
    folder: Path, damage: Any, words: str
) -> None:
    damage(folder)
    with pytest.raises(ProblemsError, match=words) as caught:
        files.dataset(folder)
    assert caught.value.hint or "class" in words


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    import multiprocessing

    yield
    for child in multiprocessing.active_children():
        child.join(10)
    assert not multiprocessing.active_children()
    assert threading.active_count() < 50
    torch.manual_seed(0)
