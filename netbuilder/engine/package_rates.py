"""Learning rates as expressions in the script of a package. Torch-free."""

from __future__ import annotations

from netbuilder.errors import NetbuilderError
from netbuilder.training.optimisation.schedule_settings import (
    ConstantSettings,
    CosineSettings,
    ExponentialSettings,
    InverseSqrtSettings,
    LinearSettings,
    MultiStepSettings,
    OneCycleSettings,
    PolynomialSettings,
    StepDecaySettings,
)
from netbuilder.training.settings import StepSettings

SCHEDULES = (
    *("none", "linear", "exponential", "step", "multistep", "cosine"),
    *("polynomial", "onecycle", "inverse_sqrt"),
)
"""Those that the script knows; the others look back, or begin anew."""


def rate(name: str, settings: StepSettings) -> str:
    """The learning rate of a step as an expression of `epoch` and `epochs`.

    `NetbuilderError` for a schedule that is not one of `SCHEDULES`.
    """
    schedule, base = settings.schedule, float(settings.optimizer.lr)
    match schedule:
        case ConstantSettings():
            text = repr(base)
        case LinearSettings(start_factor=a, end_factor=b, total_iters=total):
            text = f"{base!r} * ({a!r} + {b - a!r} * min(epoch / {total or 'epochs'}, 1.0))"
        case ExponentialSettings(gamma=gamma):
            text = f"{base!r} * {gamma!r} ** epoch"
        case StepDecaySettings(step_size=size, gamma=gamma):
            text = f"{base!r} * {gamma!r} ** (int(epoch) // {size!r})"
        case MultiStepSettings(milestones=ends, gamma=gamma):
            text = f"{base!r} * {gamma!r} ** sum(epoch >= end for end in {list(ends)!r})"
        case CosineSettings(T_max=total, eta_min=low):
            wave = f"(1.0 + math.cos(math.pi * min(epoch / {total or 'epochs'}, 1.0))) / 2.0"
            text = f"{low!r} + {base - low!r} * {wave}"
        case PolynomialSettings(total_iters=total, power=power):
            text = f"{base!r} * (1.0 - min(epoch / {total or 'epochs'}, 1.0)) ** {power!r}"
        case InverseSqrtSettings(timescale=timescale, warmup=warmup):
            scale = timescale or warmup or 1.0
            text = f"{base!r} * math.sqrt({scale!r} / max(epoch, {scale!r}))"
        case OneCycleSettings():
            text = _one_cycle(schedule, base)
        case _:
            raise NetbuilderError(
                f"A package can't hold the schedule '{schedule.kind}' of '{name}'.",
                f"Choose {', '.join(SCHEDULES[:-1])} or {SCHEDULES[-1]}.",
            )
    if schedule.warmup:
        begin, length = schedule.warmup_factor, schedule.warmup
        text = f"({text}) * ({begin!r} + {1.0 - begin!r} * min(epoch / {length!r}, 1.0))"
    return text


def _one_cycle(settings: OneCycleSettings, top: float) -> str:
    first = top / settings.div_factor
    last, up = first / settings.final_div_factor, settings.pct_start
    ends, rates = [0.0, up, 1.0], [first, top, last]
    if settings.three_phase:
        ends, rates = [0.0, up, min(2.0 * up, 1.0), 1.0], [first, top, first, last]
    text = ""
    for at in reversed(range(len(ends) - 1)):
        begin, end, a, b = ends[at], ends[at + 1], rates[at], rates[at + 1]
        inside = f"(epoch / epochs - {begin!r}) / {end - begin!r}" if end > begin else "1.0"
        way = (
            f"{a!r} + {b - a!r} * {inside}"
            if settings.anneal_strategy == "linear"
            else f"{b!r} + {a - b!r} * (1.0 + math.cos(math.pi * {inside})) / 2.0"
        )
        text = f"({way} if epoch / epochs <= {end!r} else {text})" if text else f"({way})"
    return text
