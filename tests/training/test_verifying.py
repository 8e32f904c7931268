"""The check of a user's own project: exact, not exact and why."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from netbuilder.errors import RunError
from netbuilder.training import randomness
from netbuilder.training.plan import Plan
from netbuilder.training.trials.verifying import verify
from tests.training.resuming import adversarial
from tests.training.standins import plan

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 5}


class Counts(nn.Module):
    """A layer that keeps what it knows where no checkpoint sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
        return x / (1.0 + self.calls)


class Chance(nn.Module):
    """A layer whose chance comes from outside."""

    def forward(self, x: Tensor) -> Tensor:
        import os

        return x * int.from_bytes(os.urandom(2), "big") / 65536.0


@pytest.mark.parametrize("settings", [{}, {"accumulate": 3}, {"precision": "bf16"}], ids=str)
def test_a_project_that_goes_on_exactly(settings: dict[str, Any]) -> None:
    answer = verify(lambda: plan(**SIZE, **settings))
    assert answer["exact"]
    assert (answer["steps"], answer["stopped_at"]) == (20, 10)
    assert answer["first_difference"] is None
    assert answer["compared"]["losses"] == 20
    assert answer["compared"]["metrics"] == 4
    assert answer["compared"]["tensors"] > 15


def test_two_steps() -> None:
    answer = verify(lambda: adversarial(ema=0.9), 9)
    assert answer["exact"]
    # The second step runs at every second batch.
    assert answer["compared"]["losses"] == 9 + 5


def test_state_that_no_checkpoint_sees_is_found() -> None:
    def make() -> Plan:
        return plan(**SIZE, make=lambda: nn.Sequential(nn.Linear(4, 3), Counts()))

    answer = verify(make, 6)
    assert not answer["exact"]
    assert answer["repeatable"]
    found = answer["first_difference"]
    # The first batch after the stop at the third.
    assert (found["step"], found["key"]) == (4, "train.loss")
    assert found["whole"] != found["resumed"]
    assert "in no checkpoint" in answer["hint"]


def test_chance_from_outside_is_told_apart() -> None:
    def make() -> Plan:
        return plan(**SIZE, make=lambda: nn.Sequential(nn.Linear(4, 3), Chance()))

    answer = verify(make, 4)
    assert not answer["exact"]
    assert answer["repeatable"] is False
    assert answer["first_difference"]["step"] == 1
    assert "deterministic" in answer["hint"]


@pytest.mark.parametrize(
    "lost", ["random", "optimizer"], ids=["random states", "state of the optimizer"]
)
def test_a_checkpoint_that_lacks_something_is_found(
    monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    if lost == "random":
        monkeypatch.setattr(randomness, "load", lambda saved: None)
    else:
        monkeypatch.setattr(torch.optim.Optimizer, "load_state_dict", lambda self, state: None)
    answer = verify(lambda: plan(**SIZE), 8)
    assert not answer["exact"]
    assert answer["repeatable"]
    assert answer["first_difference"]["step"] >= 5


def test_a_training_that_fails_says_why() -> None:
    def spoil(number: int, loss: Tensor) -> Tensor:
        return loss * float("nan")

    with pytest.raises(RunError, match="NaN or infinite at step 1"):
        verify(lambda: plan(**SIZE, spoil=spoil))


def test_it_can_be_called_off_and_needs_two_steps() -> None:
    asked = iter(range(100))
    with pytest.raises(RunError, match="called off"):
        verify(lambda: plan(**SIZE), stopped=lambda: next(asked) > 3)
    with pytest.raises(RunError, match="at least 2 steps"):
        verify(lambda: plan(**SIZE), 1)
