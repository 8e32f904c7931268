"""Cases of `netbuilder.layers.retrieval_metrics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, batch, some


def retrieval(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        params = some(r, empty_target_action=["neg", "pos", "skip"], ignore_index=-1, **choices)
        if "adaptive_k" in params:
            params["top_k"] = 2
        flags = batch(dtype="int64", high=2)
        return Case(params, {"preds": batch(), "target": flags, "indexes": flags})

    return make


CASES: Mapping[str, Generator] = {
    "torchmetrics.retrieval.RetrievalMAP": retrieval(top_k=2),
    "torchmetrics.retrieval.RetrievalMRR": retrieval(),
    "torchmetrics.retrieval.RetrievalNormalizedDCG": retrieval(top_k=2),
    "torchmetrics.retrieval.RetrievalPrecision": retrieval(top_k=2, adaptive_k=True),
    "torchmetrics.retrieval.RetrievalRecall": retrieval(top_k=2),
    "torchmetrics.retrieval.RetrievalHitRate": retrieval(top_k=2),
    "torchmetrics.retrieval.RetrievalFallOut": retrieval(top_k=2),
    "torchmetrics.retrieval.RetrievalRPrecision": retrieval(),
}
