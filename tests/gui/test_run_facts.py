"""What is said of a run that is over."""

from __future__ import annotations

from pathlib import Path

from netbuilder.app.runs import RunView
from netbuilder.gui.runs.run_facts import results_of
from netbuilder.training.records.events import Event

LAST = {"val/judge/loss": 0.5, "val/make/distance": 2.0, "train/make/loss": 1.0}


def ended(epoch: int, value: float) -> RunView:
    best = {"monitor": "val/make/distance", "value": value, "epoch": epoch}
    values = {"status": "finished", "metrics": LAST, "best": best}
    return RunView(Path("run-001")).after(Event(1, 0.0, "finished", 4, 92, values))


def test_the_best_of_what_was_monitored_comes_first() -> None:
    assert results_of(ended(1, 1.5)) == [
        "best make distance 1.5 in epoch 1",
        "judge loss 0.5",
        "make distance 2",
    ]


def test_no_figure_stands_there_twice() -> None:
    assert results_of(ended(4, 2.0)) == ["best make distance 2 in epoch 4", "judge loss 0.5"]


def test_a_run_without_a_best_epoch_tells_its_last_values() -> None:
    assert results_of(RunView(Path("run-001"), metrics=LAST)) == [
        "judge loss 0.5",
        "make distance 2",
    ]
