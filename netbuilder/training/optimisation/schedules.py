"""Learning rates as functions of the position in a run. Torch-free.

At whole epochs they equal the schedules of `torch.optim.lr_scheduler`; inside an epoch they go
on smoothly where PyTorch's may be stepped every batch. As the position is all that counts, a
resumed run needs no state of them, but for `Plateau`, which depends on how the run went.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from netbuilder.training.optimisation.schedule_settings import (
    ConstantSettings,
    CosineRestartsSettings,
    CosineSettings,
    CyclicSettings,
    ExponentialSettings,
    InverseSqrtSettings,
    LinearSettings,
    MultiStepSettings,
    OneCycleSettings,
    PlateauSettings,
    PolynomialSettings,
    ScheduleSettings,
    StepDecaySettings,
)


def learning_rate(settings: ScheduleSettings, base: float, epoch: float, epochs: float) -> float:
    """The rate after `epoch` epochs (a fraction inside one) of `epochs` in all.

    `base` is the optimizer's rate. A plateau's rate is what it starts with; see `Plateau`.
    """
    rate = _unwarmed(settings, base, epoch, epochs)
    if epoch < settings.warmup:
        begin = settings.warmup_factor
        rate *= begin + (1.0 - begin) * epoch / settings.warmup
    return rate


def _unwarmed(settings: ScheduleSettings, base: float, epoch: float, epochs: float) -> float:
    match settings:
        case ConstantSettings() | PlateauSettings():
            return base
        case LinearSettings(start_factor=start, end_factor=end, total_iters=total):
            return base * (start + (end - start) * min(epoch / (total or epochs), 1.0))
        case ExponentialSettings(gamma=gamma):
            return base * math.pow(gamma, epoch)
        case StepDecaySettings(step_size=step_size, gamma=gamma):
            return base * gamma ** (int(epoch) // step_size)
        case MultiStepSettings(milestones=milestones, gamma=gamma):
            return base * gamma ** bisect_right(sorted(milestones), epoch)
        case CosineSettings(T_max=T_max, eta_min=eta_min):
            return _cosine(base, eta_min, min(epoch / (T_max or epochs), 1.0))
        case CosineRestartsSettings(T_0=T_0, T_mult=T_mult, eta_min=eta_min):
            return _cosine(base, eta_min, _part_of_restart(epoch, T_0, T_mult))
        case PolynomialSettings(total_iters=total, power=power):
            return base * math.pow(1.0 - min(epoch / (total or epochs), 1.0), power)
        case OneCycleSettings():
            return _one_cycle(settings, base, epoch / epochs)
        case CyclicSettings():
            return _cyclic(settings, base, epoch)
        case InverseSqrtSettings(timescale=timescale, warmup=warmup):
            scale = timescale or warmup or 1.0
            return base * math.sqrt(scale / max(epoch, scale))


def _cosine(high: float, low: float, part: float) -> float:
    return low + (high - low) * (1.0 + math.cos(math.pi * part)) / 2.0


def _part_of_restart(epoch: float, first: float, times: int) -> float:
    """How much of the present restart is over."""
    if times == 1:
        return epoch % first / first
    number = int(math.log(epoch / first * (times - 1) + 1.0, times) + 1e-12)
    length = first * float(times**number)
    begin = (length - first) / (times - 1)
    return max(0.0, (epoch - begin) / length)


def _one_cycle(settings: OneCycleSettings, top: float, part: float) -> float:
    first = top / settings.div_factor
    last = first / settings.final_div_factor
    up = settings.pct_start
    ends, rates = [up, 1.0], [first, top, last]
    if settings.three_phase:
        ends, rates = [up, min(2.0 * up, 1.0), 1.0], [first, top, first, last]
    part = min(max(part, 0.0), 1.0)
    number = next((i for i, end in enumerate(ends) if part <= end), len(ends) - 1)
    begin = ends[number - 1] if number else 0.0
    inside = (part - begin) / (ends[number] - begin) if ends[number] > begin else 1.0
    if settings.anneal_strategy == "linear":
        return rates[number] + (rates[number + 1] - rates[number]) * inside
    return _cosine(rates[number], rates[number + 1], inside)


def _cyclic(settings: CyclicSettings, top: float, epoch: float) -> float:
    low = top / 10.0 if settings.base_lr is None else settings.base_lr
    up = settings.step_size_up
    whole = up + (settings.step_size_down or up)
    number, inside = divmod(epoch, whole)
    height = inside / up if inside <= up else (whole - inside) / (whole - up)
    if settings.mode == "triangular2":
        height /= 2.0**number
    elif settings.mode == "exp_range":
        height *= settings.gamma**epoch
    return low + (top - low) * height


class Plateau:
    """The factor by which `ReduceLROnPlateau` has lowered the rate so far.

    `offer` a metric after every epoch. NaN is no improvement. `state` goes into checkpoints.
    """

    def __init__(self, settings: PlateauSettings) -> None:
        self._settings = settings
        self._best: float | None = None
        self._waited = 0
        self._cooling = 0
        self._factor = 1.0

    def rate(self, rate: float) -> float:
        """The rate in place of what it would be without a plateau."""
        if self._factor == 1.0:
            return rate
        return max(rate * self._factor, min(rate, self._settings.min_lr))

    def offer(self, value: float, base: float, *, larger_is_better: bool) -> None:
        """Book the metric of an epoch; `base` is the optimizer's rate."""
        settings = self._settings
        if self._is_better(value, larger_is_better):
            self._best, self._waited = value, 0
        else:
            self._waited += 1
        if self._cooling > 0:
            self._cooling -= 1
            self._waited = 0
        if self._waited > settings.patience:
            now = self.rate(base)
            if now - max(now * settings.factor, settings.min_lr) > settings.eps:
                self._factor *= settings.factor
            self._cooling, self._waited = settings.cooldown, 0

    def _is_better(self, value: float, larger: bool) -> bool:
        if not math.isfinite(value):
            return False
        if self._best is None:
            return True
        by = self._settings.threshold
        if self._settings.threshold_mode == "rel":
            by *= self._best
        return value > self._best + by if larger else value < self._best - by

    def state(self) -> dict[str, Any]:
        """What `load` takes."""
        return {
            "best": self._best,
            "waited": self._waited,
            "cooling": self._cooling,
            "factor": self._factor,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self._best, self._factor = state["best"], state["factor"]
        self._waited, self._cooling = state["waited"], state["cooling"]


def troubles(settings: ScheduleSettings, epochs: float) -> list[str]:
    """What a schedule can't mean in a run of so many epochs, in words."""
    found = []
    if settings.warmup > epochs:
        found.append(
            f"The warm-up of {settings.warmup:g} epochs is longer than the run of {epochs:g}."
        )
    name, length = _length(settings)
    if length is not None and length > epochs:
        found.append(f"The run of {epochs:g} epochs ends before {name} ({length:g}).")
    return found


def _length(settings: ScheduleSettings) -> tuple[str, float | None]:
    """The setting that the run must last for, and its epochs."""
    match settings:
        case LinearSettings(total_iters=total) | PolynomialSettings(total_iters=total):
            return "total_iters", total
        case CosineSettings(T_max=T_max):
            return "T_max", T_max
        case StepDecaySettings(step_size=step_size):
            return "step_size", step_size
        case MultiStepSettings(milestones=milestones):
            return "the first of milestones", min(milestones, default=None)
    return "", None
