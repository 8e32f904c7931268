"""Samples per second of `train` against the fastest hand-written loop on the same module.

Both train the compiled digits_cnn and digits_mlp with the same optimizer, in-memory batches
of the same size and the same number of threads. The hand-written loop does nothing but
train: no metrics, no look at the loss, no evaluation. Rounds alternate in one process; the
figure is the median of the ratios of neighbouring rounds. Prints one JSON line.

`samples` counts the time of training; `whole` also what `train` does besides: evaluation of
the validation part after every epoch, against a loop that does that as well.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netbuilder.compiler.build import build_network, build_step
from netbuilder.data.loading import prepare
from netbuilder.data.settings import field_types, read
from netbuilder.storage.files import load
from netbuilder.training import optimizers, randomness, threads
from netbuilder.training.control import Control
from netbuilder.training.folder import RunFolder
from netbuilder.training.loop import train
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.settings import read_step, read_training

TEMPLATES = Path(__file__).parent.parent / "templates"


def make_plan(template: str, epochs: int) -> Plan:
    """The project of a template, with fresh weights, on the CPU."""
    document = load(TEMPLATES / f"{template}.netb")
    settings = read_training({**document.project.training, "epochs": epochs, "device": "cpu"})
    settings = settings.model_copy(update={"patience": None})
    randomness.seed_all(settings.seed)
    networks = {g.name: build_network(document, g.name) for g in document.of_kind("network")}
    types = field_types(document.project.data)
    steps = []
    for graph in document.of_kind("step"):
        built = build_step(document, graph.name, types, networks)
        steps.append(
            StepPlan(
                graph.name,
                built.module,
                built.fields,
                built.updates,
                read_step(graph.info.settings),
                built.metrics,
                built.previews,
            )
        )
    return Plan(networks, tuple(steps), prepare(read(document.project.data)), settings)


def by_hand(plan: Plan, *, evaluate: bool) -> float:
    """Train as plainly as possible; samples per second."""
    step, settings = plan.steps[0], plan.settings
    module, data = step.module, dict(plan.dataset.train)
    optimizer = optimizers.make(step.settings.optimizer, plan.networks["main"].parameters())
    count = len(next(iter(data.values())))
    start = time.perf_counter()
    for _ in range(settings.epochs):
        module.train()
        order = torch.randperm(count)
        parts = [torch.split(data[name][order], settings.batch_size) for name in step.fields]
        for batch in zip(*parts, strict=True):
            optimizer.zero_grad(set_to_none=True)
            loss = module(**dict(zip(step.fields, batch, strict=True)))[0]
            loss.backward()
            optimizer.step()
        if evaluate:
            _evaluate(plan)
    return count * settings.epochs / (time.perf_counter() - start)


def _evaluate(plan: Plan) -> dict[str, Any]:
    step, part = plan.steps[0], plan.dataset.validation
    step.module.eval()
    with torch.no_grad():
        loss, outputs, _ = step.module(**{name: part[name] for name in step.fields})
    values: dict[str, float] = {"loss": loss.item()}
    for name, make in step.metrics.items():
        metric = make()
        metric.update(*outputs[name])
        value: Tensor = metric.compute()
        values[name] = value.item()
    return values


def by_train(plan: Plan) -> tuple[float, float]:
    """Train as `netbuilder train` does; samples per second of training and of the whole."""
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            plan, RunFolder.create(Path(folder) / "r", b"{}"), Control(), lambda event: None
        )
    assert result.status == "finished", result.error
    samples = len(next(iter(plan.dataset.train.values()))) * result.epochs
    return result.samples_per_second, samples / result.seconds


def measure(template: str, rounds: int, epochs: int) -> dict[str, Any]:
    """Ratios of `train` to the loop by hand; above 1 `train` is faster."""
    ratios: dict[str, list[float]] = {"samples": [], "whole": []}
    speeds: list[float] = []
    plan = make_plan(template, epochs)
    count = threads.choose(plan.steps, plan.dataset.train, plan.settings.batch_size)

    def fastest(evaluate: bool) -> float:
        """The loop by hand at whichever number of threads suits it better."""
        speeds = []
        for number in {1, torch.get_num_threads()}:
            with threads.using(number):
                speeds.append(by_hand(make_plan(template, epochs), evaluate=evaluate))
        return max(speeds)

    for round_ in range(rounds + 1):
        hand = fastest(evaluate=False)
        inner, whole = by_train(make_plan(template, epochs))
        hand_whole = fastest(evaluate=True)
        if round_:  # the first warms up
            ratios["samples"].append(inner / hand)
            ratios["whole"].append(whole / hand_whole)
            speeds.append(inner)
    return {
        **{name: round(statistics.median(values), 3) for name, values in ratios.items()},
        "worst": round(min(ratios["samples"]), 3),
        "samples_per_second": round(statistics.median(speeds)),
        "threads": count,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--templates", nargs="*", default=["digits_cnn", "digits_mlp"])
    arguments = parser.parse_args()
    epochs = {"digits_mlp": 60}
    found = {t: measure(t, arguments.rounds, epochs.get(t, 5)) for t in arguments.templates}
    print(json.dumps({"figure": "train_throughput", "at_least": 0.95, "ratios": found}))


if __name__ == "__main__":
    main()
