"""Cases of `netbuilder.layers.class_losses`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import torch

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, N, batch, shape, some
from tests.layers.cases.losses import REDUCTIONS, log_probabilities

T = symbol("T")


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


def ctc(r: Random) -> Case:
    classes = r.randint(3, 6)
    params = some(r, reduction=REDUCTIONS, zero_infinity=True, blank=classes - 1)
    inputs = {
        "log_probs": TensorType((T, N, classes)),
        "targets": batch(2, dtype="int64", high=classes - 1),
        "input_lengths": batch(dtype="int64", high=3),
        "target_lengths": batch(dtype="int64", high=3),
    }
    first = 0 if "blank" in params else 1
    values: dict[str, Callable[[Any], Any]] = {
        "log_probs": log_probabilities,
        "targets": lambda labels: labels.clamp(min=first),
        # Two equal labels need a blank between them: three steps.
        "input_lengths": lambda numbers: torch.full_like(numbers, 5),
        "target_lengths": lambda numbers: numbers.clamp(min=1),
    }
    return Case(params, inputs, values)


CASES: Mapping[str, Generator] = {
    "torch.nn.CrossEntropyLoss": class_loss(smoothing=True),
    "torch.nn.NLLLoss": class_loss(smoothing=False),
    "torch.nn.CTCLoss": ctc,
}
