"""Looking into a training: what every node gives, how long it takes, how strongly it learns.

A look is one more forward pass over a part of the present batch. Training goes on as if it had
not been: chance, running averages and gradients are put back.

Whoever wants to see it, in this process or another, touches `watch` in the run folder every
second or two and reads `instruments.json` there, which is replaced as a whole at every look.
Without a watcher nothing is looked at.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.compiler.build import parts_by_node
from netbuilder.compiler.emit import Place
from netbuilder.compiler.tapping import tap
from netbuilder.training import randomness
from netbuilder.training.observing.watching import FILE, WATCH, WATCHED_S
from netbuilder.training.plan import StepPlan
from netbuilder.training.records.events import finite

SAMPLES = 32
"""Samples of the batch that are looked at."""
BINS = 24
EVERY_S = 0.5
SHARE = 0.05
"""Of the time, what looks may take at most."""
MAX_NUMBERS = 1 << 18
"""Of a tensor, how many numbers go into the figures at most; evenly spread."""


_log = logging.getLogger(__name__)


def describe(tensor: Tensor) -> dict[str, Any]:
    """What a tensor is like: `mean`, `std`, `min`, `max`, `dead`, `bad`, `counts`.

    `dead` is the share of the numbers of one sample that are 0 in all samples (dim 0), `bad`
    how many numbers are not finite; `counts` is a histogram of `BINS` bins from min to max.
    """
    values = tensor.detach()
    shape = list(values.shape)
    dead = None
    if values.dim() > 1 and values.numel():
        dead = float((values == 0).all(0).double().mean())
    flat = values.reshape(-1)
    flat = flat[:: max(1, flat.numel() // MAX_NUMBERS)].double()
    finite = flat[flat.isfinite()]
    bad = flat.numel() - finite.numel()
    known: dict[str, Any] = {"shape": shape, "dead": dead, "bad": bad}
    if not finite.numel():
        return known
    low, high = float(finite.min()), float(finite.max())
    counts = torch.histc(finite.cpu(), BINS, low, high) if high > low else None
    return {
        **known,
        "mean": float(finite.mean()),
        "std": float(finite.std(correction=0)),
        "min": low,
        "max": high,
        "counts": [int(n) for n in counts.tolist()] if counts is not None else None,
    }


class Instruments:
    """Looks at a training step now and then, at most `SHARE` of the time."""

    def __init__(
        self, steps: Iterable[StepPlan], folder: Path, shared: Mapping[str, Tensor] | None = None
    ) -> None:
        self._steps = list(steps)
        self._shared = shared or {}
        self._folder = folder
        self._weights: dict[Place, list[nn.Parameter]] = {}
        for step in self._steps:
            for place, module in parts_by_node(step.module):
                known = self._weights.setdefault(place, [])
                known += [p for p in module.parameters() if all(p is not k for k in known)]
        self._next = 0.0
        self._touched = 0
        self._watched_until = 0.0

    def due(self) -> bool:
        """Whether somebody watches, and it is time for a look."""
        moment = time.perf_counter()
        if moment < self._next:
            return False
        try:
            touched = os.stat(self._folder / WATCH).st_mtime_ns
        except OSError:
            return False
        if touched != self._touched:
            # What an earlier watcher left is no wish of now.
            fresh = self._touched or abs(time.time() - touched / 1e9) < WATCHED_S
            self._watched_until = moment + WATCHED_S if fresh else 0.0
            self._touched = touched
        return moment < self._watched_until

    def tell(self, batch: Mapping[str, Tensor], seed: int, step: int) -> None:
        """Look, and leave what was seen in the folder; without room there it is forgotten."""
        try:
            told = {"step": step, **self.look(batch, seed)}
        except Exception:
            # A look must not cost a training anything; what is really wrong shows there too.
            _log.exception("the instruments failed")
            self._next = math.inf
            return
        new = self._folder / f".{FILE}.new"
        with contextlib.suppress(OSError):
            new.write_text(json.dumps(finite(told), separators=(",", ":")))
            os.replace(new, self._folder / FILE)

    def look(self, batch: Mapping[str, Tensor], seed: int) -> dict[str, Any]:
        """`nodes`: by graph and node, its `outputs` (see `describe`), `ms`, `gradient`, `weight`.

        The gradients are those of the last batch, as lengths of all weights of a node. Of a
        node that runs several times, the first outputs and the time of all.
        """
        begun = time.perf_counter()
        nodes: dict[str, dict[str, dict[str, Any]]] = {}

        def entry(place: Place) -> dict[str, Any]:
            return nodes.setdefault(place[0], {}).setdefault(place[1], {})

        def take(place: Place, values: tuple[Any, ...], seconds: float) -> None:
            known = entry(place)
            known["ms"] = known.get("ms", 0.0) + 1000 * seconds
            if "outputs" not in known:
                known["outputs"] = [
                    describe(value) if isinstance(value, Tensor) else None for value in values
                ]

        for place, parameters in self._weights.items():
            gradients = [p.grad for p in parameters if p.grad is not None]
            if gradients:
                entry(place)["gradient"] = _length(gradients)
            if parameters:
                entry(place)["weight"] = _length(parameters)
        few = {name: tensor[:SAMPLES] for name, tensor in batch.items()}
        settle = torch.cuda.synchronize if next(iter(few.values())).is_cuda else _nothing
        with randomness.apart(seed), torch.no_grad():
            for step in self._steps:
                with _unchanged(step.module), tap(step.module, take, settle):
                    step.module(**step.arguments(few, self._shared))
        spent = time.perf_counter() - begun
        self._next = time.perf_counter() + max(EVERY_S, spent / SHARE)
        return {"nodes": nodes}


def _nothing() -> None:
    pass


def _length(tensors: Iterable[Tensor]) -> float | None:
    lengths = [float(torch.linalg.vector_norm(t.detach().float())) for t in tensors]
    length = math.hypot(*lengths)
    return length if math.isfinite(length) else None


@contextmanager
def _unchanged(module: nn.Module) -> Iterator[None]:
    """Inside, the module may change its buffers; afterwards they are as they were."""
    buffers = list(module.buffers())
    kept = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        for buffer, before in zip(buffers, kept, strict=True):
            buffer.copy_(before)
