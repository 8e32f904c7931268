"""Trainings that several processes do together: run by one process, and as `python -m` by each.

Every process does all the cases one after the other, so that PyTorch is loaded but once.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.data.loading import Dataset
from netbuilder.data.sources import Field
from netbuilder.training import randomness
from netbuilder.training.control import Control
from netbuilder.training.loop import RunResult, train
from netbuilder.training.parallel import distributed, together
from netbuilder.training.parallel.distributed import ALONE, Group
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.settings import read_step, read_training
from tests.training import sharing, standins

# 60 samples, 48 to train on: batches of 7 are six and one of 6; no share equals the other.
SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 3, "checkpoint_s": 1e6}


def _plain() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def classifier(net: nn.Module | None = None, **settings: Any) -> Plan:
    """Accumulation, clipping and an average over batches that don't divide evenly."""
    randomness.seed_all(5)
    made = standins.plan(net=_plain() if net is None else net, **{**SIZE, **settings})
    step = read_step(
        {
            "updates": ["main"],
            "optimizer": {"kind": "AdamW", "lr": 0.02},
            "clip_norm": 0.5,
            "ema": 0.9,
        }
    )
    return replace(made, steps=(replace(made.steps[0], settings=step),))


class _Judge(nn.Module):
    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Any, Any]:
        made = self.generator(noise).detach()
        real, false = self.discriminator(x), self.discriminator(made)
        soft = nn.functional.softplus
        return (soft(-real) + soft(false)).mean(), {}, {}


class _Make(_Judge):
    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Any, Any]:
        odds = self.discriminator(self.generator(noise))
        return nn.functional.softplus(-odds).mean(), {}, {}


def adversarial(**settings: Any) -> Plan:
    """Two steps over two networks; the noise is a field, so that all have the same."""
    data = standins.dataset()
    chance = torch.Generator().manual_seed(3)

    def noisy(part: Any) -> dict[str, Tensor]:
        return {"x": part["x"], "noise": torch.randn(len(part["x"]), 3, generator=chance)}

    fields = (Field("x", (4,)), Field("noise", (3,)))
    made = Dataset(fields, noisy(data.train), noisy(data.validation), fingerprint="noise")
    randomness.seed_all(5)
    generator = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4))
    discriminator = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(), nn.Linear(8, 1))
    adam = {"kind": "Adam", "lr": 0.01, "betas": (0.5, 0.9)}
    steps = (
        StepPlan(
            "judge",
            _Judge(generator, discriminator),
            ("x", "noise"),
            ("discriminator",),
            read_step({"updates": ["discriminator"], "optimizer": adam}),
        ),
        StepPlan(
            "make",
            _Make(generator, discriminator),
            ("x", "noise"),
            ("generator",),
            read_step({"updates": ["generator"], "optimizer": adam, "every": 2, "ema": 0.9}),
        ),
    )
    training = {"threads": 1, "device": "cpu", "monitor": "val/make/loss", **SIZE, **settings}
    networks = {"generator": generator, "discriminator": discriminator}
    return Plan(networks, steps, made, read_training(training))


def frozen(**settings: Any) -> Plan:
    """The first layer keeps its weights."""
    made = classifier(**settings)
    part = {"part": "main.0", "frozen": True}
    values = made.steps[0].settings.model_dump(mode="json") | {"parts": [part]}
    return replace(made, steps=(replace(made.steps[0], settings=read_step(values)),))


def chancy(**settings: Any) -> Plan:
    """Dropout and running averages: each process has its own."""
    randomness.seed_all(6)
    return classifier(standins.network(), **{"batch_size": 8, **settings})


def spoilt(**settings: Any) -> Plan:
    """The fifth loss of the last process is not a number."""

    def spoil(number: int, loss: Tensor) -> Tensor:
        last = distributed.place()
        return loss * float("nan") if number == 4 and last and last.rank else loss

    return standins.plan(net=_plain(), spoil=spoil, **{**SIZE, **settings})


Make = Callable[[], Plan]
EQUAL: dict[str, Make] = {
    "classifier": classifier,
    "accumulating": lambda: classifier(accumulate=3),
    "a last batch of one": lambda: classifier(batch_size=16, epochs=2, balance="label"),
    "shared": lambda: sharing.shared(_plain(), **SIZE),
    "adversarial": adversarial,
    "adversarial, accumulating": lambda: adversarial(accumulate=2),
    "frozen": frozen,
    "sharded": lambda: classifier(parallel="fsdp", accumulate=2),
    "sharded adversarial": lambda: adversarial(parallel="fsdp", accumulate=2),
    "sharded frozen": lambda: frozen(parallel="fsdp"),
}
"""What several processes must train exactly like one, but for rounding."""
EXACT: dict[str, Make] = {
    "chancy": lambda: chancy(accumulate=4),
    "sharded chancy": lambda: chancy(parallel="fsdp", accumulate=4),
    "adversarial": lambda: adversarial(accumulate=2),
}
"""What goes on after a stop, bit for bit."""
STOP = 10


def do(
    made: Plan,
    path: Path,
    group: Group = ALONE,
    *,
    resume: bool = False,
    listen: Callable[[Event], None] = lambda event: None,
    control: Control | None = None,
) -> RunResult:
    """Train in a folder, together with the other processes."""
    if not resume and group.first:
        RunFolder.create(path, b"{}")
    return train(made, RunFolder(path), control or Control(), listen, resume=resume, group=group)


def result_of(made: Plan, result: RunResult) -> dict[str, Any]:
    """What is compared; not the weights of shards, which the checkpoint has."""
    return {
        "status": result.status,
        "error": result.error,
        "steps": result.steps,
        "metrics": result.metrics,
        "best": result.best,
        "warnings": list(result.warnings),
    }


def _stopping(made: Plan, step: int, control: Control) -> Plan:
    """Stops when its first step has seen so many batches."""
    seen = 0

    def count(module: nn.Module, arguments: Any) -> None:
        nonlocal seen
        seen += module.training
        if seen == step:
            control.stop()

    made.steps[0].module.register_forward_pre_hook(count)
    return made


def main(folder: Path) -> None:
    """Do all the cases as one of several processes; results go to RANK.json."""
    results: dict[str, Any] = {}
    together.MOST_STEPS = 1  # so that a stop comes at the batch at which it was asked for
    with distributed.joined() as group:
        place = distributed.place()
        assert place is not None
        for name, make in EQUAL.items():
            made = make()
            if not group.first:  # what the first process has is what counts
                for network in made.networks.values():
                    for parameter in network.parameters():
                        nn.init.normal_(parameter)
            heard: list[Event] = []
            result = do(made, folder / name, group, listen=heard.append)
            results[name] = result_of(made, result) | {"heard": len(heard)}
        for name, make in EXACT.items():
            whole = do(make(), folder / f"whole {name}", group)
            control, path = Control(), folder / f"parts {name}"
            first = do(_stopping(make(), STOP, control), path, group, control=control)
            results[f"first {name}"] = {"status": first.status, "steps": first.steps}
            rest = do(make(), path, group, resume=True)
            results[f"whole {name}"] = result_of(make(), whole)
            results[f"parts {name}"] = result_of(make(), rest)
        results["spoilt"] = result_of(spoilt(), do(spoilt(), folder / "spoilt", group))
        sharded = do(spoilt(parallel="fsdp"), folder / "sharded spoilt", group)
        results["sharded spoilt"] = result_of(spoilt(), sharded)
        (folder / f"{place.rank}.json").write_text(json.dumps(results))
    os._exit(0)


def free_port() -> int:
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return int(each.getsockname()[1])


def environments(count: int) -> Iterable[dict[str, str]]:
    """What torchrun would set for each of so many processes."""
    port = str(free_port())
    for rank in range(count):
        yield {
            **os.environ,
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(count),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
            "OMP_NUM_THREADS": "1",
        }


def start(command: list[str], count: int = 2) -> list[subprocess.Popen[bytes]]:
    """The processes of a group, each with its part of the environment."""
    return [
        subprocess.Popen(command, env=each, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for each in environments(count)
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
