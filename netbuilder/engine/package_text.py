"""The texts of a package: what trains without netbuilder. Torch-free.

Values of a project get into code as literals alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netbuilder.engine.package_rates import rate
from netbuilder.training.settings import StepSettings


@dataclass(frozen=True, slots=True)
class NetworkText:
    """A network's name, its module, its class, and networks that it is given by argument."""

    name: str
    module: str
    kind: str
    given: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StepText:
    """A training step: its module and class, networks by argument, fields by keyword."""

    name: str
    module: str
    kind: str
    networks: Mapping[str, str]
    fields: Mapping[str, str]
    optimizer: str
    options: Mapping[str, Any]
    settings: StepSettings


def train_script(
    networks: list[NetworkText], steps: list[StepText], values: Mapping[str, Any]
) -> str:
    """`train.py`."""
    imports = [f"from {n.module} import {n.kind} as {_network(i)}" for i, n in enumerate(networks)]
    imports += [f"from {s.module} import {s.kind} as {_step(at)}" for at, s in enumerate(steps)]
    makes = []
    for at, network in enumerate(networks):
        given = ", ".join(f"{key}=networks[{name!r}]" for key, name in network.given.items())
        makes.append(f"    networks[{network.name!r}] = {_network(at)}({given})")
    entries = []
    for at, step in enumerate(steps):
        given = ", ".join(f"{key}=networks[{name!r}]" for key, name in step.networks.items())
        options = "".join(f", {key}={value!r}" for key, value in step.options.items())
        entries.append(
            f"""        Step(
            {step.name!r},
            {_step(at)}({given}),
            {dict(step.fields)!r},
            lambda weights: torch.optim.{step.optimizer}(weights{options}),
            weights_of(networks, {list(step.settings.updates)!r}),
            lambda epoch, epochs: {rate(step.name, step.settings)},
            every={step.settings.every!r},
            first={step.settings.first_epoch!r},
            last={step.settings.last_epoch!r},
            clip_norm={step.settings.clip_norm!r},
            clip_value={step.settings.clip_value!r},
        ),"""
        )
    constants = "\n".join(f"{key.upper()} = {value!r}" for key, value in values.items())
    return _SCRIPT.format(
        imports="\n".join(sorted(imports)),
        constants=constants,
        makes="\n".join(makes),
        steps="\n".join(entries),
    )


def _network(at: int) -> str:
    return f"Network{at + 1}"


def _step(at: int) -> str:
    return f"Step{at + 1}"


_SCRIPT = '''"""Trains what is beside this file; netbuilder is not needed.

    python train.py [--epochs N] [--device cuda]

The weights go to weights.safetensors, the losses to losses.json.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

{imports}

{constants}


class Step:
    """A training step: a module that gives a loss, and the optimizer of its weights."""

    def __init__(
        self,
        name,
        module,
        fields,
        optimizer,
        weights,
        rate,
        *,
        every,
        first,
        last,
        clip_norm,
        clip_value,
    ):
        self.name, self.module, self.fields, self.rate = name, module, fields, rate
        self.weights, self.every, self.first, self.last = weights, every, first, last
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.make = optimizer
        self.optimizer = None

    def runs_in(self, epoch):
        """Whether it runs in an epoch, counted from 0."""
        return self.first <= epoch + 1 and (self.last is None or epoch < self.last)

    def set_rate(self, epoch, epochs):
        """The learning rate at a moment of all epochs; its own ones count."""
        before = self.first - 1.0
        own = max(1.0, (epochs if self.last is None else min(epochs, self.last)) - before)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(min(max(0.0, epoch - before), own), own)

    def loss(self, batch):
        return self.module(**{{key: batch[field] for key, field in self.fields.items()}})[0]

    def train(self, batch):
        for weight in self.weights:
            weight.grad = None
        loss = self.loss(batch)
        if not math.isfinite(loss.item()):
            raise SystemExit(f"The loss of {{self.name}} became {{loss.item()}}.")
        loss.backward(inputs=self.weights)
        if self.clip_value is not None:
            torch.nn.utils.clip_grad_value_(self.weights, self.clip_value)
        if self.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.weights, self.clip_norm)
        self.optimizer.step()
        return loss.item()


def weights_of(networks, names):
    """The weights of these networks, each once."""
    found = {{id(p): p for name in names for p in networks[name].parameters()}}
    return [p for p in found.values() if p.requires_grad]


def make():
    """The networks by name, as they were when netbuilder began, and the steps."""
    networks = {{}}
{makes}
    start = load_file(HERE / "start.safetensors")
    for name, network in networks.items():
        prefix = name + "/"
        own = {{k.removeprefix(prefix): v for k, v in start.items() if k.startswith(prefix)}}
        network.load_state_dict(own)
    steps = [
{steps}
    ]
    return networks, steps


def batch_sizes(count):
    """All of BATCH_SIZE; a last one of a single sample joins the one before."""
    whole, rest = divmod(count, BATCH_SIZE)
    sizes = [BATCH_SIZE] * whole + ([rest] if rest else [])
    if rest == 1 and whole:
        sizes[-2:] = [BATCH_SIZE + 1]
    return sizes


def batches(data, epoch):
    """The samples in the order of an epoch, which follows from SEED and epoch alone."""
    count = len(next(iter(data.values())))
    word = np.random.SeedSequence([SEED, epoch]).generate_state(1)[0]
    order = torch.randperm(count, generator=torch.Generator().manual_seed(int(word)))
    for chosen in torch.split(order, batch_sizes(count)):
        yield {{name: tensor[chosen.to(tensor.device)] for name, tensor in data.items()}}


def evaluate(steps, data, shared):
    """The mean loss of each of these steps over the validation part."""
    totals = {{step.name: 0.0 for step in steps}}
    count = len(next(iter(data.values()))) if data else 0
    for step in steps:
        step.module.eval()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(SEED)
        for at in range(0, count, EVALUATION_BATCH_SIZE):
            batch = {{k: v[at : at + EVALUATION_BATCH_SIZE] for k, v in data.items()}}
            samples = len(next(iter(batch.values())))
            for step in steps:
                totals[step.name] += step.loss(batch | shared).item() * samples
    return {{name: total / count if count else math.nan for name, total in totals.items()}}


def main():
    parser = argparse.ArgumentParser(description="Train.")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.use_deterministic_algorithms(DETERMINISTIC)
    torch.manual_seed(SEED)
    parts = {{}}
    for name in ("train", "validation", "shared"):
        path = HERE / "data" / f"{{name}}.safetensors"
        found = load_file(path) if path.exists() else {{}}
        parts[name] = {{key: tensor.to(options.device) for key, tensor in found.items()}}
    networks, steps = make()
    for step in steps:
        step.module.to(options.device)
        step.optimizer = step.make(step.weights)
    torch.manual_seed(SEED)
    per_epoch = len(batch_sizes(len(next(iter(parts["train"].values())))))
    total = options.epochs * per_epoch
    if STEPS is not None:
        total = min(total, STEPS)
    length = max(1.0, total / per_epoch)
    history = [{{"epoch": 0, "validation": evaluate(steps, parts["validation"], parts["shared"])}}]
    print("start", history[0], flush=True)
    number = 0
    for epoch in range(options.epochs):
        for step in steps:
            step.module.train()
        running = [step for step in steps if step.runs_in(epoch)]
        sums, samples = {{step.name: 0.0 for step in running}}, 0
        for at, batch in enumerate(batches(parts["train"], epoch)):
            size = len(next(iter(batch.values())))
            for step in running:
                if number % step.every == 0:
                    step.set_rate(epoch + at / per_epoch, length)
                    sums[step.name] += step.train(batch | parts["shared"]) * size
            number, samples = number + 1, samples + size
            if number >= total:
                break
        losses = {{name: value / samples for name, value in sums.items()}}
        checked = evaluate(running, parts["validation"], parts["shared"])
        history.append({{"epoch": epoch + 1, "train": losses, "validation": checked}})
        print(history[-1], flush=True)
        if number >= total:
            break
    (HERE / "losses.json").write_text(json.dumps(history, indent=1) + "\\n")
    tensors = {{
        f"{{name}}/{{key}}": tensor.cpu().contiguous().clone()
        for name, network in networks.items()
        for key, tensor in network.state_dict().items()
    }}
    save_file(tensors, HERE / "weights.safetensors")


if __name__ == "__main__":
    main()
'''


def readme(title: str, networks: list[NetworkText], steps: list[StepText], notes: list[str]) -> str:
    """`README.md`."""
    plain = " ".join(title.split())[:200] or "A network"
    lines = [f"# {plain}", "", "PyTorch source written by netbuilder, which it does not need.", ""]
    lines += ["```", "pip install -r requirements.txt", "python train.py", "```", ""]
    lines += [f"- `{n.module}.py`: the network {n.name}, class `{n.kind}`" for n in networks]
    lines += [f"- `{s.module}.py`: the training step {s.name}, class `{s.kind}`" for s in steps]
    lines += [
        "- `train.py`: data in the order of the seed, losses, updates, evaluation",
        "- `data/`: the data as the networks see it, already split and normalised",
        "- `start.safetensors`: the weights that the training begins with",
    ]
    return "\n".join([*lines, *(["", *notes] if notes else []), ""])
