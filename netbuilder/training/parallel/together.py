"""A run in several processes: how it begins, what it decides together, what it keeps of each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from netbuilder.errors import RunError
from netbuilder.training import randomness
from netbuilder.training.parallel import sharding
from netbuilder.training.parallel.distributed import Group
from netbuilder.training.plan import Plan

if TYPE_CHECKING:
    from netbuilder.training.run import Run

LOOK_EVERY_S = 0.2
MOST_STEPS = 1000
"""Batches between two looks at the clock, at most."""
REST_S = 5.0
"""While a run rests, the others hear so often that they are still to wait."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What is to be done now, the same for all processes."""

    stopping: bool
    paused: bool
    save: bool


def prepare(plan: Plan, device: torch.device, group: Group) -> list[str]:
    """Make the networks of this process those of all; what is worth a warning.

    The networks are on the device, frozen parts are known.
    """
    if group.alone:
        return []
    modules = [*plan.networks.values(), *(step.module for step in plan.steps)]
    sharding.synchronise(modules)
    warnings = []
    if plan.settings.sync_batch_norm and sharding.batch_norms(plan.networks.values()):
        if device.type == "cuda":
            sharding.share_batch_norms(plan.networks.values())
        else:
            warnings.append(
                "On the CPU each process normalises its own share of a batch: BatchNorm does not "
                "equal that of one process. GroupNorm and LayerNorm do."
            )
    if plan.settings.parallel == "fsdp":
        sharding.shard(plan.networks, device)
    return warnings


class Looks:
    """When the processes look up from their work: the first measures, all look at one batch."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._next = 0
        self._last = (0, time.perf_counter())
        self._pace = 1

    def due(self, step: int) -> bool:
        return step >= self._next

    def agree(self, step: int, *, stopping: bool, paused: bool, save: bool, limit: int) -> Orders:
        """What all do now; `limit` is the batch at which they must look up at the latest."""
        group = self._group
        if group.alone:
            return Orders(stopping, paused, save)
        pace = min(self._measure(step), max(1, limit - step)) if group.first else 0
        # One exchange between CPUs: no device waits for it.
        found = group.highest(stopping, group.first and paused, group.first and save, pace)
        self._next = step + found[3]
        return Orders(bool(found[0]), bool(found[1]), bool(found[2]))

    def _measure(self, step: int) -> int:
        before, moment = self._last
        self._last = step, time.perf_counter()
        seconds = max(self._last[1] - moment, 1e-6)
        wanted = int((step - before) * LOOK_EVERY_S / seconds)
        self._pace = max(1, min(wanted, 2 * self._pace, MOST_STEPS))
        return self._pace


def rest(run: Run) -> None:
    """Wait until nobody wants a pause."""
    group, control = run.group, run.control
    while True:
        if group.first:
            control.wait(None if group.alone else REST_S)
        stopping, paused = group.highest(control.stopping, group.first and control.paused)
        if stopping or not paused:
            return


# -- checkpoints -----------------------------------------------------------------------------


def collect(run: Run, state: dict[str, Any]) -> dict[str, Any]:
    """The state of the whole run at the first process; the others only take part.

    It reads like that of one process; under `ranks` stands what each process has of its own.
    """
    group = run.group
    steps = {step.plan.name: step for step in run.steps}
    own: dict[str, Any] = {
        "random": state["random"],
        "training": {name: state["steps"][name]["training"] for name in steps},
        "gradients": {},
    }
    for name, step in steps.items():
        updating = state["steps"][name]["updating"]
        if updating["gradients"] and not sharding.is_sharded(step.parameters):
            own["gradients"][name] = updating["gradients"]
            updating["gradients"] = [_sum(group, g) for g in updating["gradients"]]
    ranks = group.gather(_on_cpu(own))
    for name, step in steps.items():
        values = state["steps"][name]
        values["updating"] = sharding.whole(values["updating"], group)
        if group.first:
            values["training"] = step.training.merged([rank["training"][name] for rank in ranks])
    return {**state, "ranks": ranks}


def _sum(group: Group, gradient: Tensor | None) -> Tensor | None:
    return None if gradient is None else group.sum(gradient.clone())


def _on_cpu(value: Any) -> Any:
    match value:
        case Tensor():
            return value.detach().cpu()
        case dict():
            return {key: _on_cpu(item) for key, item in value.items()}
        case list() | tuple():
            return [_on_cpu(item) for item in value]
    return value


def own_part(run: Run, saved: Mapping[str, Any]) -> dict[str, Any]:
    """Of the state in a checkpoint, what this process goes on with."""
    group, ranks = run.group, saved.get("ranks") or []
    result = {**saved, "steps": {name: dict(step) for name, step in saved["steps"].items()}}
    if group.alone:
        return result
    if len(ranks) == group.size:
        own = ranks[group.rank]
        result["random"] = own["random"]
        for name, step in result["steps"].items():
            step["training"] = own["training"][name]
            if name in own["gradients"]:
                step["updating"] = {**step["updating"], "gradients": own["gradients"][name]}
    elif not group.first:
        # The first process goes on with all that was counted, the others begin to count.
        randomness.seed_all(group.own_seed(run.settings.seed + saved["position"]["step"]))
        result["random"] = randomness.state()
        for step in run.steps:
            values = result["steps"][step.plan.name]
            blank = step.training.state()
            kept = {key: values["training"][key] for key in ("samples", "batches", "given")}
            values["training"] = {**blank, **kept}
            if not sharding.is_sharded(step.parameters):
                none = [None for _ in values["updating"]["gradients"]]
                values["updating"] = {**values["updating"], "gradients": none}
    return result


# -- faults ----------------------------------------------------------------------------------


def entangled(run: Run) -> bool:
    """Whether no process can compute by itself: its networks wait for those of the others."""
    modules = (each for network in run.plan.networks.values() for each in network.modules())
    return not run.group.alone and (
        any(sharding.is_sharded(step.parameters) for step in run.steps)
        or any(isinstance(each, nn.SyncBatchNorm) for each in modules)
    )


_LOST = ("connection", "gloo", "nccl", "timed out", "timeout", "socket", "peer")


def explain(group: Group, error: Exception, found: RunError) -> RunError:
    """What ended this process; where it was the end of another one, what that said."""
    if group.alone:
        return found
    group.broken = True
    text = str(error).lower()
    lost = isinstance(error, dist.DistBackendError) or (
        isinstance(error, RuntimeError) and any(word in text for word in _LOST)
    )
    if not lost:
        group.tell_fault(f"{found} {found.hint}".strip())
        return found
    said = group.fault() if group.first else ""
    return RunError(
        f"Another process of this training ended{': ' + said if said else '.'}",
        "It can go on from the last checkpoint; torchrun --max-restarts=3 does that by itself.",
    )
