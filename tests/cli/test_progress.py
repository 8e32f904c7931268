"""The progress of a training on a terminal and in a log."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from netbuilder.cli.progress import Progress
from netbuilder.training.records.events import Event, Kind


def event(kind: Kind, epoch: int, step: int, **values: object) -> Event:
    shown = {key.replace("__", "/"): value for key, value in values.items()}
    return Event(1, 0.0, kind, epoch, step, shown)


EVENTS = [
    event("started", 0, 0, epochs=3, steps=30),
    event("metrics", 0, 5, train__loss=0.51, lr=0.1, seconds_left=75.4),
    event("warning", 0, 5, code="disk", message="the disk is [bold]full[/bold]"),
    event("epoch", 1, 10, train__loss=0.25, val__accuracy=0.97, best=True),
    event("metrics", 1, 12, train__loss=None, seconds_left=float("inf")),
]


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_shown(terminal: bool) -> None:
    stream = StringIO()
    console = Console(file=stream, force_terminal=terminal, width=200, color_system=None)
    with Progress(console) as progress:
        for each in EVENTS[:-1]:
            progress.take(each)
    shown = stream.getvalue()
    assert "val/accuracy 0.97" in shown
    # A text of a run is shown as it is: it is no markup.
    assert "warning: the disk is [bold]full[/bold]" in shown
    assert ("epoch 1/3  train/loss 0.25" in shown) is not terminal
    assert ("1:15 left" in shown) is terminal
    assert "lr" not in shown


@pytest.mark.parametrize("terminal", [True, False])
def test_missing_numbers_and_times_do_no_harm(terminal: bool) -> None:
    console = Console(file=StringIO(), force_terminal=terminal, width=200)
    with Progress(console) as progress:
        for each in EVENTS:
            progress.take(each)
        progress.take(event("started", 0, 0))
        progress.take(event("finished", 1, 12, status="failed"))
