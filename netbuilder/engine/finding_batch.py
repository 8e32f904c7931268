"""How large a batch may be: sizes are tried, with the forecast of their memory beside.

On a GPU the device tells how much a batch took. On the CPU it is the growth of the process since
the search began, watched while it trains. A size whose forecast is above the limit is not tried.
"""

from __future__ import annotations

import copy
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import psutil
import torch

from netbuilder.analysis.memory import kept
from netbuilder.data.loading import Dataset, size
from netbuilder.errors import RunError
from netbuilder.training import preflight
from netbuilder.training.control import Control
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.run import Run
from netbuilder.training.trials.trial import batches, trial

SHARE = 0.8
"""Of the memory that is free, by default."""
UPDATES = 3
SECONDS = 0.1
"""For which a size is measured at least, and for so many updates."""
NEARLY = 0.95
"""A smaller batch with so much of the best speed is as good."""
SAMPLE_S = 0.002


@dataclass(frozen=True)
class Tried:
    """One size: memory in bytes beyond weights and data, and samples a second.

    `forecast` is what was expected (None if it can't be worked out), `measured` what it took
    (None if it was not tried); `failed` says why it does not fit.
    """

    batch_size: int
    forecast: int | None
    measured: int | None
    samples_per_second: float | None
    failed: str = ""


def find(
    plan: Plan,
    *,
    limit_mb: float | None = None,
    most: int | None = None,
    control: Control | None = None,
    tell: Callable[[Tried], None] = lambda tried: None,
) -> dict[str, Any]:
    """Try batch sizes, each twice the last; the answer of the `find-batch` command.

    `largest` is the largest that fits, `suggestion` the smallest with nearly the best speed.
    Up to `most`, by default the training part. `RunError` if not even one sample fits.
    """
    device = preflight.find_device(plan.settings.device)
    limit = int(limit_mb * 2**20) if limit_mb is not None else int(SHARE * _free(device))
    highest = min(most or 2**31, size(plan.dataset.train))
    tried: list[Tried] = []
    sizes = _sizes(highest)
    # What PyTorch loads when it first trains is no matter of the batch.
    _try(plan, sizes[0], None, limit, Meter(device))
    meter = Meter(device)
    for number in sizes:
        expected = forecast(plan, number)
        if max(expected or 0, _onward(tried, number)) > limit:
            found = Tried(number, expected, None, None, "The forecast is above the limit.")
        else:
            found = _try(plan, number, expected, limit, meter)
        tried.append(found)
        tell(found)
        if found.failed or (control is not None and control.stopping):
            break
    fitting = [each for each in tried if not each.failed]
    if not fitting:
        raise RunError(tried[0].failed or "Nothing was tried.", "Make the network smaller.")
    speeds = [each.samples_per_second or 0.0 for each in fitting]
    enough = next(
        each.batch_size
        for each, speed in zip(fitting, speeds, strict=True)
        if speed >= NEARLY * max(speeds)
    )
    return {
        "limit": limit,
        "device": device.type,
        "largest": fitting[-1].batch_size,
        "suggestion": enough,
        "table": [asdict(each) for each in tried],
    }


def _sizes(highest: int) -> list[int]:
    """2, 4, 8 and so on, and the highest itself last."""
    powers = [2**power for power in range(1, 32) if 2**power < highest]
    return [*powers, highest]


def _onward(tried: list[Tried], number: int) -> float:
    """Bytes that a size will take, by the last two that were measured."""
    sizes = [(each.batch_size, each.measured) for each in tried[-2:] if each.measured]
    if len(sizes) < 2:
        return 0.0
    (first, low), (last, high) = sizes
    return high + max(0, high - low) * (number - last) / (last - first)


def _free(device: torch.device) -> int:
    """Bytes of memory that nobody uses."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def forecast(plan: Plan, batch_size: int) -> int | None:
    """Bytes that training keeps of a batch for the gradients, with those of the weights.

    Of several steps the largest counts, as one runs after the other; in half precision about
    half is kept. None if the meta device can't tell.
    """
    try:
        amounts = [_kept(step, plan.dataset, batch_size) for step in plan.steps]
    except Exception:
        return None
    networks = {name for step in plan.steps for name in step.updates}
    weights = {p for name in networks for p in plan.networks[name].parameters()}
    return max(amounts) + sum(weight.nbytes for weight in weights)


def _kept(step: StepPlan, data: Dataset, batch_size: int) -> int:
    shadow = copy.deepcopy(step.module).to("meta").train()
    own = [name for name in step.fields if name not in data.shared]
    ones = {name: data.train[name][:1].to("meta") for name in own}
    batch = {name: one.expand(batch_size, *one.shape[1:]).clone() for name, one in ones.items()}
    shared = {name: tensor.to("meta") for name, tensor in data.shared.items()}
    return kept(shadow, (), step.arguments(batch, shared)).total


def _try(plan: Plan, number: int, expected: int | None, limit: int, meter: Meter) -> Tried:
    """Make some updates with batches of this size, and look at what they take."""
    try:
        with trial(plan, batch_size=number) as run, meter:
            speed = _speed(run)
    except (RuntimeError, MemoryError) as error:
        text = str(error)
        memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not memory and "can't allocate memory" not in text:
            raise
        return Tried(number, expected, None, None, "There is not enough memory.")
    failed = "It takes more than the limit." if meter.bytes > limit else ""
    return Tried(number, expected, meter.bytes, speed, failed)


def _speed(run: Run) -> float:
    """Samples a second, without the first update."""
    coming = batches(run)
    begin, samples = 0.0, 0
    wanted = UPDATES * run.settings.accumulate
    for number in itertools.count():
        if number > wanted and time.perf_counter() - begin > SECONDS:
            break
        batch = next(coming)
        for step in run.steps:
            step.train(batch, number)
        if number:
            samples += size(batch)
        else:
            begin = time.perf_counter()
    for step in run.steps:
        step.guard.check()
    return samples / max(time.perf_counter() - begin, 1e-9)


class Meter:
    """Bytes that were taken at most inside of the block, beyond what there was."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._process = psutil.Process()
        self._begin = self._process.memory_info().rss
        self._peak = 0
        self._over = threading.Event()
        self.bytes = 0

    def __enter__(self) -> Meter:
        self._over.clear()
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            self._begin = torch.cuda.memory_allocated(self._device)
        else:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._device.type == "cuda":
            self._peak = torch.cuda.max_memory_allocated(self._device)
        else:
            self._over.set()
            self._thread.join()
            self._look()
        self.bytes = max(0, self._peak - self._begin)

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self._look()

    def _look(self) -> None:
        self._peak = max(self._peak, self._process.memory_info().rss)
