"""Cases of `netbuilder.layers.losses`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import torch

from tests.layers.cases.common import Case, Generator, batch, shape, some

REDUCTIONS = ["mean", "sum", "none"]


def number_loss(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        tensor = batch(*shape(r, 0, 2))
        params = some(r, reduction=REDUCTIONS, **choices)
        return Case(params, {"input": tensor, "target": tensor})

    return make


def binary_loss(*weighted: str, probabilities: bool = False) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        labels = r.randint(1, 4)
        weights = tuple(0.5 + i for i in range(labels))
        params = some(r, reduction=REDUCTIONS, **dict.fromkeys(weighted, weights))
        values = {"target": torch.sigmoid}
        if probabilities:
            values["input"] = torch.sigmoid
        return Case(params, {"input": batch(labels), "target": batch(labels)}, values)

    return make


def kl_div(r: Random) -> Case:
    tensor = batch(*shape(r, 1, 2))
    logarithms = r.random() < 0.5
    params = some(r, reduction=[*REDUCTIONS, "batchmean"])
    values = {"input": log_probabilities, "target": log_probabilities if logarithms else softmax}
    inputs = {"input": tensor, "target": tensor}
    return Case({**params, **({"log_target": True} if logarithms else {})}, inputs, values)


def log_probabilities(numbers: Any) -> Any:
    return numbers.log_softmax(-1)


def softmax(numbers: Any) -> Any:
    return numbers.softmax(-1)


def poisson(r: Random) -> Case:
    tensor = batch(*shape(r, 0, 2))
    params = some(r, reduction=REDUCTIONS, full=True, eps=1e-4, log_input=False)
    return Case(
        params,
        {"log_input": tensor, "target": tensor},
        {"log_input": torch.sigmoid, "target": torch.exp},
    )


def gaussian(r: Random) -> Case:
    tensor = batch(*shape(r, 0, 2))
    params = some(r, reduction=REDUCTIONS, full=True, eps=1e-4)
    inputs = dict.fromkeys(("input", "target", "var"), tensor)
    return Case(params, inputs, {"var": torch.exp})


CASES: Mapping[str, Generator] = {
    "torch.nn.MSELoss": number_loss(),
    "torch.nn.L1Loss": number_loss(),
    "torch.nn.SmoothL1Loss": number_loss(beta=0.5),
    "torch.nn.HuberLoss": number_loss(delta=0.5),
    "torch.nn.BCEWithLogitsLoss": binary_loss("weight", "pos_weight"),
    "torch.nn.BCELoss": binary_loss("weight", probabilities=True),
    "torch.nn.KLDivLoss": kl_div,
    "torch.nn.PoissonNLLLoss": poisson,
    "torch.nn.GaussianNLLLoss": gaussian,
}
