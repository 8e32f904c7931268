"""Cases of `netbuilder.layers.margins`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import torch

from tests.layers.cases.common import Case, Generator, batch, shape, some
from tests.layers.cases.losses import REDUCTIONS, binary_loss


def signs(numbers: Any) -> Any:
    return torch.where(numbers > 0, 1.0, -1.0)


def sign_loss(*ports: str, **choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        tensor = batch(*shape(r, 0, 1))
        params = some(r, reduction=REDUCTIONS, **choices)
        return Case(params, dict.fromkeys((*ports, "target"), tensor), {"target": signs})

    return make


def cosine(r: Random) -> Case:
    tensor = batch(r.randint(2, 5))
    inputs = {"input1": tensor, "input2": tensor, "target": batch()}
    return Case(some(r, margin=0.2, reduction=REDUCTIONS), inputs, {"target": signs})


def label_numbers(r: Random) -> Case:
    labels = r.randint(2, 5)
    inputs = {"input": batch(labels), "target": batch(labels, dtype="int64", high=labels)}
    return Case(some(r, reduction=REDUCTIONS), inputs, {"target": lambda t: ended(t)})


def ended(target: Any) -> Any:
    """The last place says that there are no more labels."""
    target[:, -1] = -1
    return target


def classes(r: Random) -> Case:
    count = r.randint(2, 5)
    weight = tuple(0.5 + i for i in range(count))
    params = some(r, p=2, margin=0.5, weight=weight, reduction=REDUCTIONS)
    return Case(params, {"input": batch(count), "target": batch(dtype="int64", high=count)})


def triplet(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        tensor = batch(*shape(r, 1, 2))
        params = some(r, margin=0.5, swap=True, reduction=REDUCTIONS, **choices)
        return Case(params, dict.fromkeys(("anchor", "positive", "negative"), tensor))

    return make


CASES: Mapping[str, Generator] = {
    "torch.nn.HingeEmbeddingLoss": sign_loss("input", margin=0.5),
    "torch.nn.SoftMarginLoss": sign_loss("input"),
    "torch.nn.MarginRankingLoss": sign_loss("input1", "input2", margin=0.5),
    "torch.nn.CosineEmbeddingLoss": cosine,
    "torch.nn.MultiLabelSoftMarginLoss": binary_loss("weight"),
    "torch.nn.MultiLabelMarginLoss": label_numbers,
    "torch.nn.MultiMarginLoss": classes,
    "torch.nn.TripletMarginLoss": triplet(p=1.0, eps=1e-4),
    "torch.nn.TripletMarginWithDistanceLoss": triplet(distance_function=["cosine", "manhattan"]),
}
