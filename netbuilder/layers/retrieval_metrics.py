"""Metrics for search: how well results are ordered, for each query by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from netbuilder.layers.base import Complaint, Port, Size, Types
from netbuilder.layers.checks import cast, check_floating, check_rank, first_of
from netbuilder.layers.losses import check_same_shape
from netbuilder.layers.metrics import Metric

Empty = Literal["neg", "pos", "skip", "error"]
"""What a query without a right result counts: 0, 1, nothing, or it is an error."""
Ignored = Annotated[int, Field(ge=-(2**31), le=2**31)]


class _Retrieval(Metric):
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("preds", "The score of each result: N."),
        Port("target", "Whether it is right, as 0 or 1: N."),
        Port("indexes", "Which query it belongs to: N."),
    )

    empty_target_action: Empty = "neg"
    ignore_index: Ignored | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "preds"),
            check_rank(self, inputs, "preds", (1,), "N", missing_dim=None),
            *(self._integers(inputs, port) for port in ("target", "indexes")),
            *(check_same_shape(self, inputs, "preds", port) for port in ("target", "indexes")),
        )

    def _integers(self, inputs: Types, port: str) -> Iterator[Complaint]:
        tensor = inputs.get(port)
        if tensor is None or tensor.dtype == "int64" or (port, tensor.dtype) == ("target", "bool"):
            return
        yield Complaint(
            f"{self.title} expects whole numbers (int64) as {port}, gets {tensor.dtype}.",
            "Convert it to int64.",
            port,
            code="dtype.float" if tensor.floating else "dtype.mismatch",
            fixes=(cast(port, "int64"),),
        )


class _TopK(_Retrieval):
    top_k: Size | None = None

    def subtitle(self) -> str:
        return "" if self.top_k is None else f"top {self.top_k}"


class RetrievalMAP(_TopK):
    """Mean average precision: how far up the right results of a query are, in the mean.

    `indexes` says which query a result belongs to; `top_k` looks at the first ones only.
    """

    id = "torchmetrics.retrieval.RetrievalMAP"
    title = "RetrievalMAP"
    keywords = "search ranking information retrieval mean average precision"


class RetrievalMRR(_Retrieval):
    """Mean reciprocal rank: 1 if the first result is right, a half if the second is, and so on.

    `indexes` says which query a result belongs to.
    """

    id = "torchmetrics.retrieval.RetrievalMRR"
    title = "RetrievalMRR"
    keywords = "search ranking information retrieval mean reciprocal rank"


class RetrievalNormalizedDCG(_TopK):
    """How good the order of the results is, where the target says how good each one is.

    `indexes` says which query a result belongs to; `top_k` looks at the first ones only.
    """

    id = "torchmetrics.retrieval.RetrievalNormalizedDCG"
    title = "RetrievalNormalizedDCG"
    keywords = "search ranking information retrieval ndcg gain recommendation"


class RetrievalPrecision(_TopK):
    """Of the first `top_k` results of a query, the share that are right.

    `indexes` says which query a result belongs to. `adaptive_k`: with fewer results than
    `top_k`, their number counts.
    """

    id = "torchmetrics.retrieval.RetrievalPrecision"
    title = "RetrievalPrecision"
    keywords = "search ranking information retrieval precision at k"

    adaptive_k: bool = False


class RetrievalRecall(_TopK):
    """Of the right results of a query, the share that are among the first `top_k`.

    `indexes` says which query a result belongs to.
    """

    id = "torchmetrics.retrieval.RetrievalRecall"
    title = "RetrievalRecall"
    keywords = "search ranking information retrieval recall at k recommendation"


class RetrievalHitRate(_TopK):
    """The share of queries with a right result among the first `top_k`.

    `indexes` says which query a result belongs to.
    """

    id = "torchmetrics.retrieval.RetrievalHitRate"
    title = "RetrievalHitRate"
    keywords = "search ranking information retrieval hit at k recommendation"


class RetrievalFallOut(_TopK):
    """Of the wrong results of a query, the share that are among the first `top_k`: less is better.

    `indexes` says which query a result belongs to.
    """

    id = "torchmetrics.retrieval.RetrievalFallOut"
    title = "RetrievalFallOut"
    keywords = "search ranking information retrieval false positives"

    empty_target_action: Empty = "pos"


class RetrievalRPrecision(_Retrieval):
    """The precision of the first R results of a query that has R right ones.

    `indexes` says which query a result belongs to.
    """

    id = "torchmetrics.retrieval.RetrievalRPrecision"
    title = "RetrievalRPrecision"
    keywords = "search ranking information retrieval r-precision"
