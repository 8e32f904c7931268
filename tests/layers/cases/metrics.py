"""Cases of `netbuilder.layers.metrics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, batch, shape, some


def accuracy(r: Random) -> Case:
    classes, places = r.randint(3, 5), shape(r, 0, 1)
    scores, target = batch(classes, *places), batch(*places, dtype="int64", high=classes)
    truth = batch(classes, dtype="int64", high=2)
    return r.choice(
        [
            Case(
                {"task": "multiclass", **some(r, top_k=2, average="macro", ignore_index=0)},
                {"preds": scores, "target": target},
            ),
            Case(
                {"task": "binary", **some(r, threshold=0.3)},
                {"preds": batch(), "target": batch(dtype="int64", high=2)},
            ),
            Case({"task": "multilabel"}, {"preds": batch(classes), "target": truth}),
        ]
    )


def numeric_metric(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        tensor = batch(*shape(r, 0, 1))
        return Case(some(r, **choices), {"preds": tensor, "target": tensor})

    return make


CASES: Mapping[str, Generator] = {
    "torchmetrics.Accuracy": accuracy,
    "torchmetrics.MeanAbsoluteError": numeric_metric(),
    "torchmetrics.MeanSquaredError": numeric_metric(squared=False),
}
