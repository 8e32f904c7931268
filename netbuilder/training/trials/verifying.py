"""Does a stopped training of this project go on exactly? Tried, and compared with ==.

A project's own layers may keep state that no checkpoint sees, and some operations give other
bits each time; both show here, in a few batches.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.errors import RunError
from netbuilder.training import loop
from netbuilder.training.checkpointing import checkpoints, sealed, trees
from netbuilder.training.control import Control
from netbuilder.training.plan import Plan
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.settings import TrainingSettings

STEPS = 20
_TIMES = ("seconds", "training_s")
Wanted = Callable[[], bool]


@dataclass
class _Seen:
    """All that a training showed: losses by batch and step, and what it kept at the end."""

    losses: list[tuple[int, str, float]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)


def verify(
    make: Callable[[], Plan], steps: int | None = None, stopped: Wanted = lambda: False
) -> dict[str, Any]:
    """Train some batches at one go, and again with a stop half way; whether all is equal.

    `make` gives a new plan each time. The answer has `exact`; `steps` and `stopped_at`, in
    batches; `compared`, how many losses, metrics, tensors and other values were; and
    `first_difference`: None or `step`, `key` and the values `whole` and `resumed`. If it is not
    exact, `repeatable` tells whether two trainings without a stop are equal, and `hint` what to
    do. `RunError` if a training fails, or once `stopped` says so.
    """
    plan = make()
    count = _steps(plan.settings, steps)
    half = max(1, count // 2)
    settings = replace_settings(plan.settings, count)
    with tempfile.TemporaryDirectory(prefix="netbuilder-verify-") as name:
        folder = Path(name)
        whole = _Seen()
        threads = _train(replace(plan, settings=settings), folder / "whole", whole, stopped)
        settings = settings.model_copy(update={"threads": threads})
        parts = _Seen()
        for at in (half, None):
            again = replace(make(), settings=settings)
            _train(again, folder / "parts", parts, stopped, stop_at=at)
        found = _difference(whole, parts, count)
        answer: dict[str, Any] = {
            "exact": found is None,
            "steps": count,
            "stopped_at": half,
            "compared": {
                "losses": len(whole.losses),
                "metrics": len(whole.metrics),
                "tensors": len(whole.tensors),
                "values": len(whole.rest),
            },
            "first_difference": found,
        }
        if found is not None:
            twin = _Seen()
            again = replace(make(), settings=settings)
            _train(again, folder / "twin", twin, stopped)
            answer["repeatable"] = _difference(whole, twin, count) is None
            answer["hint"] = _hint(answer["repeatable"])
        return answer


def replace_settings(settings: TrainingSettings, steps: int) -> TrainingSettings:
    """Settings for a training of so many batches that is not ended by anything else."""
    changes = {"steps": steps, "patience": None, "checkpoint_s": 1e9, "checkpoint_steps": None}
    return settings.model_copy(update=changes)


def _hint(repeatable: bool) -> str:
    if repeatable:
        return (
            "Something that decides how the training goes on is in no checkpoint. A layer of "
            "your own should keep its state in buffers and draw its chance from torch."
        )
    return (
        "Two trainings without a stop differ as well. Switch on 'deterministic' in the training "
        "settings, and draw chance in layers of your own from torch alone."
    )


def _steps(settings: TrainingSettings, steps: int | None) -> int:
    if steps is not None and steps < 2:
        raise RunError("To stop half way takes at least 2 steps.", "Choose more steps.")
    return steps or max(2, min(STEPS, settings.steps or STEPS))


def _train(plan: Plan, path: Path, seen: _Seen, stopped: Wanted, stop_at: int | None = None) -> int:
    """Train in a folder, on from what is there; the threads that were used."""
    control = Control()
    resume = path.exists()
    folder = RunFolder.open(path) if resume else RunFolder.create(path, b"{}")
    if resume:
        _forget(plan)
    with _noted(plan, seen.losses, control, stopped, stop_at):
        result = loop.train(plan, folder, control, lambda event: None, resume=resume)
    if stopped():
        raise RunError("The check was called off.")
    if result.error is not None:
        raise RunError(
            result.error["message"],
            result.error["hint"],
            graph=result.error["graph"],
            node=result.error["node"],
        )
    _read(folder, seen)
    seen.metrics = dict(result.metrics)
    return int(folder.read_json("environment.json").get("threads") or 1)


def _forget(plan: Plan) -> None:
    """Other weights than those of the seed, so that all must come out of the checkpoint."""
    with torch.no_grad():
        for network in plan.networks.values():
            for parameter in network.parameters():
                parameter.zero_()


@contextmanager
def _noted(
    plan: Plan,
    losses: list[tuple[int, str, float]],
    control: Control,
    stopped: Wanted,
    stop_at: int | None,
) -> Iterator[None]:
    """Inside, every loss is noted with its number, and the training ends as is wanted."""
    handles = []
    first = plan.steps[0].name
    numbers = {step.name: sum(name == step.name for _, name, _ in losses) for step in plan.steps}

    def note(name: str, module: nn.Module, given: Any, told: Any) -> None:
        if not module.training or not torch.is_grad_enabled():
            return
        numbers[name] += 1
        losses.append((numbers[name], name, float(told[0].detach())))
        at_stop = stop_at is not None and name == first and numbers[name] >= stop_at
        if at_stop or stopped():
            control.stop()

    for step in plan.steps:
        handles.append(step.module.register_forward_hook(partial(note, step.name)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _read(folder: RunFolder, seen: _Seen) -> None:
    """What the last checkpoint holds: tensors by a name for people, and other values."""
    kept: sealed.Sealed = folder.read_checkpoint("last")[0]
    seen.tensors = {
        f"{network}.{name}": tensor
        for network, weights in checkpoints.networks(kept).items()
        for name, tensor in weights.items()
    }
    values = json.loads(kept.files["state.json"])
    for name in _TIMES:
        values["position"].pop(name, None)
    tensors = trees.from_bytes(kept.files["state.safetensors"])
    for key, value in _leaves(trees.unpack(values, tensors)):
        if isinstance(value, Tensor):
            seen.tensors[key] = value
        else:
            seen.rest[key] = value


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    items: Any = None
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    if items is None:
        yield path, value
        return
    for key, item in items:
        yield from _leaves(item, f"{path}.{key}" if path else str(key))


def _difference(whole: _Seen, parts: _Seen, steps: int) -> dict[str, Any] | None:
    """The first thing that differs, the losses before what is left at the end."""
    for first, second in zip(whole.losses, parts.losses, strict=False):
        if not _same(first, second):
            return _told(first[0], f"{first[1]}.loss", first[2], second[2])
    if len(whole.losses) != len(parts.losses):
        return _told(steps, "losses", len(whole.losses), len(parts.losses))
    for one, other in (
        (whole.metrics, parts.metrics),
        (whole.tensors, parts.tensors),
        (whole.rest, parts.rest),
    ):
        for key in dict.fromkeys((*one, *other)):
            if not _same(one.get(key), other.get(key)):
                return _told(steps, key, one.get(key), other.get(key))
    return None


def _told(step: int, key: str, whole: Any, resumed: Any) -> dict[str, Any]:
    if isinstance(whole, Tensor) and isinstance(resumed, Tensor) and whole.shape == resumed.shape:
        apart = (whole != resumed).sum()
        return {"step": step, "key": key, "whole": None, "resumed": None, "numbers": int(apart)}
    shown = [None if isinstance(value, Tensor) else value for value in (whole, resumed)]
    return {"step": step, "key": key, "whole": shown[0], "resumed": shown[1]}


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, tuple):
        return isinstance(second, tuple) and all(map(_same, first, second))
    both_nan = first != first and second != second
    return bool(both_nan or first == second)
