"""What a trained network makes: the previews of a training step that chance feeds, drawn anew.

A generator has no question to answer. What one can do with it is what its step does for a preview:
noise through a network, a sampler that writes or paints. So the step's own graph is run with the
trained weights, another seed, and other values of its samplers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.compiler.roles import node_names
from netbuilder.data import tokens
from netbuilder.data.settings import read as read_data
from netbuilder.data.settings import source_of
from netbuilder.data.sources import Field, Source
from netbuilder.data.text_files import TextFiles
from netbuilder.engine import planning
from netbuilder.errors import NetbuilderError
from netbuilder.graph import edits, topology
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node
from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer, Role
from netbuilder.layers.noise import Noise
from netbuilder.storage import files
from netbuilder.training.checkpointing import checkpoints
from netbuilder.training.observing import previews
from netbuilder.training.own_chance import OwnChance
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.records.folder import RunFolder

KNOBS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "netbuilder.TextSampler": {"length": (1, 500), "temperature": (0.0, 2.0), "top_k": (0, 100)},
    "netbuilder.DiffusionSampler": {"jumps": (0, 1000), "eta": (0.0, 1.0)},
}
"""What of a sampler one turns, with the range that makes sense."""
NOISE = Noise.id
CHANCE = frozenset({*KNOBS, NOISE})
"""Layers that make something of chance, for a preview that shows it."""
DIRECTIONS = 4
"""Numbers of a latent vector that one shifts by hand."""


@dataclass(frozen=True, slots=True)
class Knob:
    """What one turns: a parameter of a sampler, or the noise that a node draws.

    Noise has `spread`, which it is multiplied by, and, if it is a vector, `z1` to `z4`, which are
    added to its first numbers in every sample.
    """

    node: Node
    parameter: str
    value: float
    low: float
    high: float
    whole: bool = False

    def to_json(self) -> dict[str, Any]:
        """What a slider needs."""
        return {
            "node": self.node.name,
            "parameter": self.parameter,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "whole": self.whole,
        }


@dataclass(frozen=True, slots=True)
class Generator:
    """A preview of a step that shows something new whenever it is asked."""

    step: Graph
    preview: Node
    nodes: tuple[Node, ...]
    """What it is made by, samplers among them."""

    @property
    def prompt(self) -> str:
        """The data field of texts that a sampler begins with; empty without one."""
        writes = any(node.layer == "netbuilder.TextSampler" for node in self.nodes)
        names = [
            str(node.params.get("field", "")) for node in self.nodes if _role(node) is Role.DATA
        ]
        return names[0] if writes and names else ""

    def knobs(self) -> Iterator[Knob]:
        """What can be turned, in the order of nodes."""
        for node in self.nodes:
            layer = catalogue.read(node)
            for name, (low, high) in KNOBS.get(node.layer, {}).items():
                value = getattr(layer, name)
                most = max(min(high, getattr(layer, "steps", high)), value)
                yield Knob(node, name, value, low, most, isinstance(value, int))
            if isinstance(layer, Noise) and layer.distribution == "normal":
                yield Knob(node, "spread", 1.0, 0.0, 2.0)
                wide = layer.shape[0] if len(layer.shape) == 1 else 0
                for number in range(min(DIRECTIONS, wide)):
                    yield Knob(node, f"z{number + 1}", 0.0, -4.0, 4.0)

    def to_json(self) -> dict[str, Any]:
        """What a window needs to offer it."""
        return {
            "step": self.step.name,
            "preview": self.preview.name,
            "prompt": self.prompt,
            "knobs": [knob.to_json() for knob in self.knobs()],
        }


def generators(document: Document) -> list[Generator]:
    """All of a project, in the order of steps and nodes."""
    found = []
    for step in document.of_kind("step"):
        for node in step.ordered():
            if _role(node) is Role.PREVIEW:
                before = topology.ancestors(step, [node.id])
                nodes = tuple(each for each in step.ordered() if each.id in before)
                if any(each.layer in CHANCE for each in nodes):
                    found.append(Generator(step, node, nodes))
    return found


def generate(run: Path, wish: Mapping[str, Any]) -> dict[str, Any]:
    """One preview as `training.previews.show` gives it, of a run's best weights.

    `wish`: `step` and `preview` (the first generator without), `seed`, `knobs`
    ({node: {parameter: value}}) and `prompt`, a text to go on with. The same wish gives the same.
    `NetbuilderError` if nothing of the project is made by chance.
    """
    document = files.load(RunFolder.open(run).project_path)
    chosen = _chosen(generators(document), wish)
    values = _turned(chosen, wish)
    _set(document, chosen, values)
    plan = planning.make(document, beside=True)
    checkpoint, _ = RunFolder.open(run).read_checkpoint("best", "last")
    checkpoints.load_networks(checkpoint, plan.networks)
    step = next(each for each in plan.steps if each.name == chosen.step.name)
    _shift(step.module, chosen, values)
    batch = _batch(plan, previews.SAMPLES)
    if chosen.prompt and wish.get("prompt"):
        source = source_of(read_data(document.project.data))
        field = next(f for f in plan.dataset.fields if f.name == chosen.prompt)
        ids = _prompt(source, field, str(wish["prompt"]))
        if any(node.layer == "netbuilder.NextToken" for node in chosen.nodes):
            # The last one is what is foretold: no part of what a sampler sees.
            ids = torch.cat((ids, ids[:, -1:]), 1)
        batch[chosen.prompt] = ids
    return _show(step, plan, chosen.preview.name, batch, int(wish.get("seed", 0)) % 2**63)


def _chosen(all: list[Generator], wish: Mapping[str, Any]) -> Generator:
    if not all:
        raise NetbuilderError(
            "No preview of this project is made by chance.",
            "Add a sampler or a network fed with noise to a training step, and a Preview of it.",
        )
    for each in all:
        if wish.get("step") in (None, each.step.name) and wish.get("preview") in (
            None,
            each.preview.name,
        ):
            return each
    known = ", ".join(f"{each.step.name}/{each.preview.name}" for each in all)
    raise NetbuilderError("There is no such preview.", f"There are: {known}.")


def _turned(chosen: Generator, wish: Mapping[str, Any]) -> list[tuple[Knob, float]]:
    """What is asked for, in the order of knobs; `NetbuilderError` for what is none, or too far."""
    known = {(knob.node.name, knob.parameter): knob for knob in chosen.knobs()}
    values: dict[tuple[str, str], float] = {}
    for title, turned in (wish.get("knobs") or {}).items():
        for name, value in turned.items():
            knob = known.get((title, name))
            if knob is None:
                listed = ", ".join(f"{node}.{each}" for node, each in known) or "none"
                message = f"There is no '{title}.{name}' to turn."
                raise NetbuilderError(message, f"There are: {listed}.")
            if not isinstance(value, int | float) or not knob.low <= value <= knob.high:
                raise NetbuilderError(
                    f"'{title}.{name}' can't be {value}.",
                    f"It goes from {knob.low:g} to {knob.high:g}.",
                )
            values[title, name] = int(value) if knob.whole else float(value)
    return [(knob, values[at]) for at, knob in known.items() if at in values]


def _set(document: Document, chosen: Generator, values: Iterable[tuple[Knob, float]]) -> None:
    history = History(document)
    for knob, value in values:
        if knob.node.layer != NOISE:
            edits.set_parameters(history, chosen.step, [knob.node.id], {knob.parameter: value})


def _shift(module: nn.Module, chosen: Generator, values: Iterable[tuple[Knob, float]]) -> None:
    """Let the noise of a step's module be spread and shifted as asked for."""
    names = node_names(chosen.step)
    for knob, value in values:
        if knob.node.layer == NOISE:
            part = getattr(module, names[knob.node.id])
            part.register_forward_hook(partial(_shifted, knob.parameter, value))


def _shifted(what: str, value: float, module: nn.Module, given: Any, noise: Tensor) -> Tensor:
    if what == "spread":
        return noise * value
    number = int(what[1:]) - 1
    return noise.index_add(1, torch.tensor([number]), torch.full_like(noise[:, :1], value))


def _batch(plan: Plan, count: int) -> dict[str, Tensor]:
    data = plan.dataset
    part = data.validation if len(next(iter(data.validation.values()), ())) else data.train
    return {name: tensor[:count] for name, tensor in part.items()}


def _prompt(source: Source, field: Field, text: str) -> Tensor:
    """A text as ids: a batch of one."""
    if isinstance(source, TextFiles):
        ids = [int(id) for id in tokens.encoder(source)(text)]
    else:
        numbers = {letter: number for number, letter in enumerate(field.classes)}
        ids = [numbers[letter] for letter in text if letter in numbers]
    if not ids:
        raise NetbuilderError("The network knows no letter of this text.", "Write something else.")
    return torch.tensor([ids])


def _show(
    step: StepPlan, plan: Plan, name: str, batch: Mapping[str, Tensor], seed: int
) -> dict[str, Any]:
    step.module.eval()
    asked = {"previews": True} if step.asks else {}
    with OwnChance(seed), torch.no_grad():
        _, _, values = step.module(**step.arguments(batch, plan.dataset.shared), **asked)
    return previews.show(values[name], step.previews[name], plan.dataset.fields, batch)


def _role(node: Node) -> Role | None:
    layer = catalogue.read(node)
    return layer.role if isinstance(layer, Layer) else None
