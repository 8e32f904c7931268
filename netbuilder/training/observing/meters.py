"""Loss and metrics of one part of the data over one epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from netbuilder.training.parallel.distributed import ALONE, Group

PENDING_BATCHES = 64
PENDING_BYTES = 16 * 2**20
"""A metric's update costs as much as a small network's step, so batches wait and are given
to it together. When is counted in batches and bytes, never by a clock: sums of floats depend
on their grouping, and equal runs must tell equal numbers."""

Outputs = Mapping[str, tuple[Tensor, ...]]


class Meter:
    """Sums the loss and feeds the metrics; exact, and nearly free a batch."""

    def __init__(
        self,
        metrics: Mapping[str, Callable[[], Any]],
        device: torch.device,
        group: Group = ALONE,
    ) -> None:
        self._group = group
        self._device = device
        self.metrics = {name: make().to(device) for name, make in metrics.items()}
        if not group.alone:
            # torchmetrics adds up over processes when it computes; all must do so, or none.
            for metric in self.metrics.values():
                metric.compute_with_cache = False
        self._waiting: list[dict[str, tuple[Tensor, ...]]] = []
        self._batches = 0
        self._limit = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new epoch."""
        self.samples = 0
        self._loss: float | Tensor = 0.0
        self._told = (0.0, 0)
        self._given = False
        self._batches = 0
        self._waiting.clear()
        for metric in self.metrics.values():
            metric.reset()

    def add(
        self, loss: float | Tensor, outputs: Outputs, samples: int, whole: int | None = None
    ) -> None:
        """One batch: its mean loss and the arguments of each metric.

        Of several processes each adds its own share, `samples` of the `whole` batch.
        """
        self.samples += samples if whole is None else whole
        if samples:
            self._loss += loss * samples
        if self.metrics:
            kept = {name: tuple([t.detach() for t in outputs[name]]) for name in self.metrics}
            limit = self._limit or self._find_limit(kept, samples, whole)
            if samples:
                self._waiting.append(kept)
            # Counted, also where nothing waits: all processes must do this at the same batch.
            self._batches += 1
            if self._batches >= limit:
                self.flush()

    def _find_limit(
        self, kept: Mapping[str, tuple[Tensor, ...]], samples: int, whole: int | None
    ) -> int:
        batch = sum(tensor.nbytes for pair in kept.values() for tensor in pair)
        if whole is not None:
            batch = batch // max(1, samples) * whole
        self._limit = max(1, min(PENDING_BATCHES, PENDING_BYTES // max(1, batch)))
        return self._limit

    def flush(self) -> None:
        """Give the metrics what waits for them."""
        for name, metric in self.metrics.items():
            calls = [outputs[name] for outputs in self._waiting]
            for arguments in _together(calls) if calls else ():
                metric.update(*arguments)
        self._given = self._given or self._batches > 0
        self._batches = 0
        self._waiting.clear()

    def loss(self) -> float:
        """The mean loss a sample; NaN before the first."""
        return self._sum() / self.samples if self.samples else float("nan")

    def _sum(self) -> float:
        """The sum of the losses of all samples, also those of other processes."""
        if self._group.alone:
            return float(self._loss)
        own = torch.as_tensor(self._loss, dtype=torch.float64, device=self._device)
        return float(self._group.sum(own.clone()))

    def recent_loss(self) -> float:
        """The mean loss a sample since the last call; NaN if there was none."""
        total, (before, samples) = self._sum(), self._told
        self._told = (total, self.samples)
        new = self.samples - samples
        return (total - before) / new if new else float("nan")

    def so_far(self) -> dict[str, float]:
        """The metrics of what they were given until now; empty before the first."""
        return {
            name: _number(metric.compute())
            for name, metric in self.metrics.items()
            if metric.update_called or (self._given and not self._group.alone)
        }

    def result(self) -> dict[str, float]:
        """`loss` and every metric of the whole part."""
        self.flush()
        return {"loss": self.loss(), **self.so_far()}

    def state(self) -> dict[str, Any]:
        """Everything that `load` needs to go on in the middle of an epoch."""
        return {
            "samples": self.samples,
            "loss": self._loss,
            "batches": self._batches,
            "given": self._given,
            "waiting": [{k: list(v) for k, v in outputs.items()} for outputs in self._waiting],
            "metrics": {
                name: {
                    "updates": metric._update_count,
                    "states": {key: getattr(metric, key) for key in metric._defaults},
                }
                for name, metric in self.metrics.items()
            },
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.reset()
        self.samples = state["samples"]
        self._loss = state["loss"]
        self._told = (self._sum(), self.samples)
        self._batches, self._given = state["batches"], state["given"]
        self._waiting = [
            {name: tuple(tensors) for name, tensors in outputs.items()}
            for outputs in state["waiting"]
        ]
        for name, saved in state["metrics"].items():
            metric = self.metrics[name]
            metric._update_count = saved["updates"]
            for key, value in saved["states"].items():
                setattr(metric, key, value)

    def merged(self, states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The states of all processes as one that a single process can go on from."""
        first = states[0]
        metrics: dict[str, Any] = {}
        for name, metric in self.metrics.items():
            own = [state["metrics"][name] for state in states]
            values: dict[str, Any] = {}
            for key, reduce in metric._reductions.items():
                parts = [each["states"][key] for each in own]
                if isinstance(parts[0], list):
                    values[key] = [tensor for part in parts for tensor in part]
                else:
                    stacked = torch.stack(parts)
                    values[key] = stacked if reduce is None else reduce(stacked)
            metrics[name] = {"updates": max(each["updates"] for each in own), "states": values}
        return {
            **first,
            "loss": sum(float(state["loss"]) for state in states),
            "waiting": [outputs for state in states for outputs in state["waiting"]],
            "metrics": metrics,
        }


def _together(calls: list[tuple[Tensor, ...]]) -> list[tuple[Tensor, ...]]:
    """One call with all batches where they can be put together, else the calls as they are."""
    layouts = {tuple(tensor.shape[1:] for tensor in call) for call in calls}
    if len(layouts) > 1 or any(tensor.dim() == 0 for tensor in calls[0]):
        return calls
    return [tuple(torch.cat(column) for column in zip(*calls, strict=True))]


def _number(value: Any) -> float:
    """A metric's value as one number: the mean of what has several."""
    return float(value.float().mean()) if isinstance(value, Tensor) else float(value)
