"""Which learning rate to start with: the loss while the rate grows from batch to batch.

After Smith (2017), "Cyclical learning rates for training neural networks": where the loss falls
fastest, steps are large and still do good. The suggestion is that rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netbuilder.errors import NetbuilderError
from netbuilder.training.control import Control
from netbuilder.training.guards import NonFiniteLoss
from netbuilder.training.plan import Plan
from netbuilder.training.records.events import finite
from netbuilder.training.run import Run
from netbuilder.training.trials.trial import batches, trial

LOWEST, HIGHEST, POINTS = 1e-7, 10.0, 100
SMOOTHING = 0.9
"""Decay of the average that the losses are smoothed by."""
EXPLODED = 4.0
"""The sweep ends when the smoothed loss is so many times the distance above its best."""
AROUND = 2
"""Points on either side that the shown curve is averaged over."""
LEAST = 10
"""Points before the sweep may end, and before a slope counts."""


@dataclass(frozen=True)
class RateSweep:
    """Losses by rate, means around each, and the rate to take; None if the loss never fell.

    `ended`: `swept` (up to the highest rate), `exploded`, `not finite` or `stopped`.
    """

    step: str
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None
    ended: str

    def to_json(self) -> dict[str, Any]:
        """The answer of the `find-lr` command."""
        result: dict[str, Any] = finite(vars(self))
        return result


def sweep(
    plan: Plan,
    *,
    step: str | None = None,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    points: int = POINTS,
    control: Control | None = None,
    tell: Callable[[int, float, float], None] = lambda number, rate, loss: None,
) -> RateSweep:
    """Train a copy of the plan with a rate that grows exponentially, an update a point.

    The rate is that of one training step, by default the first; others train as they are set.
    Nothing of the plan is changed. `NetbuilderError` if there is no such step.
    """
    if not 0.0 < lowest < highest or points < LEAST:
        raise NetbuilderError(
            "A sweep needs a lowest rate above 0, a highest above that and 10 points.",
            f"Try {LOWEST:g} to {HIGHEST:g} in {POINTS} points.",
        )
    names = [each.name for each in plan.steps]
    if step is not None and step not in names:
        raise NetbuilderError(f"There is no step '{step}'.", f"There are: {', '.join(names)}.")
    rates: list[float] = []
    losses: list[float] = []
    ended = "swept"
    with trial(plan) as run:
        number = names.index(step) if step is not None else 0
        name = names[number]
        coming = batches(run)
        for at in range(points):
            rate = lowest * (highest / lowest) ** (at / (points - 1))
            loss = _update(run, number, rate, coming, at)
            if loss is None or not math.isfinite(loss):
                ended = "not finite"
                break
            rates.append(rate)
            losses.append(loss)
            tell(at, rate, loss)
            if has_exploded(smooth(losses)):
                ended = "exploded"
                break
            if control is not None and control.stopping:
                ended = "stopped"
                break
    smoothed = centred(losses)
    found = suggest(rates, losses)
    return RateSweep(name, tuple(rates), tuple(losses), tuple(smoothed), found, ended)


def _update(run: Run, number: int, rate: float, coming: Any, at: int) -> float | None:
    """The mean loss of one update at this rate; None if it is not finite."""
    chosen = run.steps[number]
    count = run.settings.accumulate
    try:
        for part in range(count):
            batch = next(coming)
            for step in run.steps:
                if step is chosen:
                    step.updating.set_rate(rate)
                if step is chosen or step.is_due(0, at):
                    step.train(batch, at * count + part)
        for step in run.steps:
            step.guard.check()
    except NonFiniteLoss:
        return None
    return chosen.training.recent_loss()


def smooth(losses: Sequence[float]) -> list[float]:
    """An average that forgets, corrected for its beginning."""
    average, result = 0.0, []
    for at, loss in enumerate(losses, 1):
        average = SMOOTHING * average + (1.0 - SMOOTHING) * loss
        result.append(average / (1.0 - SMOOTHING**at))
    return result


def centred(losses: Sequence[float]) -> list[float]:
    """The mean of the losses around each, which does not lag behind: for people to look at."""
    values = np.asarray(losses, dtype=float)
    ones = np.ones(2 * AROUND + 1)
    if len(values) < len(ones):
        return [float(value) for value in values]
    sums = np.convolve(values, ones, "same") / np.convolve(np.ones_like(values), ones, "same")
    return [float(value) for value in sums]


def has_exploded(smoothed: Sequence[float]) -> bool:
    """Whether the loss has left for good: far above where it began, by how far it came down."""
    if len(smoothed) <= LEAST:
        return False
    best = min(smoothed)
    return smoothed[-1] > best + (EXPLODED - 1.0) * max(abs(best), smoothed[0] - best, 1e-12)


def suggest(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate at which the loss falls most steeply, by the logarithm of the rate.

    Slopes are those of lines through a stretch of the losses, which does not lag behind as an
    average that forgets would. None if the loss falls by no more than it scatters.
    """
    half = max(2, len(rates) // 12)
    width = 2 * half + 1
    if len(rates) < max(LEAST, width + 1):
        return None
    stretches = np.lib.stride_tricks.sliding_window_view(np.asarray(losses), width)
    means = stretches.mean(axis=1)
    lowest = int(np.argmin(means))
    scatter = float(np.median(np.abs(np.diff(losses)))) if len(losses) > 1 else 0.0
    if means[0] - means[lowest] <= scatter:
        return None
    places = np.log10(np.asarray(rates))[:width]
    places = places - places.mean()
    slopes = (stretches * places).sum(axis=1) / (places**2).sum()
    steepest = int(np.argmin(slopes[: lowest + 1]))
    if slopes[steepest] >= 0.0:
        return None
    return float(f"{rates[steepest + half]:.2g}")
