"""The measurement of threads, layout and compile: what is tried, chosen and left alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from netbuilder.training.control import Control
from netbuilder.training.trials import tuning
from tests.training.standins import plan, same, weights


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "SECONDS", 0.0)
    monkeypatch.setattr(tuning, "ROUNDS", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def rates(monkeypatch: pytest.MonkeyPatch, speed: Any) -> None:
    """Ways are as fast as `speed` says, and cost nothing."""

    class Trial:
        def __init__(self, plan: Any, measured: tuning.Measured, stack: Any) -> None:
            self.measured = measured

        def turn(self) -> None:
            rate = speed(self.measured.way)
            if rate is None:
                self.measured.failed = "no compiler"
            else:
                self.measured.rates.append(rate)

    monkeypatch.setattr(tuning, "_Trial", Trial)


def test_every_way_is_really_measured(quick: None) -> None:
    made = plan(threads=1)
    before, threads = weights(made), torch.get_num_threads()
    found = tuning.measure(made)
    tried = [(line["threads"], line["compile"]) for line in found["table"]]
    assert tried[0] == (1, False)
    assert (2, False) in tried
    assert any(compiled for _, compiled in tried)
    assert found["table"][0]["ratio"] == 1.0
    assert all(line["samples_per_second"] or line["failed"] for line in found["table"])
    assert same(before, weights(made))
    assert torch.get_num_threads() == threads


def test_the_fastest_is_chosen_in_turn(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rates(monkeypatch, lambda way: way["threads"] * (3.0 if way["compile"] else 1.0))
    found = tuning.measure(plan(threads=1))
    assert found["best"] == {"threads": 2, "channels_last": False, "compile": True}
    ratios = {(line["threads"], line["compile"]): line["ratio"] for line in found["table"]}
    assert ratios == {(1, False): 1.0, (2, False): 2.0, (2, True): 6.0}


def test_a_little_faster_is_not_worth_it(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rates(monkeypatch, lambda way: 1.02 if way["threads"] == 2 or way["compile"] else 1.0)
    assert tuning.measure(plan(threads=1))["best"]["threads"] == 1


def test_what_cannot_be_done_is_in_the_table(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rates(monkeypatch, lambda way: None if way["compile"] else 1.0)
    found = tuning.measure(plan(threads=1))
    last = found["table"][-1]
    assert (last["compile"], last["failed"], last["ratio"]) == (True, "no compiler", None)
    assert found["best"]["compile"] is False


def test_it_can_be_stopped(quick: None) -> None:
    control = Control()
    control.stop()
    found = tuning.measure(plan(threads=1), control)
    assert found["best"] == found["before"]
