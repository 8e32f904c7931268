"""Templates as trainings, for the benchmarks of speed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from netbuilder.engine import overrides, planning
from netbuilder.storage.files import load
from netbuilder.training import threads
from netbuilder.training.control import Control
from netbuilder.training.loop import train
from netbuilder.training.plan import Plan
from netbuilder.training.records.folder import RunFolder

TEMPLATES = Path(__file__).parent.parent / "templates"


def make_plan(template: str, **training: Any) -> Plan:
    """The project of a template with these settings of training, fresh weights, on the CPU."""
    values = {"device": "cpu", "patience": None, **training}
    document = load(TEMPLATES / f"{template}.netb")
    keyed = {f"training.{name}": value for name, value in values.items()}
    return planning.make(overrides.apply(document, keyed))


def by_train(plan: Plan) -> tuple[float, float]:
    """Train as `netbuilder train` does; samples per second of training and of the whole."""
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            plan, RunFolder.create(Path(folder) / "r", b"{}"), Control(), lambda event: None
        )
    assert result.status == "finished", result.error
    samples = len(next(iter(plan.dataset.train.values()))) * result.epochs
    return result.samples_per_second, samples / result.seconds


def fastest(work: Callable[[], float]) -> float:
    """The most samples per second, at whichever number of threads suits it better."""
    found = []
    for number in {1, torch.get_num_threads()}:
        with threads.using(number):
            found.append(work())
    return max(found)
