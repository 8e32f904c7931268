"""A training that is thrown away: for measurements before the real one."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from netbuilder.training import determinism, preflight, randomness, threads
from netbuilder.training.control import Control
from netbuilder.training.plan import Plan
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.records.reporter import Reporter
from netbuilder.training.run import Run


@contextmanager
def trial(plan: Plan, **changes: Any) -> Iterator[Run]:
    """A run of a copy of the plan with some training settings changed, in a temporary folder.

    The plan's networks stay as they are, and so does the stream of random numbers outside.
    `ProblemsError` lists what stands against the training, `RunError` that a device is missing.
    """
    modules = [step.module for step in plan.steps]
    networks, modules = copy.deepcopy((dict(plan.networks), modules))
    steps = tuple(
        replace(step, module=module) for step, module in zip(plan.steps, modules, strict=True)
    )
    settings = plan.settings.model_copy(update=changes)
    copied = replace(plan, networks=networks, steps=steps, settings=settings)
    preflight.check(copied)
    device = preflight.find_device(settings.device)
    count = settings.threads or threads.choose(steps, plan.dataset, settings.batch_size)
    before = randomness.state()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="netbuilder-trial-") as path,
            threads.using(count),
            determinism.using(settings.deterministic),
        ):
            randomness.seed_all(settings.seed)
            folder = RunFolder.create(Path(path) / "run", b"{}")
            run = Run(copied, folder, Control(), Reporter(folder, lambda event: None), device)
            for step in run.steps:
                step.module.train()
            yield run
    finally:
        randomness.load(before)


def batches(run: Run) -> Iterator[dict[str, Tensor]]:
    """The batches of epoch after epoch, without end."""
    epoch = 0
    while True:
        yield from run.batches.epoch(epoch)
        epoch += 1
