"""An ONNX file at work: in the place of the network that it was made of, and by the clock."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netbuilder.exchange.smaller.checking import session
from netbuilder.exchange.specs import TensorSpec

Feed = Mapping[str, np.ndarray[Any, Any]]
THREADS = 1
RUNS = 40
WITHIN_S = 2.0
"""Files are timed in turns, until there are so many of each or so much time has passed."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of a call: the median, and the quartiles around half of all calls."""

    median: float
    quartiles: tuple[float, float]

    @staticmethod
    def of(seconds: Sequence[float]) -> Timing:
        """The timing of calls that took so many seconds; at least two."""
        low, middle, high = statistics.quantiles(seconds, n=4, method="inclusive")
        return Timing(1000 * middle, (1000 * low, 1000 * high))


def feed(inputs: Sequence[TensorSpec], values: Sequence[Tensor]) -> dict[str, Any]:
    """Tensors as an ONNX file takes them, by name."""
    return {
        spec.name: value.detach().cpu().to(getattr(torch, spec.dtype)).contiguous().numpy()
        for spec, value in zip(inputs, values, strict=True)
    }


def computing(path: Path, inputs: Sequence[TensorSpec]) -> Callable[..., Any]:
    """A function of tensors that the file computes."""
    runtime = session(path)

    def compute(*values: Tensor) -> Any:
        found = runtime.run(None, feed(inputs, values))
        tensors = tuple(torch.from_numpy(np.ascontiguousarray(each)) for each in found)
        return tensors if len(tensors) > 1 else tensors[0]

    return compute


def latencies(files: Mapping[str, Path], feeds: Mapping[str, Feed]) -> dict[str, dict[str, Timing]]:
    """How long a call takes on one thread, by file and by the name of what it is fed.

    The files take turns. It is the time of that thread, in which what else the machine does has
    no part, where the system tells it.
    """
    clock = time.thread_time if sys.platform != "win32" else time.perf_counter
    sessions = {name: session(path, THREADS) for name, path in files.items()}
    found: dict[str, dict[str, Timing]] = {name: {} for name in files}
    for size, given in feeds.items():
        times: dict[str, list[float]] = {name: [] for name in files}
        for runtime in sessions.values():
            runtime.run(None, dict(given))
        end = time.perf_counter() + WITHIN_S
        while min(map(len, times.values())) < RUNS:
            for name, runtime in sessions.items():
                begun = clock()
                runtime.run(None, dict(given))
                times[name].append(clock() - begun)
            if time.perf_counter() > end and min(map(len, times.values())) >= 3:
                break
        for name, measured in times.items():
            found[name][size] = Timing.of(measured)
    return found
