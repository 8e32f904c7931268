"""Averages of weights over the updates (exponential moving average)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.training.parallel.sharding import local, part_like


class Averages:
    """Follows weights with `decay`; they can be exchanged for their averages and back.

    They begin with the first update: until then others may train the same weights, and the averages
    are the weights as they are. While few updates were made the decay is less, `(1 + n) / (10 + n)`
    after n of them (as `tf.train.ExponentialMovingAverage` has it).
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._parameters = list(parameters)
        self._weights: list[Tensor] = [local(parameter.detach()) for parameter in parameters]
        self._averages = [weight.clone() for weight in self._weights]

    def update(self) -> None:
        """Take in the weights after an update."""
        self.updates += 1
        if self.updates == 1:
            torch._foreach_copy_(self._averages, self._weights)
            return
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._averages, self._weights, 1 - decay)

    def exchange(self) -> None:
        """Put the averages where the weights are; a second call undoes it."""
        if not self.updates:
            return
        with torch.no_grad():
            kept = [weight.clone() for weight in self._weights]
            torch._foreach_copy_(self._weights, self._averages)
            torch._foreach_copy_(self._averages, kept)

    def state(self) -> dict[str, Any]:
        """What `load` needs. The averages themselves are what a checkpoint keeps of networks."""
        return {"updates": self.updates, "weights": [p.detach().clone() for p in self._parameters]}

    def load(self, state: Mapping[str, Any] | None) -> None:
        """Go on from a `state`, or begin at the weights as they are.

        The weights must hold the averages of then; they get back what they were.
        """
        with torch.no_grad():
            torch._foreach_copy_(self._averages, self._weights)
            if state is None:
                return
            self.updates = state["updates"]
            for parameter, weight, saved in zip(
                self._parameters, self._weights, state["weights"], strict=True
            ):
                weight.copy_(local(part_like(parameter, saved)))


@contextmanager
def in_use(averages: Iterable[Averages]) -> Iterator[None]:
    """Inside, the networks have their averaged weights."""
    taken = list(averages)
    for each in taken:
        each.exchange()
    try:
        yield
    finally:
        # Two steps may average the same weights: what came last goes first.
        for each in reversed(taken):
            each.exchange()
