"""What a run keeps in its checkpoints, and how it goes on from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import torch

from netbuilder.data.streaming import Streamed
from netbuilder.errors import RunError
from netbuilder.training import randomness
from netbuilder.training.checkpointing import checkpoints, saving, sealed, trees
from netbuilder.training.checkpointing.saving import Shot, Written
from netbuilder.training.parallel import together
from netbuilder.training.records.events import finite

if TYPE_CHECKING:
    from netbuilder.training.run import Run


def save(run: Run) -> None:
    """Write what is new: the best weights, then all that a resumed run needs.

    Weights that are not finite are not written. A full disk costs a warning; it is
    tried again when the next checkpoint is due.
    """
    book(run, wait=True)
    _write(run, _shots(run, copied=False))


def save_beside(run: Run) -> None:
    """The same from a copy in memory, while the training goes on; `book` tells what came of it.

    Several processes wait for each other instead.
    """
    if not run.group.alone:
        save(run)
        return
    book(run, wait=True)
    run.saver.begin(_shots(run, copied=True))


def save_best(run: Run) -> None:
    """Write the best weights if they are not written yet."""
    book(run, wait=True)
    _write(run, _best(run))


def _write(run: Run, shots: list[Shot]) -> None:
    if not run.group.first:
        run.best.unsaved = None
        return
    for shot in shots:
        _tell(run, saving.write(run.folder, shot))


def book(run: Run, *, wait: bool = False) -> None:
    """Tell of the checkpoints that were written beside the training."""
    for written in run.saver.take(wait=wait):
        _tell(run, written)


def _best(run: Run) -> list[Shot]:
    best = run.best
    if best.unsaved is None:
        return []
    info = {"epoch": best.epoch, "step": best.step, "metrics": finite(best.metrics)}
    return [Shot("best", best.unsaved, info)]


def _shots(run: Run, *, copied: bool) -> list[Shot]:
    position, rest = run.position, state(run)
    if not run.group.alone:
        rest = together.collect(run, rest)
    with run.averaged():
        weights = run.weights()
        if copied or any(step.updating.averages for step in run.steps):
            weights = {name: trees.clone(tensors) for name, tensors in weights.items()}
    if copied:
        rest = trees.copied(rest)
    info = {"epoch": position.epoch, "step": position.step, "metrics": finite(position.metrics)}
    return [*_best(run), Shot("last", weights, info, rest)]


def _tell(run: Run, written: Written) -> None:
    shot, path = written.shot, written.path
    if written.fault is not None:
        reason = written.fault.strerror or str(written.fault)
        run.report.warn("checkpoint", f"A checkpoint could not be written: {reason}.")
    elif path is None:
        run.report.warn("not-finite", "Weights are not finite: this state is not kept.")
    else:
        if shot.weights is run.best.unsaved:
            run.best.unsaved = None
        where = path.relative_to(run.folder.path).as_posix()
        at = run.report.epoch, run.report.step
        if shot.kind == "last":
            run.report.at(shot.info["epoch"], shot.info["step"])
        run.report.emit("checkpoint", {"kind": shot.kind, "path": where})
        run.report.at(*at)


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
        "device": run.device.type,
        "threads": torch.get_num_threads(),
        "processes": run.group.size,
        "batch_size": run.settings.batch_size,
        "seed": run.settings.seed,
        "balance": run.settings.balance,
        "accumulate": run.settings.accumulate,
        "precision": run.settings.precision,
        "deterministic": run.settings.deterministic,
        "data": run.data.fingerprint,
        "augment": _augment(run),
        **{
            f"{step.plan.name}.{part}.{key}": value
            for step in run.steps
            for part in ("optimizer", "schedule")
            for key, value in getattr(step.plan.settings, part).model_dump(mode="json").items()
        },
    }


def _augment(run: Run) -> list[dict[str, Any]]:
    augmenter = run.data.augmenter
    return [each.model_dump(mode="json") for each in augmenter.augment] if augmenter else []


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
    changed = [key for key in now if now[key] != before[key]]
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
        key if key in ("data", "augment") else f"{key} was {before.get(key)}, is {now[key]}"
        for key in changed
    )
    run.report.warn("not-exact", f"It does not go on exactly as before: {shown}.")
