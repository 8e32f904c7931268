"""Deterministic mode: on inside a run, off after it, and its refusals are told at their node."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from netbuilder.training import determinism, failures
from netbuilder.training.settings import TrainingSettings
from tests.training.standins import plan, run, same, weights


def test_it_is_on_inside_and_as_before_outside() -> None:
    with determinism.using(True):
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    with determinism.using(False):
        assert not torch.are_deterministic_algorithms_enabled()


def test_a_run_is_within_it(tmp_path: Path) -> None:
    seen = []

    def spoil(number: int, loss: Tensor) -> Tensor:
        seen.append(torch.are_deterministic_algorithms_enabled())
        return loss

    first = plan(spoil=spoil, deterministic=True)
    run(first, tmp_path / "a")
    assert set(seen) == {True}
    assert not torch.are_deterministic_algorithms_enabled()
    second = plan(deterministic=True)
    run(second, tmp_path / "b")
    assert same(weights(first), weights(second))


class Unsettled(nn.Module):
    """An operation whose way back adds in no fixed order."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        if torch.are_deterministic_algorithms_enabled():
            raise RuntimeError(
                "put_ does not have a deterministic implementation, but you set "
                "'torch.use_deterministic_algorithms(True)'. You can turn off determinism ..."
            )
        return self.inner(x)  # type: ignore[no-any-return]


def test_what_cannot_be_deterministic_is_told(tmp_path: Path) -> None:
    result = run(plan(net=Unsettled(), deterministic=True), tmp_path / "r")
    assert result.status == "failed"
    assert result.error is not None
    assert "put_ does not have a deterministic implementation" in result.error["message"]
    assert "deterministic" in result.error["hint"]


def test_pytorchs_own_refusal_is_known() -> None:
    with determinism.using(True), pytest.raises(RuntimeError) as caught:
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2))
    assert determinism.is_refusal(caught.value)
    assert "Switch off" in failures.explain(caught.value, TrainingSettings(), 4).hint
