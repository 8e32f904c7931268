"""PyTorch's optimizers in their fused form, and learning rates as plain functions."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from netbuilder.training.settings import (
    CosineSettings,
    OptimizerSettings,
    ScheduleSettings,
    StepDecaySettings,
)

_KINDS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}


def make(settings: OptimizerSettings, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of these settings, fused: one kernel for all weights."""
    arguments = settings.model_dump(exclude={"kind"})
    made: torch.optim.Optimizer = _KINDS[settings.kind](list(parameters), fused=True, **arguments)
    return made


def learning_rate(settings: ScheduleSettings, base: float, epoch: float, epochs: float) -> float:
    """The rate after `epoch` epochs (a fraction inside one) of `epochs` in all.

    At whole epochs it equals PyTorch's CosineAnnealingLR and StepLR. It is a function of
    the position alone, so a resumed run needs no state of it.
    """
    rate = base
    match settings:
        case CosineSettings(T_max=T_max, eta_min=eta_min):
            part = min(epoch / (T_max or epochs), 1.0)
            rate = eta_min + (base - eta_min) * (1 + math.cos(math.pi * part)) / 2
        case StepDecaySettings(step_size=step_size, gamma=gamma):
            rate = base * gamma ** (int(epoch) // step_size)
    if epoch < settings.warmup:
        rate *= epoch / settings.warmup
    return rate
