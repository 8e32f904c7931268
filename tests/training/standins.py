"""Networks, steps and data for the tests of training, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchmetrics
from torch import Tensor, nn

from netbuilder.data.loading import Dataset, assemble
from netbuilder.data.sources import Field
from netbuilder.data.splits import split
from netbuilder.training import randomness
from netbuilder.training.control import Control
from netbuilder.training.loop import RunResult, train
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.settings import read_step, read_training

CLASSES = 3
Losses = list[float]


class Classify(nn.Module):
    """A training step as the compiler writes it; it notes every training loss.

    `spoil` may change a loss by its number.
    """

    def __init__(
        self, main: nn.Module, spoil: Callable[[int, Tensor], Tensor] | None = None
    ) -> None:
        super().__init__()
        self.main = main
        self.losses: Losses = []
        self.calls = 0
        self._spoil = spoil

    def forward(self, x: Tensor, label: Tensor) -> tuple[Tensor, Any, Any]:
        logits = self.main(x)
        loss = nn.functional.cross_entropy(logits, label)
        if self.training:
            if self._spoil is not None:
                loss = self._spoil(self.calls, loss)
            self.calls += 1
            self.losses.append(loss.item())
        return loss, {"accuracy": (logits, label)}, {"shown": (logits, label)}


def accuracy() -> Any:
    return torchmetrics.Accuracy(task="multiclass", num_classes=CLASSES)


def network() -> nn.Sequential:
    """Small, with everything that makes resuming hard: running averages and dropout."""
    return nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, CLASSES)
    )


def dataset(count: int = 60, validation: float = 0.2) -> Dataset:
    """Three classes that a small network can tell apart, but not at once."""
    random = np.random.default_rng(7)
    label = np.arange(count) % CLASSES
    x = random.standard_normal((count, 4)).astype(np.float32)
    x[:, 0] += label
    fields = (
        Field("x", (4,)),
        Field("label", (), "int64", high=CLASSES, classes=("a", "b", "c")),
    )
    contents: dict[str, np.ndarray[Any, np.dtype[Any]]] = {"x": x, "label": label.astype(np.int64)}
    return assemble(fields, contents, split(count, validation, 0.0, 0, label))


def plan(
    *,
    optimizer: Mapping[str, Any] | None = None,
    schedule: Mapping[str, Any] | None = None,
    net: nn.Module | None = None,
    data: Dataset | None = None,
    spoil: Callable[[int, Tensor], Tensor] | None = None,
    make: Callable[[], nn.Module] = network,
    step: Mapping[str, Any] | None = None,
    **training: Any,
) -> Plan:
    """One step over one network; the same weights each time. `step` has further settings of it."""
    randomness.seed_all(5)
    main = make() if net is None else net
    settings = {"epochs": 4, "batch_size": 16, "threads": 1, "device": "cpu", **training}
    values = {
        "updates": ["main"],
        "optimizer": optimizer or {"kind": "AdamW", "lr": 0.02},
        "schedule": schedule or {"kind": "none"},
        **(step or {}),
    }
    step_plan = StepPlan(
        "train",
        Classify(main, spoil),
        ("x", "label"),
        ("main",),
        read_step(values),
        {"accuracy": accuracy},
        {"shown": "auto"},
    )
    return Plan(
        {"main": main}, (step_plan,), dataset() if data is None else data, read_training(settings)
    )


class Heard(list[Event]):
    """A listener that keeps what it hears and may act on it."""

    def __init__(self, act: Callable[[Event], None] | None = None) -> None:
        super().__init__()
        self._act = act

    def __call__(self, event: Event) -> None:
        self.append(event)
        if self._act is not None:
            self._act(event)

    def of(self, kind: str) -> list[Event]:
        return [event for event in self if event.event == kind]


def losses(made: Plan) -> Losses:
    module = made.steps[0].module
    assert isinstance(module, Classify)
    return module.losses


def weights(made: Plan) -> dict[str, Tensor]:
    state = made.networks["main"].state_dict()
    return {name: tensor.clone() for name, tensor in state.items()}


def same(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


def run(
    made: Plan,
    path: Path,
    *,
    control: Control | None = None,
    listen: Callable[[Event], None] | None = None,
    resume: bool = False,
) -> RunResult:
    """Train in a folder, a new one unless `resume`."""
    folder = RunFolder.open(path) if resume else RunFolder.create(path, b"{}")
    heard = Heard() if listen is None else listen
    return train(made, folder, control or Control(), heard, resume=resume)
