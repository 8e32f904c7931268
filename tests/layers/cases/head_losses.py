"""Cases of `netbuilder.layers.head_losses`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import torch

from tests.layers.cases.common import Case, Generator, batch, shape, some
from tests.layers.cases.losses import REDUCTIONS


def linear_cross_entropy(r: Random) -> Case:
    classes, further = r.randint(2, 5), shape(r, 0, 1)
    params = some(r, bias=True, reduction=REDUCTIONS, label_smoothing=0.1)
    params |= some(r, weight=tuple(0.5 + i for i in range(classes)), ignore_index=0)
    if further or r.random() < 0.5:
        params["out_features"] = further
    inputs = {
        "input": batch(r.randint(1, 5)),
        "target": batch(*further, dtype="int64", high=classes),
    }
    # Class 0 may be ignored, and there must be something to learn from.
    return Case({"num_classes": classes, **params}, inputs, {"target": lambda t: t.clamp(min=1)})


def adaptive(r: Random) -> Case:
    cutoffs = r.choice([(3,), (2, 5)])
    params = some(r, div_value=2.0, head_bias=True)
    inputs = {"input_": batch(16), "target_": batch(dtype="int64", high=8)}
    # A sample for each cluster, so that all weights get a gradient.
    found = torch.tensor([0, *cutoffs, 7])

    def every(target: torch.Tensor) -> torch.Tensor:
        return found[torch.arange(len(target)) % len(found)]

    return Case({"n_classes": 8, "cutoffs": cutoffs, **params}, inputs, {"target_": every})


CASES: Mapping[str, Generator] = {
    "torch.nn.LinearCrossEntropyLoss": linear_cross_entropy,
    "torch.nn.AdaptiveLogSoftmaxWithLoss": adaptive,
}
