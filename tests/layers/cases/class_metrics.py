"""Cases of `netbuilder.layers.class_metrics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import torch

from tests.layers.cases.common import Case, Generator, batch, shape, some

ALL = ("binary", "multiclass", "multilabel")
COUNTED: dict[str, Any] = {"threshold": 0.3, "average": ["macro", "weighted"], "ignore_index": 0}


def classes(tasks: tuple[str, ...] = ALL, top_k: bool = False, **choices: Any) -> Generator:
    """All tasks with these parameters; every class comes up, so that nothing is undefined."""

    def make(r: Random) -> Case:
        task, count = r.choice(tasks), r.randint(2, 3)
        params = {"task": task, **some(r, **choices)}
        if task == "binary":
            inputs = {"preds": batch(), "target": batch(dtype="int64", high=2)}
        elif task == "multilabel":
            inputs = {"preds": batch(count), "target": batch(count, dtype="int64", high=2)}
        else:
            places = shape(r, 0, r.choice([0, 0, 1]))
            scores, target = batch(count, *places), batch(*places, dtype="int64", high=count)
            inputs = {"preds": scores, "target": target}
            if top_k and not places:
                params |= some(r, top_k=[1, 2])
        return Case(params, inputs, {"target": every(count if task == "multiclass" else 2)})

    return make


def every(count: int) -> Callable[[Any], Any]:
    """Targets in which every class comes up, for every label."""

    def make(target: Any) -> Any:
        rows = torch.arange(len(target)).reshape(-1, *[1] * (target.dim() - 1))
        return (rows % count).expand(target.shape).clone()

    return make


CURVE: dict[str, Any] = {"thresholds": 50, "average": "weighted"}

CASES: Mapping[str, Generator] = {
    "torchmetrics.Accuracy": classes(top_k=True, **COUNTED),
    "torchmetrics.Precision": classes(top_k=True, **COUNTED),
    "torchmetrics.Recall": classes(top_k=True, **COUNTED),
    "torchmetrics.Specificity": classes(top_k=True, **COUNTED),
    "torchmetrics.HammingDistance": classes(top_k=True, **COUNTED),
    "torchmetrics.F1Score": classes(top_k=True, zero_division=1, **COUNTED),
    "torchmetrics.FBetaScore": classes(top_k=True, zero_division=1, beta=0.5, **COUNTED),
    "torchmetrics.JaccardIndex": classes(**COUNTED),
    "torchmetrics.MatthewsCorrCoef": classes(threshold=0.3, ignore_index=0),
    "torchmetrics.CohenKappa": classes(
        ALL[:2], threshold=0.3, ignore_index=-1, weights=["linear", "quadratic"]
    ),
    "torchmetrics.AUROC": classes(ignore_index=-1, **CURVE),
    "torchmetrics.AveragePrecision": classes(ignore_index=-1, **CURVE),
    "torchmetrics.CalibrationError": classes(ALL[:2], ignore_index=0, n_bins=5, norm=["l2", "max"]),
}
