"""Losses that are odd but allowed, gradients that do not fit, and settings changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from netbuilder.training.control import Control
from netbuilder.training.optimisation.averaging import Averages, in_use
from netbuilder.training.optimisation.updating import Updating
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder
from tests.training.standins import Heard, losses, plan, run, same, weights

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 3, "checkpoint_s": 1e6}


def test_gradients_that_do_not_fit_float16_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scales: list[float] = []
    original = Updating._update

    def update(self: Updating, again: Any) -> None:
        original(self, again)
        assert self._scaler is not None
        scales.append(self._scaler.get_scale())

    monkeypatch.setattr(Updating, "_update", update)
    made = plan(**SIZE, precision="fp16", spoil=lambda number, loss: loss * 100.0)
    result = run(made, tmp_path / "r")
    assert result.status == "finished"
    # The scale was halved until they fitted, and the weights never saw an infinity.
    assert scales[0] < 2.0**16
    assert scales[-1] == scales[len(scales) // 2]
    assert all(tensor.isfinite().all() for tensor in weights(made).values())
    assert losses(made)[-1] < losses(made)[0]


@pytest.mark.parametrize("value", [0.0, 1e30, -1e30])
def test_odd_losses_do_not_end_a_run(tmp_path: Path, value: float) -> None:
    def spoil(number: int, loss: Tensor) -> Tensor:
        return loss * 0.0 + value if number > 8 else loss

    made = plan(**SIZE, spoil=spoil)
    result = run(made, tmp_path / "r")
    assert (result.status, result.steps) == ("finished", 21)
    assert RunFolder.open(tmp_path / "r").status()["status"] == "finished"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"accumulate": 2}, "accumulate was 1, is 2"),
        ({"precision": "bf16"}, "precision was float32, is bf16"),
        ({"threads": 2}, "threads was 1, is 2"),
        ({"deterministic": True}, "deterministic was False, is True"),
    ],
)
def test_a_changed_setting_is_told_when_it_goes_on(
    tmp_path: Path, change: dict[str, Any], text: str
) -> None:
    run(plan(**SIZE, steps=10), tmp_path / "r")
    result = run(plan(**{**SIZE, **change}), tmp_path / "r", resume=True)
    assert result.status == "finished"
    assert any("not go on exactly" in w and text in w for w in result.warnings)


def test_another_torch_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(plan(**SIZE, steps=10), tmp_path / "r")
    monkeypatch.setattr(torch, "__version__", "9.9.9")
    result = run(plan(**SIZE), tmp_path / "r", resume=True)
    assert any("torch was 2." in w and "is 9.9.9" in w for w in result.warnings)


def test_gradients_of_other_batches_are_dropped(tmp_path: Path) -> None:
    """What waited for an update was of batches that will not come again as they were."""
    run(plan(**SIZE, accumulate=3, steps=11), tmp_path / "r")
    made = plan(**{**SIZE, "batch_size": 8}, accumulate=3)
    begun: list[int] = []
    step = made.steps[0].module

    def note(module: torch.nn.Module, arguments: Any) -> None:
        begun.append(1)

    step.register_forward_pre_hook(note)
    result = run(made, tmp_path / "r", resume=True)
    assert result.status == "finished"
    # The second epoch begins again: two of six batches each.
    assert len(losses(made)) == 12


def test_two_averages_of_the_same_weights_leave_them_as_they_were() -> None:
    weight = torch.nn.Parameter(torch.zeros(3))
    averages = [Averages([weight], 0.5), Averages([weight], 0.9)]
    for each in averages:
        with torch.no_grad():
            weight.add_(1.0)
        each.update()
    before = weight.detach().clone()
    kept = [[tensor.clone() for tensor in each._averages] for each in averages]
    with in_use(averages):
        assert torch.equal(weight, kept[1][0])
    assert torch.equal(weight, before)
    assert [each._averages[0].tolist() for each in averages] == [k[0].tolist() for k in kept]


def _going_on(control: Control) -> Callable[[Event], None]:
    return lambda event: control.resume() if event.event == "paused" else None


def test_a_rate_changed_in_the_middle_is_as_if_it_had_been_planned(tmp_path: Path) -> None:
    """Stop, another learning rate, on: twice, with the same events, the same weights."""
    made = []
    for name in ("a", "b"):
        first = plan(**SIZE, steps=10, optimizer={"kind": "SGD", "lr": 0.05, "momentum": 0.9})
        run(first, tmp_path / name)
        rest = plan(**SIZE, optimizer={"kind": "SGD", "lr": 0.01, "momentum": 0.9})
        control = Control()
        if name == "b":
            # A pause changes nothing either.
            heard = Heard(_going_on(control))
            control.pause()
            run(rest, tmp_path / name, control=control, listen=heard, resume=True)
        else:
            run(rest, tmp_path / name, resume=True)
        made.append(rest)
    assert losses(made[0]) == losses(made[1])
    assert same(weights(made[0]), weights(made[1]))
