"""What checkpoints cost the training loop: one every 100 steps against none.

    python -m benchmarks.checkpoint [--steps N]

Prints, for a small network and one of 25 million weights, the median time of a step, what a
checkpoint adds to it over 100 steps as a part of a step, and of that what the loop waits for:
the copy in memory. The rest is written beside it, on a core that is free or not.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netbuilder.data.loading import Dataset, assemble
from netbuilder.data.sources import Field
from netbuilder.data.splits import split
from netbuilder.training import loop, randomness
from netbuilder.training.checkpointing import keeping
from netbuilder.training.control import Control
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.run import Run
from netbuilder.training.settings import read_step, read_training

EVERY = 100


class Regress(nn.Module):
    """A step as the compiler writes it."""

    def __init__(self, main: nn.Module) -> None:
        super().__init__()
        self.main = main

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, dict[str, Any], dict[str, Any]]:
        return nn.functional.mse_loss(self.main(x), y), {}, {}


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64))


def large() -> nn.Module:
    width = 2048
    layers: list[nn.Module] = [nn.Linear(64, width), nn.ReLU()]
    for _ in range(6):
        layers += [nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 64))


def data(samples: int = 6400) -> Dataset:
    random = np.random.default_rng(0)
    fields = (Field("x", (64,)), Field("y", (64,)))
    contents = {
        name: random.standard_normal((samples, 64)).astype(np.float32) for name in ("x", "y")
    }
    return assemble(fields, contents, split(samples, 0.0, 0.0, 0))


def plan(make: Callable[[], nn.Module], steps: int, every: int | None) -> Plan:
    randomness.seed_all(0)
    main = make()
    step = read_step({"updates": ["main"], "optimizer": {"kind": "AdamW", "lr": 1e-4}})
    settings = {
        "epochs": 10_000,
        "steps": steps,
        "batch_size": 64,
        "checkpoint_s": 1e9,
        "checkpoint_steps": every,
        "monitor": "train/loss",
        "device": "cpu",
    }
    made = StepPlan("train", Regress(main), ("x", "y"), ("main",), step)
    return Plan({"main": main}, (made,), data(), read_training(settings))


def times(
    make: Callable[[], nn.Module], steps: int, every: int | None, held: list[float]
) -> list[float]:
    """Seconds of each step, from one batch's booking to the next; `held` gets those of copying."""
    moments: list[float] = []
    original, save = Run.advance, keeping.save_beside

    def timed(run: Run) -> None:
        begin = time.perf_counter()
        save(run)
        held.append(time.perf_counter() - begin)

    def advance(run: Run, batch: Any) -> None:
        original(run, batch)
        moments.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder.create(Path(name) / "run", b"{}")
        Run.advance = advance  # type: ignore[method-assign,assignment]
        keeping.save_beside = timed
        try:
            loop.train(plan(make, steps, every), folder, Control(), lambda event: None)
        finally:
            Run.advance = original  # type: ignore[method-assign]
            keeping.save_beside = save
    return [after - before for before, after in itertools.pairwise(moments)]


def measure(make: Callable[[], nn.Module], steps: int, rounds: int) -> dict[str, float]:
    """Figures of several rounds, with and without taking turns."""
    without: list[float] = []
    added: list[float] = []
    held: list[float] = []
    weights = sum(p.numel() for p in make().parameters())
    for _ in range(rounds):
        plain = times(make, steps, None, held)
        kept = times(make, steps, EVERY, held)
        without += plain
        # Hundreds, so that each has one checkpoint and what it left to do beside the loop.
        added.append(_mean_of_hundreds(kept) - _mean_of_hundreds(plain))
    step = statistics.median(without)
    return {
        "weights": weights,
        "step_ms": step * 1e3,
        "checkpoint_ms": statistics.median(added) * EVERY * 1e3,
        "part_of_a_step": statistics.median(added) / step,
        "copied_ms": statistics.median(held) * 1e3,
        "copied_part_of_a_step": statistics.median(held) / EVERY / step,
    }


def _mean_of_hundreds(seconds: list[float]) -> float:
    """Of the means of 100 steps the median, so that a pause of the machine counts little."""
    stretches = [seconds[at : at + EVERY] for at in range(0, len(seconds) - EVERY + 1, EVERY)]
    return statistics.median(statistics.fmean(stretch) for stretch in stretches)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=2000, help="of the small network")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    answer = {
        "small": measure(small, options.steps, options.rounds),
        "large": measure(large, max(201, options.steps // 20), options.rounds),
    }
    print(json.dumps(answer, indent=1))


if __name__ == "__main__":
    main()
