"""The compiled digits_cnn against the same network written by hand.

Forward pass and train step (loss, gradients, optimizer) of the network that the compiler
makes and of a class as a person would write it, with equal weights, batches and threads.
Rounds alternate in one process; a figure is the median of the ratios of neighbouring rounds,
above 1 where the compiled one is faster. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from netbuilder.compiler.build import build_network, build_step
from netbuilder.data.settings import field_types
from netbuilder.storage.files import load
from netbuilder.training import optimizers
from netbuilder.training.settings import read_step

TEMPLATE = Path(__file__).parent.parent / "templates" / "digits_cnn.netb"
BATCH = 64


class ByHand(nn.Module):
    """digits_cnn as a person would write it; its attributes have the template's names."""

    def __init__(self, like: nn.Module) -> None:
        super().__init__()
        self.conv1 = _same(like, "conv1", nn.Conv2d)
        self.norm1 = _same(like, "norm1", nn.BatchNorm2d)
        self.conv2 = _same(like, "conv2", nn.Conv2d)
        self.norm2 = _same(like, "norm2", nn.BatchNorm2d)
        self.pool = nn.MaxPool2d(2)
        self.dropout = _same(like, "dropout", nn.Dropout)
        self.classifier = _same(like, "classifier", nn.Linear)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.relu(self.norm2(self.conv2(x)))
        x = self.dropout(self.pool(x).flatten(1))
        logits: Tensor = self.classifier(x)
        return logits


def _same(like: nn.Module, name: str, kind: type[nn.Module]) -> nn.Module:
    """A fresh layer with the sizes of the template's, whatever they are tuned to."""
    theirs = like.get_submodule(name)
    assert type(theirs) is kind, f"digits_cnn was changed: {name} is {type(theirs).__name__}"
    match theirs:
        case nn.Conv2d():
            pair = theirs.in_channels, theirs.out_channels
            return nn.Conv2d(*pair, 3, padding=theirs.padding[0])
        case nn.BatchNorm2d():
            return nn.BatchNorm2d(theirs.num_features)
        case nn.Dropout():
            return nn.Dropout(theirs.p)
        case nn.Linear():
            return nn.Linear(theirs.in_features, theirs.out_features)
    raise AssertionError(name)


def seconds(work: Callable[[], object], times: int) -> float:
    """How long so many calls take."""
    start = time.perf_counter()
    for _ in range(times):
        work()
    return time.perf_counter() - start


def paired(compiled: Callable[[], object], by_hand: Callable[[], object], rounds: int) -> float:
    """The median ratio of by hand to compiled over alternating rounds."""
    ratios = []
    for number in range(rounds + 1):
        first, second = (compiled, by_hand) if number % 2 else (by_hand, compiled)
        one, two = seconds(first, 10), seconds(second, 10)
        if number:
            ratios.append(two / one if first is compiled else one / two)
    return statistics.median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    torch.manual_seed(0)
    document = load(TEMPLATE)
    main_network = build_network(document, "main")
    graph = document.of_kind("step")[0]
    types = field_types(document.project.data)
    step = build_step(document, graph.name, types, {"main": main_network}).module
    hand = ByHand(main_network)
    hand.load_state_dict(main_network.state_dict())
    image, label = torch.rand(BATCH, 1, 8, 8), torch.randint(0, 10, (BATCH,))
    with torch.no_grad():
        assert torch.equal(main_network.eval()(image), hand.eval()(image))
    main_network.train()
    hand.train()
    settings = read_step(graph.info.settings).optimizer
    optimizer_c = optimizers.make(settings, main_network.parameters())
    optimizer_h = optimizers.make(settings, hand.parameters())

    def train_compiled() -> None:
        optimizer_c.zero_grad()
        loss: Tensor = step(image=image, label=label)[0]
        torch.autograd.backward(loss)
        optimizer_c.step()

    def train_by_hand() -> None:
        optimizer_h.zero_grad()
        torch.autograd.backward(F.cross_entropy(hand(image), label))
        optimizer_h.step()

    with torch.no_grad():
        forward = paired(lambda: main_network(image), lambda: hand(image), rounds)
    train = paired(train_compiled, train_by_hand, rounds)
    ratios = {"forward": round(forward, 3), "train_step": round(train, 3)}
    print(json.dumps({"figure": "compiled_step", "at_least": 0.97, "ratios": ratios}))


if __name__ == "__main__":
    main()
