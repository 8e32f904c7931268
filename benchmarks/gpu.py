"""Samples per second of `train` on a GPU against a hand-written, compiled loop on the same module.

Both train a convolutional network on pictures made by chance (3×32×32, 10 classes) that lie in the
GPU's memory, in bf16, channels last, compiled, with fused AdamW and batches of the same size. The
loop by hand does nothing but train: no metrics, no look at the loss, no checkpoint; ours also
evaluates 512 pictures after every epoch. Rounds alternate in one process; the figure is the
median of the ratios of neighbouring rounds. Prints one JSON line; without a GPU it says so and
ends with 0.

Needs no Qt: Python 3.11 or newer, torch 2.10 or newer, `pip install --no-deps .` and the few
libraries that training imports (numpy, networkx, pydantic, psutil, safetensors, torchmetrics,
scikit-learn, platformdirs, rich).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from netbuilder.data.loading import Dataset
from netbuilder.data.sources import Field
from netbuilder.training import loop, randomness
from netbuilder.training.control import Control
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.settings import read_step, read_training

AT_LEAST = 0.97
SHAPE, CLASSES = (3, 32, 32), 10


class Classify(nn.Module):
    """A training step as the compiler writes it."""

    def __init__(self, main: nn.Module) -> None:
        super().__init__()
        self.main = main

    def forward(self, image: Tensor, label: Tensor) -> tuple[Tensor, Any, Any]:
        return nn.functional.cross_entropy(self.main(image), label), {}, {}


def network(width: int) -> nn.Module:
    layers: list[nn.Module] = []
    channels = SHAPE[0]
    for depth in range(4):
        wide = width * 2**depth
        layers += [nn.Conv2d(channels, wide, 3, padding=1, bias=False), nn.BatchNorm2d(wide)]
        layers += [nn.ReLU(), nn.Conv2d(wide, wide, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(wide), nn.ReLU(), nn.MaxPool2d(2)]
        channels = wide
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * 4, CLASSES))


def data(samples: int) -> Dataset:
    chance = torch.Generator().manual_seed(0)
    image = torch.randn(samples, *SHAPE, generator=chance)
    label = torch.randint(CLASSES, (samples,), generator=chance)
    fields = (Field("image", SHAPE), Field("label", (), "int64", high=CLASSES))
    part = {"image": image, "label": label}
    validation = {name: tensor[:512] for name, tensor in part.items()}
    return Dataset(fields, part, validation, fingerprint="chance")


def plan(options: argparse.Namespace) -> Plan:
    randomness.seed_all(0)
    main = network(options.width)
    step = StepPlan(
        "train",
        Classify(main),
        ("image", "label"),
        ("main",),
        read_step({"updates": ["main"], "optimizer": {"kind": "AdamW", "lr": 0.001}}),
    )
    settings = {
        "epochs": options.epochs,
        "batch_size": options.batch,
        "device": options.device,
        "precision": "bf16",
        "compile": options.compile,
        "channels_last": True,
        "checkpoint_s": 1e6,
    }
    return Plan({"main": main}, (step,), data(options.samples), read_training(settings))


def by_train(options: argparse.Namespace) -> float:
    """Samples per second of training, without start, compilation and evaluation."""
    with tempfile.TemporaryDirectory() as folder:
        told: list[tuple[float, int]] = []

        def listen(event: Any) -> None:
            if event.event == "epoch":
                told.append((event.time, event.step))

        run = RunFolder.create(Path(folder) / "run", b"{}")
        result = loop.train(plan(options), run, Control(), listen)
        assert result.status == "finished", result.error
    # From the end of the first epoch, in which everything is compiled.
    seconds = told[-1][0] - told[0][0]
    return float(options.samples * (options.epochs - 1) / seconds)


def by_hand(options: argparse.Namespace) -> float:
    """As plainly and as fast as one would write it."""
    made = plan(options)
    device = torch.device(options.device)
    module = made.steps[0].module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    part = {name: tensor.to(device) for name, tensor in made.dataset.train.items()}
    part["image"] = part["image"].contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.001, fused=True)
    call = torch.compile(module) if options.compile else module
    start = 0.0
    for epoch in range(options.epochs):
        order = torch.randperm(options.samples, device=device)
        for chosen in torch.split(order, options.batch):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device.type, torch.bfloat16):
                loss = call(image=part["image"][chosen], label=part["label"][chosen])[0]
            loss.backward()
            optimizer.step()
        if epoch == 0:
            _wait(device)
            start = time.perf_counter()
    _wait(device)
    return float(options.samples * (options.epochs - 1) / (time.perf_counter() - start))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--no-compile", action="store_false", dest="compile")
    parser.add_argument(
        "--cpu", action="store_true", help="try the script itself, tiny, on the CPU"
    )
    options = parser.parse_args()
    options.device = "cuda"
    if options.cpu:
        options.device, options.samples, options.batch, options.width = "cpu", 128, 32, 4
        options.epochs, options.rounds = 2, 1
    elif not torch.cuda.is_available():
        print(json.dumps({"benchmark": "gpu", "skipped": "no GPU"}))
        return 0
    pairs = [(by_train(options), by_hand(options)) for _ in range(options.rounds)]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    device = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    answer = {
        "benchmark": "gpu",
        "device": device,
        "torch": torch.__version__,
        "samples_per_second": round(statistics.median(ours for ours, _ in pairs)),
        "by_hand": round(statistics.median(theirs for _, theirs in pairs)),
        "ratio": round(ratio, 3),
        "at_least": AT_LEAST,
    }
    print(json.dumps(answer))
    return 0 if options.cpu or ratio >= AT_LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
