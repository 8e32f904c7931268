"""The training loop."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from netbuilder.errors import DocumentError, NetbuilderError, RunError
from netbuilder.training import determinism, failures, preflight, randomness, threads
from netbuilder.training.checkpointing import keeping
from netbuilder.training.control import Control
from netbuilder.training.guards import NonFiniteLoss
from netbuilder.training.parallel import distributed, together
from netbuilder.training.parallel.distributed import ALONE, Group
from netbuilder.training.parallel.shares import held
from netbuilder.training.plan import Plan
from netbuilder.training.records.events import finite
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.records.reporter import Listener, Reporter, Silent
from netbuilder.training.run import CalledOff, Run
from netbuilder.training.trials import replaying
from netbuilder.training.trials.replaying import BadBatch


@dataclass(frozen=True)
class RunResult:
    """How a run ended: `finished`, `stopped` or `failed` (then `error` says why)."""

    run: str
    status: str
    reason: str
    epochs: int
    steps: int
    seconds: float
    samples_per_second: float
    metrics: dict[str, float]
    best: dict[str, Any] | None
    error: dict[str, Any] | None
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The answer of the `train` command."""
        result: dict[str, Any] = finite(vars(self))
        return result


def train(
    plan: Plan,
    folder: RunFolder,
    control: Control,
    listen: Listener,
    *,
    resume: bool = False,
    group: Group = ALONE,
) -> RunResult:
    """Train until done, stopped or failed, and tell how it goes to folder and listener.

    With `resume` the run in the folder goes on from its newest checkpoint, exactly as if it
    had not been interrupted. Before anything starts, `ProblemsError` lists what stands
    against it and `RunError` says that the folder is in use or can't be resumed; what fails
    later is in the result.

    Each process of a `group` calls this; the first one alone needs the folder and writes there.
    """
    preflight.check(plan, group.size)
    device = preflight.find_device(distributed.device(group, plan.settings.device))
    with (
        folder.locked() if group.first else nullcontext(),
        threads.using(group.says(_threads(plan, folder, device))),
        determinism.using(plan.settings.deterministic),
    ):
        if group.first:
            control.watch(folder.path)
        report = Reporter(folder, listen) if group.first else Silent(folder, listen)
        randomness.seed_all(group.own_seed(plan.settings.seed))
        try:
            run = Run(plan, folder, control, report, device, group)
            origin = keeping.restore(run) if resume else None
        except NetbuilderError:
            raise
        except Exception as error:
            raise failures.explain(error, plan.settings, _weights(plan)) from error
        _begin(run, origin)
        try:
            reason = train_epochs(run)
        except CalledOff:
            reason = "stopped"
        except NonFiniteLoss as fault:
            # Another step may have made its update already; gradients that wait may be NaN.
            accumulating = plan.settings.accumulate > 1 and device.type != "cpu"
            run.torn = len(run.steps) > 1 or accumulating
            why, bad = _explain_loss(run, fault)
            result = _fail(run, why)
            _keep_batch(run, bad)
            return result
        except Exception as error:
            doing = "while evaluating" if run.evaluating else ""
            found = failures.explain(error, plan.settings, _weights(plan), doing)
            return _fail(run, together.explain(group, error, found))
        except BaseException:
            # The process may live on, so nobody else would see that the run does not.
            report.write_status(status="crashed", **run.standing())
            run.close()
            raise
        return _end(run, "stopped" if reason == "stopped" else "finished", reason)


def train_epochs(run: Run) -> str:
    """Train until something ends it: `epochs`, `steps`, `patience` or `stopped`."""
    while not run.complete():
        for batch in run.epoch_batches():
            run.torn = True
            for step in run.steps:
                if step.is_due(run.position.epoch, run.position.step):
                    step.train(batch, run.position.step)
            run.advance(batch)
            run.torn = False
            if run.due() and not run.look_up():
                return "stopped"
            if run.complete():
                break
        if run.position.batch < len(run.batches):
            # The limit of steps cut the epoch: what is kept goes on inside it.
            run.save()
            run.position.metrics = run.evaluate()
            run.tell_epoch()
            return "steps"
        run.torn = True
        for step in run.steps:
            step.flush()
        run.torn = False
        run.end_epoch(run.evaluate())
        if run.best.exhausted:
            return "patience"
    return "epochs" if run.position.epoch >= run.settings.epochs else "steps"


def _threads(plan: Plan, folder: RunFolder, device: torch.device) -> int:
    """As set; else as the run had them, so that it can be resumed exactly; else by rule."""
    if plan.settings.threads is not None:
        return plan.settings.threads
    stored = folder.read_json("environment.json").get("threads")
    if isinstance(stored, int) and 1 <= stored <= (os.cpu_count() or 1):
        return stored
    if device.type != "cpu":
        return torch.get_num_threads()
    return threads.choose(plan.steps, plan.dataset, plan.settings.batch_size)


def _begin(run: Run, origin: int | None) -> None:
    """Write what the run is, and tell that it starts."""
    plan, conditions = run.plan, keeping.conditions(run)
    if run.group.first:
        tuning = run.folder.read_json("environment.json").get("tuning")
        known = environment(conditions) | ({"tuning": tuning} if tuning else {})
        run.folder.write_json("environment.json", known)
        run.folder.write_json("data.json", finite(plan.dataset.to_json()))
    position = run.position
    run.report.at(position.epoch, position.step)
    run.report.write_status(epochs=plan.settings.epochs, steps=run.total_steps, **run.standing())
    run.report.emit(
        "started",
        {
            "epochs": plan.settings.epochs,
            "steps": run.total_steps,
            "epoch_steps": len(run.batches),
            "samples": sum(run.batches.sizes),
            "device": conditions["device"],
            "threads": conditions["threads"],
            "parameters": sum(p.numel() for step in run.steps for p in step.parameters),
            "metrics": preflight.monitored(plan),
            "processes": run.group.size,
            "resumed_from": origin,
        },
    )
    run.start_clock()


def environment(conditions: dict[str, Any]) -> dict[str, Any]:
    """Versions, machine and conditions of a run."""
    cuda = torch.cuda.is_available() and conditions["device"] == "cuda"
    return {
        "netbuilder": version("netbuilder"),
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "platform": platform.platform(),
        "cpu": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "device_name": torch.cuda.get_device_name() if cuda else "CPU",
        **conditions,
    }


def _explain_loss(run: Run, fault: NonFiniteLoss) -> tuple[RunError, BadBatch]:
    """Why the loss went bad, and the batch that did it; the run stands at it."""
    position = run.position
    position.batch -= position.step - fault.step
    position.step = fault.step
    indices = run.batches.indices(position.epoch, position.batch)
    batch = next(run.batches.epoch(position.epoch, position.batch))
    if not run.group.alone:
        low, high = held(len(indices), run.group.rank, run.group.size)
        indices = indices[low:high]
    if together.entangled(run):
        error = RunError(
            f"The loss became NaN or infinite at step {fault.step + 1}.",
            "Lower the learning rate. Resumed in one process, the run names the node.",
        )
        return error, BadBatch(batch, indices, fault.step, "")
    for step in run.steps:
        error = failures.explain_loss(
            step.module, step.plan.arguments(batch, run.data.shared), fault.step, indices
        )
        if error.node:
            break
    return error, BadBatch(batch, indices, fault.step, "")


def _keep_batch(run: Run, bad: BadBatch) -> None:
    """Keep the batch beside the checkpoint with its weights, for a replay."""
    if not run.group.first or run.control.lost:
        return
    kept = run.folder.checkpoints("last")
    name = kept[0].path.name if kept else ""
    with suppress(OSError, DocumentError):
        replaying.keep(run.folder, replace(bad, checkpoint=name))


def _fail(run: Run, error: RunError) -> RunResult:
    return _end(run, "failed", "error", error.to_json())


def _weights(plan: Plan) -> int:
    return sum(p.numel() for network in plan.networks.values() for p in network.parameters())


def _end(run: Run, status: str, reason: str, error: dict[str, Any] | None = None) -> RunResult:
    """Keep what was reached, and tell that it is over."""
    run.close()
    position = run.position
    if (reason == "steps" and position.batch) or run.torn:
        keeping.save_best(run)
    elif not run.control.lost and not run.group.broken:
        run.save()
    run.count_time()
    standing = run.standing()
    run.report.at(position.epoch, position.step)
    if not run.control.lost:
        run.report.write_status(status=status, reason=reason, error=error, **standing)
    run.report.emit("finished", {"status": status, "reason": reason, "error": error, **standing})
    return RunResult(
        run=str(run.folder.path),
        status=status,
        reason=reason,
        epochs=position.epoch,
        steps=position.step,
        warnings=tuple(run.report.warnings),
        error=error,
        **standing,
    )
