"""What a run keeps in its checkpoints, and how it goes on from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import torch

from netbuilder.data.streaming import Streamed
from netbuilder.errors import RunError
from netbuilder.training import checkpoints, randomness, sealed, together
from netbuilder.training.events import finite
from netbuilder.training.folder import CheckpointKind
from netbuilder.training.guards import all_finite

if TYPE_CHECKING:
    from netbuilder.training.run import Run


def save(run: Run) -> None:
    """Write what is new: the best weights, then all that a resumed run needs.

    Weights that are not finite are not written. A full disk costs a warning; it is
    tried again when the next checkpoint is due.
    """
    save_best(run)
    position, rest = run.position, state(run)
    if not run.group.alone:
        rest = together.collect(run, rest)
    with run.averaged():
        weights = run.weights()
        whole = all_finite(tensor for tensors in weights.values() for tensor in tensors.values())
        if run.group.says(whole):
            _write(run, "last", weights, position.epoch, position.step, position.metrics, rest)
            return
    run.report.warn("not-finite", "Weights are not finite: this state is not kept.")


def save_best(run: Run) -> None:
    """Write the best weights if they are not written yet."""
    best = run.best
    if best.unsaved is not None and _write(
        run, "best", best.unsaved, best.epoch, best.step, best.metrics
    ):
        best.unsaved = None


def _write(
    run: Run,
    kind: CheckpointKind,
    weights: checkpoints.Weights,
    epoch: int,
    step: int,
    metrics: Mapping[str, float],
    state: Mapping[str, Any] | None = None,
) -> bool:
    if not run.group.first:
        return True
    info = {"epoch": epoch, "step": step, "metrics": finite(metrics)}
    try:
        path = checkpoints.save(run.folder, kind, weights, info, state)
    except OSError as error:
        reason = error.strerror or str(error)
        run.report.warn("checkpoint", f"A checkpoint could not be written: {reason}.")
        return False
    where = path.relative_to(run.folder.path).as_posix()
    run.report.emit("checkpoint", {"kind": kind, "path": where})
    return True


def state(run: Run) -> dict[str, Any]:
    """All that decides how the run goes on, but the weights."""
    train = run.data.train
    return {
        "position": asdict(run.position),
        "steps": {step.plan.name: step.state() for step in run.steps},
        "best": run.best.state(),
        "random": randomness.state(),
        "corrupt": sorted(train.feed.corrupt) if isinstance(train, Streamed) else [],
        "conditions": conditions(run),
    }


def conditions(run: Run) -> dict[str, Any]:
    """What must be the same for a resumed run to equal an uninterrupted one."""
    return {
        "torch": torch.__version__,
        "device": next(iter(run.data.train.values())).device.type,
        "threads": torch.get_num_threads(),
        "processes": run.group.size,
        "batch_size": run.settings.batch_size,
        "seed": run.settings.seed,
        "balance": run.settings.balance,
        "accumulate": run.settings.accumulate,
        "precision": run.settings.precision,
        "deterministic": run.settings.deterministic,
        "data": run.data.fingerprint,
        "optimizers": [step.plan.settings.optimizer.kind for step in run.steps],
    }


def restore(run: Run) -> int:
    """Go on where the newest whole checkpoint left off; the step that it was at.

    Tells of damaged checkpoints that were passed over and of all that keeps the run
    from going on exactly as it would have. `RunError` if it can't go on at all.
    """
    # What the first process reads goes to all: the others may not even have the folder.
    found = run.group.from_first(lambda: _newest(run))
    if found is None:
        run.report.warn("no-checkpoint", "There is no checkpoint yet: it starts anew.")
        return 0
    checkpoint, faults = found
    for fault in faults:
        run.report.warn("damaged", f"{fault} Going on from '{checkpoint.path.name}'.")
    checkpoints.load_networks(checkpoint, run.plan.networks)
    saved = together.own_part(run, checkpoints.state(checkpoint))
    names = [step.plan.name for step in run.steps]
    if list(saved["steps"]) != names:
        raise RunError(
            f"The run had the steps {', '.join(saved['steps'])}; now there are {', '.join(names)}.",
            "Train it anew, or open the run's own project.",
        )
    run.position = replace(run.position, **saved["position"])
    for step in run.steps:
        step.load(saved["steps"][step.plan.name])
    run.best.load(saved["best"])
    randomness.load(saved["random"])
    if isinstance(run.data.train, Streamed):
        run.data.train.feed.corrupt |= set(saved.get("corrupt", ()))
    _compare(run, saved["conditions"])
    return run.position.step


def _newest(run: Run) -> tuple[sealed.Sealed, list[str]] | None:
    return run.folder.read_checkpoint("last") if run.folder.checkpoints("last") else None


def _compare(run: Run, before: Mapping[str, Any]) -> None:
    now = conditions(run)
    before = {**now, "processes": 1, **before}
    changed = [key for key in now if now[key] != before.get(key)]
    if not changed:
        return
    if {"batch_size", "seed", "balance", "data"} & set(changed):
        run.position.batch = 0
        for step in run.steps:
            step.training.reset()
    if {"batch_size", "seed", "balance", "accumulate", "data"} & set(changed):
        for step in run.steps:
            step.updating.drop()
    shown = ", ".join(
        key if key == "data" else f"{key} was {before.get(key)}, is {now[key]}" for key in changed
    )
    run.report.warn("not-exact", f"It does not go on exactly as before: {shown}.")
