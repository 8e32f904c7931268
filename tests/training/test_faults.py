"""What goes wrong while a network trains, and what must hold then."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from netbuilder.errors import ProblemsError, RunError
from netbuilder.training import steps
from netbuilder.training.checkpointing import checkpoints, keeping, sealed
from netbuilder.training.control import Control
from netbuilder.training.guards import DeviceGuard, Guard
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder, read_events
from tests.training.standins import Heard, dataset, losses, network, plan, run, same, weights

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 3, "checkpoint_s": 1e6}


def bad_at(step: int, value: float) -> Callable[[int, Tensor], Tensor]:
    def spoil(number: int, loss: Tensor) -> Tensor:
        return loss * value if number == step else loss

    return spoil


@pytest.fixture(params=["host", "device"])
def guard(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both guards; the device's works on the CPU too, where fused optimizers obey it."""
    if request.param == "device":

        def make(module: nn.Module, optimizers: Any, *rest: object) -> Guard:
            return DeviceGuard(module, optimizers)

        monkeypatch.setattr(steps, "make_guard", make)
    return str(request.param)


# -- losses that are not finite (D7) -------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW"])
def test_a_bad_loss_never_reaches_the_weights(
    tmp_path: Path, guard: str, value: float, kind: str
) -> None:
    optimizer = {"kind": kind, "lr": 0.01}
    good = plan(**SIZE, steps=9, optimizer=optimizer)
    run(good, tmp_path / "good")
    bad = plan(**SIZE, spoil=bad_at(9, value), optimizer=optimizer)
    result = run(bad, tmp_path / "bad")
    assert (result.status, result.steps) == ("failed", 9)
    assert result.error is not None
    assert "at step 10 (training samples " in result.error["message"]
    assert same(weights(bad), weights(good))
    kept, _ = RunFolder.open(tmp_path / "bad").read_checkpoint("last")
    assert same(checkpoints.networks(kept)["main"], weights(good))


def test_a_bad_loss_at_the_last_batch_of_an_epoch(tmp_path: Path, guard: str) -> None:
    result = run(plan(**SIZE, spoil=bad_at(6, float("nan"))), tmp_path / "r")
    assert (result.status, result.steps, result.epochs) == ("failed", 6, 0)


def test_the_batch_that_was_bad_is_named(tmp_path: Path) -> None:
    made = plan(**SIZE)
    made.dataset.train["x"][11] = float("nan")
    result = run(made, tmp_path / "r")
    assert result.error is not None
    assert "'x' is not finite" in result.error["message"]
    shown = result.error["message"].split("samples ")[1].split(")")[0]
    assert "11" in shown.split(", ")


def test_a_gradient_that_was_bad_spares_the_checkpoints(tmp_path: Path) -> None:
    class Root(nn.Module):
        """Its gradient at 0 is infinite, its value is not."""

        def forward(self, x: Tensor) -> Tensor:
            return x + (x * 0).sqrt()

    made = plan(**SIZE, net=nn.Sequential(nn.Linear(4, 3), Root()))
    result = run(made, tmp_path / "r")
    assert (result.status, result.steps) == ("failed", 1)
    assert result.error is not None
    assert "a gradient before it was not finite" in result.error["message"]
    assert RunFolder.open(tmp_path / "r").checkpoints() == []
    assert any("not kept" in warning for warning in result.warnings)


def test_a_bad_validation_loss_is_never_the_best(tmp_path: Path) -> None:
    made = plan(**SIZE)
    heard = Heard(lambda event: poison(event))

    def poison(event: Event) -> None:
        if event.event == "epoch" and event.epoch == 1:
            made.dataset.validation["x"][0] = float("nan")

    result = run(made, tmp_path / "r", listen=heard)
    assert result.status == "finished"
    assert result.best is not None
    assert result.best["epoch"] == 1
    assert any("val/loss is not a finite number" in warning for warning in result.warnings)
    assert heard.of("epoch")[-1].values["val/loss"] is None
    kept, _ = RunFolder.open(tmp_path / "r").read_checkpoint("best")
    assert kept.info["epoch"] == 1


def test_a_loss_that_explodes_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netbuilder.training.observing.telling.TELL_EVERY_S", 0.0)
    result = run(plan(**SIZE, spoil=bad_at(4, 1e30)), tmp_path / "r")
    assert result.status == "finished"
    assert any("The loss has grown to" in warning for warning in result.warnings)


# -- other failures of a step ----------------------------------------------


def test_any_error_of_a_step_ends_the_run_with_its_words(tmp_path: Path) -> None:
    def spoil(number: int, loss: Tensor) -> Tensor:
        raise ValueError("no such thing\nmore")

    result = run(plan(**SIZE, spoil=spoil), tmp_path / "r")
    assert result.status == "failed"
    assert result.error is not None
    assert result.error["message"] == "ValueError: no such thing"
    status = RunFolder.open(tmp_path / "r").status()
    assert status["status"] == "failed"
    assert status["error"] == result.error


def test_an_interrupt_is_passed_on_and_the_run_crashed(tmp_path: Path) -> None:
    def spoil(number: int, loss: Tensor) -> Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(plan(**SIZE, spoil=spoil), tmp_path / "r")
    assert RunFolder.open(tmp_path / "r").status()["status"] == "crashed"


# -- checkpoints: full disks and damage (D12, D13) -----------------------------------------


def no_space(path: str) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


@pytest.mark.parametrize("at", ["first file", "later file", "rename"])
def test_a_full_disk_costs_a_checkpoint_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    made = plan(**SIZE)
    run(made, tmp_path / "r")
    folder = RunFolder.open(tmp_path / "r")
    before = {c.path.name: sealed.read(c.path).files for c in folder.checkpoints()}
    calls = 0
    write = sealed._write_file

    def failing_write(path: Path, data: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls > (0 if at == "first file" else 1):
            write(path, data[: len(data) // 2])
            raise no_space(str(path))
        write(path, data)

    def failing_rename(source: Any, target: Any) -> None:
        nonlocal calls
        calls += 1
        raise no_space(str(target))

    with monkeypatch.context() as patch:
        if at == "rename":
            patch.setattr(os, "rename", failing_rename)
        else:
            patch.setattr(sealed, "_write_file", failing_write)
        more = plan(**{**SIZE, "epochs": 5})
        result = run(more, tmp_path / "r", resume=True)
    assert calls > 0
    assert (result.status, result.epochs) == ("finished", 5)
    assert any("No space left on device" in warning for warning in result.warnings)
    after = {c.path.name: sealed.read(c.path).files for c in folder.checkpoints()}
    assert after == before
    assert {entry.name for entry in folder.checkpoint_folder.iterdir()} == set(before)


def test_a_checkpoint_that_failed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = checkpoints.save
    failed: list[str] = []

    def save(folder: RunFolder, kind: Any, *rest: Any) -> Path:
        if not failed:
            failed.append(kind)
            raise no_space("x")
        return original(folder, kind, *rest)

    monkeypatch.setattr(checkpoints, "save", save)
    result = run(plan(**{**SIZE, "checkpoint_s": 0.0}), tmp_path / "r")
    assert failed
    assert result.status == "finished"
    folder = RunFolder.open(tmp_path / "r")
    assert folder.checkpoints("best")
    assert folder.checkpoints("last")


def two_checkpoints(tmp_path: Path) -> RunFolder:
    run(plan(**SIZE), tmp_path / "r")
    run(plan(**{**SIZE, "epochs": 5}), tmp_path / "r", resume=True)
    folder = RunFolder.open(tmp_path / "r")
    assert len(folder.checkpoints("last")) == 2
    return folder


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGE: dict[str, Callable[[Path], None]] = {
    "flipped bit": flip,
    "truncated": cut,
    "missing": Path.unlink,
}
FILES = ["networks/main.safetensors", "state.json", "state.safetensors", "manifest.json"]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    tmp_path: Path, file: str, damage: str
) -> None:
    folder = two_checkpoints(tmp_path)
    newest, previous = folder.checkpoints("last")
    DAMAGE[damage](newest.path / file)
    made = plan(**{**SIZE, "epochs": 6})
    result = run(made, folder.path, resume=True)
    assert result.status == "finished"
    assert any(
        newest.path.name in warning and f"'{previous.path.name}'" in warning
        for warning in result.warnings
    )
    # From epoch 3 on, not from 5.
    assert len(losses(made)) == 3 * 7


def test_a_checkpoint_of_a_newer_version_is_passed_over(tmp_path: Path) -> None:
    folder = two_checkpoints(tmp_path)
    newest, previous = folder.checkpoints("last")
    manifest = newest.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 2'))
    kept, faults = folder.read_checkpoint("last")
    assert kept.path == previous.path
    assert "newer version" in faults[0]


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "a/../../x", "\\x"])
def test_a_manifest_names_nothing_outside(tmp_path: Path, name: str) -> None:
    sealed.write(tmp_path / "c", {"a": b"1"}, {})
    manifest = tmp_path / "c" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"a"', f'"{name}"'.replace("\\", "\\\\")))
    with pytest.raises(RunError, match=r"manifest\.json is not what was written"):
        sealed.read(tmp_path / "c")


def test_no_usable_checkpoint_is_refused_and_nothing_deleted(tmp_path: Path) -> None:
    folder = two_checkpoints(tmp_path)
    for checkpoint in folder.checkpoints():
        flip(checkpoint.path / "networks/main.safetensors")
    count = len(folder.checkpoints())
    with pytest.raises(RunError, match="no usable checkpoint"):
        run(plan(**SIZE), folder.path, resume=True)
    assert len(folder.checkpoints()) == count


def test_leftovers_of_a_killed_writer_go_at_the_next_start(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "r", b"{}")
    leftover = folder.checkpoint_folder / ".new-000001-last-0000"
    leftover.mkdir()
    with folder.locked():
        assert not leftover.exists()


def test_old_checkpoints_go_only_after_the_new_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every one is written that is due, however busy the disk is.
    monkeypatch.setattr(keeping, "save_beside", keeping.save)
    run(plan(**{**SIZE, "epochs": 6, "checkpoint_s": 0.0}), tmp_path / "r")
    folder = RunFolder.open(tmp_path / "r")
    for kind in ("last", "best"):
        kept = folder.checkpoints(kind)
        assert len(kept) == checkpoints.KEPT
        for checkpoint in kept:
            sealed.read(checkpoint.path)


# -- events, status, lock (D26) ------------------------------------------------------------


def test_events_that_can_not_be_written_are_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def append(self: RunFolder, event: Event) -> None:
        raise no_space("events.jsonl")

    monkeypatch.setattr(RunFolder, "append", append)
    heard = Heard()
    result = run(plan(**SIZE), tmp_path / "r", listen=heard)
    assert result.status == "finished"
    assert [w for w in result.warnings if "Events can't be written" in w] == list(result.warnings)
    assert len(result.warnings) == 1
    assert heard[-1].event == "finished"


def test_a_listener_that_fails_does_not_fail_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def act(event: Event) -> None:
        raise RuntimeError("the window is gone")

    result = run(plan(**SIZE), tmp_path / "r", listen=Heard(act))
    assert result.status == "finished"
    assert [record.message for record in caplog.records] == ["a listener of the training failed"]


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    refused: list[str] = []

    def act(event: Event) -> None:
        if event.event == "epoch" and not refused:
            with pytest.raises(RunError, match="Another training is at work") as caught:
                run(plan(**SIZE), tmp_path / "r", resume=True)
            refused.append(str(caught.value))

    result = run(plan(**SIZE), tmp_path / "r", listen=Heard(act))
    assert refused
    assert result.status == "finished"
    # Free again afterwards.
    assert run(plan(**SIZE), tmp_path / "r", resume=True).status == "finished"


def test_a_folder_that_goes_away_is_told_and_survived(tmp_path: Path) -> None:
    def act(event: Event) -> None:
        if event.event == "epoch" and event.epoch == 1:
            shutil.rmtree(tmp_path / "r")

    result = run(plan(**SIZE), tmp_path / "r", listen=Heard(act))
    assert result.status == "finished"
    assert any("status can't be written" in warning for warning in result.warnings)


def test_pause_rests_with_a_checkpoint_and_goes_on_exactly(tmp_path: Path) -> None:
    whole = plan(**SIZE)
    run(whole, tmp_path / "whole")
    control, rested, again = Control(), threading.Event(), threading.Event()
    made = plan(**SIZE, spoil=lambda n, loss: control.pause() or loss if n == 9 else loss)  # type: ignore[func-returns-value]
    kept: list[Any] = []

    def act(event: Event) -> None:
        if event.event == "paused":
            folder = RunFolder.open(tmp_path / "r")
            kept.append((folder.status()["status"], folder.read_checkpoint("last")[0].info["step"]))
            (again if rested.is_set() else rested).set()

    worker = threading.Thread(
        target=run, args=(made, tmp_path / "r"), kwargs={"control": control, "listen": Heard(act)}
    )
    worker.start()
    assert rested.wait(30)
    assert control.paused
    # A loop that did not rest would come to its next batch and say so again.
    assert not again.wait(0.3)
    control.resume()
    worker.join(30)
    assert kept == [("paused", 10)]
    assert losses(made) == losses(whole)
    assert same(weights(made), weights(whole))
    told = [event.event for event in read_events(tmp_path / "r")[0]]
    assert told.index("paused") < told.index("resumed") < told.index("finished")


def test_stop_ends_a_pause(tmp_path: Path) -> None:
    control = Control()
    made = plan(**SIZE, spoil=lambda n, loss: control.pause() or loss if n == 3 else loss)  # type: ignore[func-returns-value]
    heard = Heard(lambda event: control.stop() if event.event == "paused" else None)
    result = run(made, tmp_path / "r", control=control, listen=heard)
    assert (result.status, result.steps) == ("stopped", 4)
    assert not heard.of("resumed")


# -- before anything starts (D19) ----------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"batch_size": 49}, "A batch is 49 samples, but the training part has only 48"),
        ({"batch_size": 1}, r"'main\.1' normalises over the batch"),
        ({"data": dataset(1, 0.0), "batch_size": 1}, r"'main\.1' normalises over the batch"),
        ({"monitor": "val/f1"}, "no metric 'val/f1'"),
        ({"net": nn.Flatten()}, "it updates no weights"),
    ],
)
def test_what_can_not_go_well_does_not_start(
    tmp_path: Path, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(ProblemsError, match=text) as caught:
        run(plan(**arguments), tmp_path / "r")
    assert caught.value.hint
    assert RunFolder.open(tmp_path / "r").status() == {"status": "new"}


def test_a_last_batch_of_one_joins_the_one_before(tmp_path: Path) -> None:
    made = plan(batch_size=47, epochs=2, net=network())
    result = run(made, tmp_path / "r")
    assert (result.status, result.steps) == ("finished", 2)


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no device 'cuda:7'"):
        run(plan(device="cuda:7"), tmp_path / "r")
