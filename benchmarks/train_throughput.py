"""Samples per second of `train` against the fastest hand-written loop on the same modules.

Both train the compiled steps of a template (an MLP, a CNN, an LSTM; a GAN has two steps) with the
same optimizers and in-memory batches of the same size; the loop by hand at whichever number of
threads is faster for it. It does nothing but train: no metrics, no look at the loss, no
evaluation. Rounds alternate in one process; the figure is the median of the ratios of
neighbouring rounds. Prints one JSON line.

`samples` counts the time of training; `whole` also what `train` does besides: evaluation of
the validation part after every epoch, against a loop that does that as well.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.plans import by_train, fastest, make_plan
from netbuilder.training import threads
from netbuilder.training.optimisation import optimizers, parts
from netbuilder.training.plan import Plan, StepPlan

EPOCHS = {"digits_mlp": 60, "digits_cnn": 5, "digits_lstm": 5, "gan_mlp": 15}
AT_LEAST = 0.97


def by_hand(plan: Plan, *, evaluate: bool) -> float:
    """Train as plainly as possible; samples per second."""
    settings, data = plan.settings, dict(plan.dataset.train)
    work: list[tuple[StepPlan, torch.optim.Optimizer]] = []
    for step in plan.steps:
        groups = parts.groups(plan.networks, step.updates, ())
        (optimizer,) = optimizers.make(step.settings.optimizer, groups)
        work.append((step, optimizer))
    count = len(next(iter(data.values())))
    start = time.perf_counter()
    for _ in range(settings.epochs):
        for step, _ in work:
            step.module.train()
        order = torch.randperm(count)
        columns = {name: torch.split(data[name][order], settings.batch_size) for name in data}
        for tensors in zip(*columns.values(), strict=True):
            batch = dict(zip(columns, tensors, strict=True))
            for step, optimizer in work:
                optimizer.zero_grad(set_to_none=True)
                loss = step.module(**{name: batch[name] for name in step.fields})[0]
                loss.backward()
                optimizer.step()
        if evaluate:
            _evaluate(plan)
    return count * settings.epochs / (time.perf_counter() - start)


def _evaluate(plan: Plan) -> dict[str, Any]:
    part = plan.dataset.validation
    values: dict[str, float] = {}
    for step in plan.steps:
        step.module.eval()
        with torch.no_grad():
            loss, outputs, _ = step.module(**{name: part[name] for name in step.fields})
        values[f"{step.name}/loss"] = loss.item()
        for name, make in step.metrics.items():
            metric = make()
            metric.update(*outputs[name])
            value: Tensor = metric.compute()
            values[f"{step.name}/{name}"] = value.item()
    return values


def measure(template: str, rounds: int, epochs: int) -> dict[str, Any]:
    """Ratios of `train` to the loop by hand; above 1 `train` is faster."""
    ratios: dict[str, list[float]] = {"samples": [], "whole": []}
    speeds: list[float] = []
    plan = make_plan(template, epochs=epochs)
    count = threads.choose(plan.steps, plan.dataset, plan.settings.batch_size)

    def hand(evaluate: bool) -> float:
        return fastest(lambda: by_hand(make_plan(template, epochs=epochs), evaluate=evaluate))

    for round_ in range(rounds + 1):
        plain = hand(evaluate=False)
        inner, whole = by_train(make_plan(template, epochs=epochs))
        plain_whole = hand(evaluate=True)
        if round_:  # the first warms up
            ratios["samples"].append(inner / plain)
            ratios["whole"].append(whole / plain_whole)
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
    parser.add_argument("--templates", nargs="*", default=list(EPOCHS))
    arguments = parser.parse_args()
    found = {t: measure(t, arguments.rounds, EPOCHS.get(t, 5)) for t in arguments.templates}
    ok = all(row["samples"] >= AT_LEAST for row in found.values())
    print(
        json.dumps({"figure": "train_throughput", "at_least": AT_LEAST, "ok": ok, "ratios": found})
    )


if __name__ == "__main__":
    main()
