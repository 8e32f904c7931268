"""A look at networks through their training steps, without a training.

What a run tells of its validation part after an epoch, of networks as they are now; and what a
network is given there. Chance is that of an evaluation, and leaves the process's own alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.data.loading import Part, size
from netbuilder.training.batches import in_order
from netbuilder.training.observing.meters import Meter
from netbuilder.training.own_chance import OwnChance
from netbuilder.training.parallel.shares import counts
from netbuilder.training.plan import Plan
from netbuilder.training.run import EVALUATION_FACTOR

Inputs = tuple[Tensor, ...]


def metrics(plan: Plan) -> dict[str, float]:
    """Loss and metrics of all steps over the validation part, by keys like `val/accuracy`.

    Those of the training part (`train/...`) where there is no validation part.
    """
    name = "val" if size(plan.dataset.validation) else "train"
    part = plan.dataset.validation if name == "val" else plan.dataset.train
    meters = [Meter(step.metrics, torch.device("cpu")) for step in plan.steps]
    alone = any(step.across_batch for step in plan.steps)
    batch_size = (1 if alone else EVALUATION_FACTOR) * plan.settings.batch_size
    for outputs, batch in _outputs(plan, part, batch_size):
        for meter, (loss, given, _) in zip(meters, outputs, strict=True):
            meter.add(loss.double(), given, *counts(batch))
    several = len(plan.steps) > 1
    return {
        f"{name}/{step.name}/{key}" if several else f"{name}/{key}": value
        for step, meter in zip(plan.steps, meters, strict=True)
        if meter.samples
        for key, value in meter.result().items()
    }


def inputs_of(plan: Plan, network: str, part: Part, samples: int) -> list[Inputs]:
    """What the steps give a network for the first samples of a part, call by call.

    So that it is known also where it comes from noise, or from another network.
    """
    module = plan.networks[network]
    order = inspect.signature(type(module).forward)
    found: list[Inputs] = []

    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = order.bind(module, *args, **kwargs).args[1:]
        found.append(tuple(value.detach().clone() for value in given))

    handle = module.register_forward_pre_hook(note, with_kwargs=True)
    try:
        batch_size = min(samples, plan.settings.batch_size)
        for _, batch in _outputs(plan, part, batch_size):
            samples -= size(batch)
            if samples <= 0:
                break
    finally:
        handle.remove()
    return found


def _outputs(plan: Plan, part: Part, batch_size: int) -> Iterator[tuple[list[Any], Part]]:
    """What the steps say in eval mode, batch by batch."""
    for step in plan.steps:
        step.module.eval()
    chance = OwnChance(plan.settings.seed)
    for batch in in_order(part, batch_size):
        with torch.no_grad(), chance:
            outputs = [
                step.module(**step.arguments(batch, plan.dataset.shared)) for step in plan.steps
            ]
        yield outputs, batch


class StandIn:
    """Inside, a network of the plan computes with `compute`, wherever it is called.

    `compute` takes and gives tensors like the network; `calls` counts how often it did.
    """

    def __init__(self, module: nn.Module, compute: Callable[..., Any]) -> None:
        self._module, self._compute = module, compute
        self._order = inspect.signature(type(module).forward)
        self.calls = 0

    def _forward(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self._compute(*self._order.bind(self._module, *args, **kwargs).args[1:])

    def __enter__(self) -> StandIn:
        # An attribute of its own hides that of its class: who holds the module needs no word.
        vars(self._module)["forward"] = self._forward
        return self

    def __exit__(self, *args: object) -> None:
        del vars(self._module)["forward"]
