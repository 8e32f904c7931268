"""A process that was halted, or whose computer slept, has not worked meanwhile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from netbuilder.training.halts import Halts
from netbuilder.training.observing import telling
from netbuilder.training.records.events import Event
from tests.training.standins import plan, run

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 6, "checkpoint_s": 1e6}


@pytest.mark.parametrize(
    ("passed", "worked", "counted"),
    [
        (0.2, 0.2, 0.2),
        (4.0, 0.0, 4.0),  # waits for data
        (60.0, 30.0, 60.0),  # a slow computer
        (60.0, 240.0, 60.0),  # many threads
        (60.0, 0.25, 0.25),  # halted
        (3600.0, 0.0, 0.0),
    ],
)
def test_time_without_work_is_a_halt(
    monkeypatch: pytest.MonkeyPatch, passed: float, worked: float, counted: float
) -> None:
    used = [10.0]
    monkeypatch.setattr(time, "process_time", lambda: used[0])
    halts = Halts()
    used[0] += worked
    assert halts.without(passed) == counted
    assert halts.without(0.1) == 0.1


def test_the_forecast_of_a_training_is_right_after_a_halt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "TELL_EVERY_S", 0.0)
    clock, slept = time.perf_counter, [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock() + slept[0])
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        if event.event == "epoch" and event.epoch == 2:
            slept[0] = 36_000.0

    result = run(plan(**SIZE), tmp_path / "r", listen=listen)
    assert result.status == "finished"
    assert result.seconds < 1000
    assert result.samples_per_second > 1
    forecasts = [event.values["seconds_left"] for event in heard if event.event == "metrics"]
    assert len(forecasts) > 20
    assert max(forecasts) < 1000
