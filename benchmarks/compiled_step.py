"""Compiled networks against the same ones written by hand.

Forward pass and train step (loss, gradients, optimizer) of an MLP, a transformer of twelve
layers and a ResNet-50: the module that the compiler makes of the drawing, and a class as a
person would write it, with equal weights, batches and threads. Rounds alternate in one
process; a figure is the median of the ratios of neighbouring rounds, above 1 where the
compiled one is faster. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.drawn import Subject, subjects
from netbuilder.compiler.build import build_network


def seconds(work: Callable[[], object], times: int) -> float:
    """How long so many calls take."""
    start = time.perf_counter()
    for _ in range(times):
        work()
    return time.perf_counter() - start


def paired(compiled: Callable[[], object], by_hand: Callable[[], object], budget_s: float) -> float:
    """The median ratio of by hand to compiled over alternating rounds."""
    times = max(1, round(0.05 / max(seconds(compiled, 1), 1e-6)))
    ratios: list[float] = []
    end = time.perf_counter() + budget_s
    while time.perf_counter() < end or len(ratios) < 10:
        one = seconds(compiled, times)
        two = seconds(by_hand, times)
        again = seconds(compiled, times)
        # What slows the machine down for a while slows both sides down.
        ratios.append(2 * two / (one + again))
    return statistics.median(ratios[1:])


def trainer(network: nn.Module, subject: Subject) -> Callable[[], None]:
    """One training step as a loop runs it."""
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        logits = network(*subject.batch)
        loss = F.cross_entropy(logits.flatten(0, -2), subject.target.flatten())
        torch.autograd.backward(loss)
        optimizer.step()

    return step


def measured(subject: Subject, budget_s: float) -> dict[str, float]:
    compiled = build_network(subject.drawing.document, "main")
    by_hand = subject.by_hand()
    by_hand.load_state_dict(compiled.state_dict())
    with torch.no_grad():
        assert torch.equal(compiled.eval()(*subject.batch), by_hand.eval()(*subject.batch))
        forward = paired(
            lambda: compiled(*subject.batch), lambda: by_hand(*subject.batch), budget_s
        )
    compiled.train()
    by_hand.train()
    train = paired(trainer(compiled, subject), trainer(by_hand, subject), budget_s)
    return {"forward": round(forward, 3), "train_step": round(train, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="for each figure")
    budget_s = parser.parse_args().seconds
    torch.manual_seed(0)
    ratios = {subject.name: measured(subject, budget_s) for subject in subjects()}
    least = min(figure for figures in ratios.values() for figure in figures.values())
    line = {"figure": "compiled_step", "at_least": 0.97, "ratios": ratios, "ok": least >= 0.97}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
