"""A resumed run equals an uninterrupted one, with == on every loss and weight."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from netbuilder.training.control import Control
from netbuilder.training.loop import RunResult
from netbuilder.training.records.events import current
from netbuilder.training.records.folder import RunFolder, read_events
from tests.training.standins import dataset, losses, plan, run, same, weights

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"kind": "SGD", "lr": 0.05, "momentum": 0.9, "nesterov": True},
    "Adam": {"kind": "Adam", "lr": 0.02, "amsgrad": True},
    "AdamW": {"kind": "AdamW", "lr": 0.02},
}
SCHEDULES: dict[str, dict[str, Any]] = {
    "none": {"kind": "none"},
    "cosine": {"kind": "cosine", "warmup": 1.0},
    "step": {"kind": "step", "step_size": 2, "gamma": 0.5},
}
# 60 samples, 48 to train on, batches of 7: seven a epoch, the last of 6.
SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 4, "checkpoint_s": 1e6}


def outcome(result: RunResult) -> tuple[Any, ...]:
    return result.status, result.steps, result.metrics, result.best


def stopping(control: Control, step: int) -> Callable[[int, torch.Tensor], torch.Tensor]:
    """Stops the training at its `step`th batch, from 1."""

    def spoil(number: int, loss: torch.Tensor) -> torch.Tensor:
        if number == step - 1:
            control.stop()
        return loss

    return spoil


def stopped_at(step: int, path: Path, **arguments: Any) -> list[float]:
    """Train until `step` batches were made, then stop; the losses until there."""
    control = Control()
    made = plan(spoil=stopping(control, step), **arguments)
    result = run(made, path, control=control)
    assert (result.status, result.steps) == ("stopped", step)
    return losses(made)


def resumed_differs(tmp_path: Path, stops: list[int], **arguments: Any) -> list[str]:
    """In what a run that was stopped at these steps differs from one that was not."""
    whole = plan(**arguments)
    expected = run(whole, tmp_path / "whole")
    assert expected.status == "finished"
    seen = stopped_at(stops[0], tmp_path / "parts", **arguments)
    for stop in stops[1:]:
        control = Control()
        made = plan(spoil=stopping(control, stop - len(seen)), **arguments)
        run(made, tmp_path / "parts", control=control, resume=True)
        seen += losses(made)
    # Other weights and another place in the stream of random numbers: all must come back.
    rest = plan(**arguments)
    torch.nn.init.normal_(rest.networks["main"][0].weight)  # type: ignore[index]
    result = run(rest, tmp_path / "parts", resume=True)
    differences = []
    if seen + losses(rest) != losses(whole):
        differences.append("losses")
    if not same(weights(rest), weights(whole)):
        differences.append("weights")
    if outcome(result) != outcome(expected):
        differences.append("results")
    return differences


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_stopped_inside_an_epoch(tmp_path: Path, optimizer: str, schedule: str) -> None:
    arguments = {"optimizer": OPTIMIZERS[optimizer], "schedule": SCHEDULES[schedule], **SIZE}
    assert resumed_differs(tmp_path, [10], **arguments) == []


@pytest.mark.parametrize("stops", [[1], [7], [14], [27], [3, 5, 16]])
def test_stopped_anywhere_and_often(tmp_path: Path, stops: list[int]) -> None:
    assert resumed_differs(tmp_path, stops, **SIZE, patience=3) == []


def test_a_limit_of_steps_cuts_an_epoch_and_can_be_lifted(tmp_path: Path) -> None:
    whole = plan(**SIZE)
    expected = run(whole, tmp_path / "whole")
    first = plan(**SIZE, steps=10)
    cut = run(first, tmp_path / "parts")
    assert (cut.status, cut.reason, cut.steps) == ("finished", "steps", 10)
    assert cut.metrics.keys() == expected.metrics.keys()
    rest = plan(**SIZE)
    result = run(rest, tmp_path / "parts", resume=True)
    assert losses(first) + losses(rest) == losses(whole)
    assert outcome(result) == outcome(expected)


def test_patience_is_remembered(tmp_path: Path) -> None:
    # A rate of zero: the first epoch stays the best, the run ends after it and two more.
    still = {"optimizer": {"kind": "SGD", "lr": 0.0}, **SIZE, "epochs": 50, "patience": 2}
    still["net"] = torch.nn.Linear(4, 3)
    result = run(plan(**still), tmp_path / "whole")
    assert (result.reason, result.epochs) == ("patience", 3)
    stopped_at(16, tmp_path / "parts", **still)
    assert run(plan(**still), tmp_path / "parts", resume=True).epochs == 3


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    expected = run(plan(**SIZE), tmp_path / "r")
    again = plan(**SIZE)
    result = run(again, tmp_path / "r", resume=True)
    assert losses(again) == []
    assert outcome(result) == outcome(expected)


def test_more_epochs_later(tmp_path: Path) -> None:
    whole = plan(**{**SIZE, "epochs": 6})
    run(whole, tmp_path / "whole")
    first, rest = plan(**SIZE), plan(**{**SIZE, "epochs": 6})
    run(first, tmp_path / "r")
    run(rest, tmp_path / "r", resume=True)
    assert losses(first) + losses(rest) == losses(whole)
    assert same(weights(rest), weights(whole))


def test_resuming_before_any_checkpoint_starts_anew(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "r", b"{}")
    result = run(plan(**SIZE), tmp_path / "r", resume=True)
    assert result.status == "finished"
    assert "no checkpoint" in result.warnings[0]


def test_events_of_a_killed_run_count_once(tmp_path: Path) -> None:
    stopped_at(10, tmp_path / "r", **SIZE)
    folder = RunFolder.open(tmp_path / "r")
    before, _ = read_events(folder.path)
    # As if the run had gone on after its last checkpoint and was killed then.
    late = [e for e in before if e.event == "metrics"][-1]
    later = type(late)(folder.last_event() + 1, late.time, "metrics", 1, 12, late.values)
    with folder.locked():
        folder.append(later)
    run(plan(**SIZE), folder.path, resume=True)
    events, _ = read_events(folder.path)
    assert [event.seq for event in events] == sorted({event.seq for event in events})
    assert later in events
    assert later not in current(events)
    assert [e.epoch for e in current(events) if e.event == "epoch"] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"batch_size": 5}, "batch_size was 7, is 5"),
        ({"seed": 1}, "seed was 0, is 1"),
        ({"data": dataset(63)}, "data"),
        ({"optimizer": OPTIMIZERS["SGD"]}, "train.optimizer.kind was AdamW, is SGD"),
        ({"optimizer": {"kind": "AdamW", "lr": 0.5}}, "is 0.5"),
        ({"schedule": SCHEDULES["step"]}, "train.schedule.kind was none, is step"),
    ],
)
def test_what_keeps_a_run_from_being_exact_is_told(
    tmp_path: Path, change: dict[str, Any], text: str
) -> None:
    stopped_at(10, tmp_path / "r", **SIZE)
    result = run(plan(**{**SIZE, **change}), tmp_path / "r", resume=True)
    assert result.status == "finished"
    assert any("not go on exactly" in w and text in w for w in result.warnings)


def test_networks_that_changed_are_refused_tensor_by_tensor(tmp_path: Path) -> None:
    from netbuilder.errors import RunError

    stopped_at(10, tmp_path / "r", **SIZE)
    other = plan(**SIZE, net=torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Linear(5, 3)))
    with pytest.raises(RunError, match=r"main\.0\.weight: 8×4 in the run, 5×4 now"):
        run(other, tmp_path / "r", resume=True)
