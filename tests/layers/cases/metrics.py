"""Cases of `netbuilder.layers.metrics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import torch

from tests.layers.cases.common import Case, Generator, batch, shape, some


def numeric_metric(
    low: int = 0, high: int = 1, positive: bool = False, **choices: Any
) -> Callable[[Random], Case]:
    """Numbers with `low` to `high` dims after the batch."""

    def make(r: Random) -> Case:
        tensor = batch(*shape(r, low, high))
        values = {"preds": torch.exp, "target": torch.exp} if positive else {}
        return Case(some(r, **choices), {"preds": tensor, "target": tensor}, values)

    return make


def perplexity(r: Random) -> Case:
    steps, words = r.randint(1, 5), r.randint(2, 6)
    inputs = {"preds": batch(steps, words), "target": batch(steps, dtype="int64", high=words)}
    return Case(some(r, ignore_index=-100), inputs)


def images(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        tensor = batch(r.randint(1, 3), r.randint(12, 16), r.randint(12, 16))
        params = {"data_range": r.choice([1.0, 255.0]), **some(r, **choices)}
        values = {"preds": torch.sigmoid, "target": torch.sigmoid}
        return Case(params, {"preds": tensor, "target": tensor}, values)

    return make


COLUMNS: dict[str, Any] = {"multioutput": "variance_weighted"}

CASES: Mapping[str, Generator] = {
    "torchmetrics.MeanAbsoluteError": numeric_metric(),
    "torchmetrics.MeanSquaredError": numeric_metric(squared=False),
    "torchmetrics.MeanSquaredLogError": numeric_metric(positive=True),
    "torchmetrics.MeanAbsolutePercentageError": numeric_metric(),
    "torchmetrics.SymmetricMeanAbsolutePercentageError": numeric_metric(),
    "torchmetrics.WeightedMeanAbsolutePercentageError": numeric_metric(),
    "torchmetrics.R2Score": numeric_metric(adjusted=1, **COLUMNS),
    "torchmetrics.ExplainedVariance": numeric_metric(**COLUMNS),
    "torchmetrics.RelativeSquaredError": numeric_metric(0, 0, squared=False),
    "torchmetrics.PearsonCorrCoef": numeric_metric(0, 0),
    "torchmetrics.SpearmanCorrCoef": numeric_metric(0, 0),
    "torchmetrics.ConcordanceCorrCoef": numeric_metric(0, 0),
    "torchmetrics.CosineSimilarity": numeric_metric(1, 1, reduction="mean"),
    "torchmetrics.MeanMetric": lambda r: Case({}, {"value": batch(*shape(r, 0, 2))}),
    "torchmetrics.text.Perplexity": perplexity,
    "torchmetrics.image.PeakSignalNoiseRatio": images(base=2.0),
    "torchmetrics.image.StructuralSimilarityIndexMeasure": images(
        gaussian_kernel=False, sigma=1.0, kernel_size=7, k1=0.02, k2=0.05
    ),
}
