"""Cases of `netbuilder.layers.losses`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, batch, shape, some

REDUCTIONS = ["mean", "sum", "none"]


def class_loss(smoothing: bool) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        classes = r.randint(2, 5)
        places = shape(r, 0, 2)
        params = some(
            r, weight=tuple(0.5 + i for i in range(classes)), ignore_index=0, reduction=REDUCTIONS
        )
        target = batch(*places, dtype="int64", high=classes)
        if smoothing:
            params |= some(r, label_smoothing=0.1)
            if r.random() < 0.25:
                params.pop("ignore_index", None)
                target = batch(classes, *places)
        return Case(params, {"input": batch(classes, *places), "target": target})

    return make


def number_loss(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        tensor = batch(*shape(r, 0, 2))
        params = some(r, reduction=REDUCTIONS, **choices)
        return Case(params, {"input": tensor, "target": tensor})

    return make


def binary_loss(r: Random) -> Case:
    labels = r.randint(1, 4)
    weights = tuple(0.5 + i for i in range(labels))
    params = some(r, reduction=REDUCTIONS, weight=weights, pos_weight=weights)
    return Case(params, {"input": batch(labels), "target": batch(labels)})


CASES: Mapping[str, Generator] = {
    "torch.nn.CrossEntropyLoss": class_loss(smoothing=True),
    "torch.nn.NLLLoss": class_loss(smoothing=False),
    "torch.nn.MSELoss": number_loss(),
    "torch.nn.L1Loss": number_loss(),
    "torch.nn.SmoothL1Loss": number_loss(beta=0.5),
    "torch.nn.BCEWithLogitsLoss": binary_loss,
}
