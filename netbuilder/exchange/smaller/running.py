"""An ONNX file at work: in the place of the network that it was made of, and by the clock."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netbuilder.exchange.smaller.checking import session
from netbuilder.exchange.specs import TensorSpec

Feed = Mapping[str, np.ndarray[Any, Any]]
RUNS = 40
WITHIN_S = 2.0
"""Files are timed in turns, until there are so many of each or so much time has passed."""


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


def latencies(
    files: Mapping[str, Path], feeds: Mapping[str, Feed], threads: int = 1
) -> dict[str, dict[str, float]]:
    """Milliseconds that a call takes, by file and by the name of what it is fed.

    The median of runs that take turns. With one thread it is the time of that thread, in which
    what else the machine does has no part.
    """
    clock = time.thread_time if threads == 1 and sys.platform != "win32" else time.perf_counter
    sessions = {name: session(path, threads) for name, path in files.items()}
    found: dict[str, dict[str, float]] = {name: {} for name in files}
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
            found[name][size] = 1000 * statistics.median(measured)
    return found
