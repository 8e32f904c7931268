"""Losses with a margin: right and wrong are to be this far apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from netbuilder.errors import Fix
from netbuilder.layers import code
from netbuilder.layers.base import Complaint, Numbers, Port, Positive, Real, Types
from netbuilder.layers.checks import (
    cast,
    check_floating,
    check_rank,
    check_same_dtype,
    differ,
    first_of,
    insert,
)
from netbuilder.layers.class_losses import ClassLoss
from netbuilder.layers.losses import (
    Loss,
    NumberLoss,
    Reduction,
    YesNoLoss,
    check_same_shape,
)

# -- targets of -1 and 1 -------------------------------------------------------------------------


class _SignLoss(NumberLoss):
    """Losses whose target is 1 or -1."""

    def _classes(self) -> Iterator[Complaint]:
        yield Complaint(
            f"{self.title} takes -1 and 1 as float32, gets class numbers.",
            "Convert the target, and make -1 of its zeros: 2·target - 1.",
            "target",
            code="dtype.integer",
            fixes=(cast("target", "float32"),),
        )


class HingeEmbeddingLoss(_SignLoss):
    """For pairs by their distance: small for those alike (1), above `margin` for others (-1).

    `input` are distances, `target` 1 or -1 as float32, of the same shape.
    """

    id = "torch.nn.HingeEmbeddingLoss"
    title = "HingeEmbeddingLoss"
    keywords = "similarity metric siamese contrastive semi-supervised"

    margin: Real = 1.0
    reduction: Reduction = "mean"


class SoftMarginLoss(_SignLoss):
    """For yes (1) or no (-1): the logistic loss of scores, log(1 + exp(-target·input)).

    `input` are scores, `target` 1 or -1 as float32, of the same shape. For zeros and ones
    use BCEWithLogitsLoss.
    """

    id = "torch.nn.SoftMarginLoss"
    title = "SoftMarginLoss"
    keywords = "logistic binary classification"

    reduction: Reduction = "mean"


class MarginRankingLoss(_SignLoss):
    """For order: `input1` is to be more than `input2` by `margin` where `target` is 1.

    Where `target` is -1, it is to be less. All three have the same shape.
    """

    id = "torch.nn.MarginRankingLoss"
    title = "MarginRankingLoss"
    keywords = "ranking order preference pairs learning to rank"
    inputs = (
        Port("input1", "The scores of the first ones."),
        Port("input2", "The scores of the second ones."),
        Port("target", "1 where the first is to be more, else -1."),
    )
    compared = ("input1", "input2", "target")

    margin: Real = 0.0
    reduction: Reduction = "mean"


class CosineEmbeddingLoss(_SignLoss):
    """For pairs of vectors: the same direction where `target` is 1, apart where it is -1.

    `input1` and `input2` are N×features, `target` has one number for each pair. `margin`:
    the cosine that others may have.
    """

    id = "torch.nn.CosineEmbeddingLoss"
    title = "CosineEmbeddingLoss"
    keywords = "similarity siamese metric pairs angle contrastive"
    inputs = (
        Port("input1", "The vectors of the first ones."),
        Port("input2", "The vectors of the second ones."),
        Port("target", "1 for those alike, -1 for others: N."),
    )
    compared = ("input1", "input2")

    margin: Real = 0.0
    reduction: Reduction = "mean"

    def _more(self, inputs: Types) -> Iterator[Complaint]:
        vectors, target = inputs.get("input1"), inputs.get("target")
        return first_of(
            check_rank(self, inputs, "input1", (1, 2), "N×features"),
            check_floating(self, inputs, "target"),
            self._pairs(inputs) if vectors is not None and target is not None else (),
        )

    def _pairs(self, inputs: Types) -> Iterator[Complaint]:
        vectors, target = inputs["input1"], inputs["target"]
        wanted = vectors.shape[:-1]
        if target.rank != len(wanted) or any(map(differ, target.shape, wanted)):
            fixes: tuple[Fix, ...] = ()
            if target.rank == len(wanted) + 1 and target.shape[-1] == 1:
                fixes = (insert("Remove the last dim", "target", "torch.squeeze", dim=-1),)
            yield Complaint(
                f"CosineEmbeddingLoss gets pairs {vectors} with a target {target}.",
                "The target has one number for each pair: N.",
                "target",
                fixes=fixes,
            )


# -- several labels ------------------------------------------------------------------------------


class MultiLabelSoftMarginLoss(YesNoLoss):
    """For several labels at once: BCEWithLogitsLoss, with the mean over the labels.

    `input` are scores N×labels (no sigmoid), `target` zeros and ones as float32. `weight`
    has a number for each label.
    """

    id = "torch.nn.MultiLabelSoftMarginLoss"
    title = "MultiLabelSoftMarginLoss"
    keywords = "multilabel tags binary cross entropy sigmoid"
    tensors = ("weight",)

    weight: Numbers | None = None
    reduction: Reduction = "mean"


class MultiLabelMarginLoss(Loss):
    """For several labels at once: the right ones are to score higher than the others by 1.

    `input` are scores N×labels; `target` has the numbers of the right labels, N×labels
    too, filled up with -1.
    """

    id = "torch.nn.MultiLabelMarginLoss"
    title = "MultiLabelMarginLoss"
    keywords = "multilabel tags hinge svm"

    reduction: Reduction = "mean"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "input"),
            check_rank(self, inputs, "input", (1, 2), "N×labels"),
            self._numbers(inputs),
            check_same_shape(self, inputs, "input", "target"),
        )

    def _numbers(self, inputs: Types) -> Iterator[Complaint]:
        target = inputs.get("target")
        if target is not None and target.dtype != "int64":
            hint = "Convert it to int64."
            if target.floating:
                hint = "For zeros and ones use MultiLabelSoftMarginLoss."
            yield Complaint(
                f"{self.title} expects label numbers (int64) as target, gets {target.dtype}.",
                hint,
                "target",
                code="dtype.float" if target.floating else "dtype.mismatch",
                fixes=() if target.floating else (cast("target", "int64"),),
            )


class MultiMarginLoss(ClassLoss):
    """For classes: the right one is to score higher than all others by `margin`.

    `input` are scores N×classes, `target` the class numbers. `p` 2 squares what is
    missing; `weight` counts some classes more.
    """

    id = "torch.nn.MultiMarginLoss"
    title = "MultiMarginLoss"
    keywords = "hinge svm classification"

    p: Annotated[int, Field(ge=1, le=2)] = 1
    margin: Real = 1.0
    weight: Numbers | None = None
    reduction: Reduction = "mean"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (2,), "N×classes", missing_dim=None),
            super().complaints(inputs),
        )


# -- three at a time ---------------------------------------------------------------------------


class _Triplet(Loss):
    inputs = (
        Port("anchor", "The vectors to compare with."),
        Port("positive", "Vectors of the same kind: to come near."),
        Port("negative", "Vectors of another kind: to stay away."),
    )

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        others = ("positive", "negative")
        return first_of(
            *(check_floating(self, inputs, port) for port in ("anchor", *others)),
            check_rank(self, inputs, "anchor", range(1, 17), "N×features", missing_dim=None),
            *(check_same_shape(self, inputs, "anchor", port) for port in others),
            *(check_same_dtype(self, inputs, "anchor", port) for port in others),
        )


class TripletMarginLoss(_Triplet):
    """For embeddings: an anchor is to be nearer to its like than to another by `margin`.

    `anchor`, `positive` and `negative` are vectors N×features. `p` says which norm the
    distance is, `swap` compares the positive with the negative too.
    """

    id = "torch.nn.TripletMarginLoss"
    title = "TripletMarginLoss"
    keywords = "metric embedding siamese face contrastive retrieval"

    margin: Positive = 1.0
    p: Positive = 2.0
    eps: Positive = 1e-06
    swap: bool = False
    reduction: Reduction = "mean"


class TripletMarginWithDistanceLoss(_Triplet):
    """TripletMarginLoss with another distance: the cosine's, or the sum of the differences.

    `anchor`, `positive` and `negative` are vectors N×features. `distance_function`:
    empty for the length of the difference, 'cosine' for one minus the cosine of the
    angle, 'manhattan' for the sum of the absolute differences.
    """

    id = "torch.nn.TripletMarginWithDistanceLoss"
    title = "TripletMarginWithDistanceLoss"
    keywords = "metric embedding siamese cosine contrastive retrieval"

    distance_function: Literal["cosine", "manhattan"] | None = None
    margin: Positive = 1.0
    swap: bool = False
    reduction: Reduction = "mean"

    def constructor(self) -> ast.expr:
        named = {name: code.const(value) for name, value in self.arguments().items()}
        if self.distance_function == "cosine":
            named["distance_function"] = code.call("netbuilder.parts.distance.CosineDistance")
        elif self.distance_function == "manhattan":
            named["distance_function"] = code.call("torch.nn.PairwiseDistance", p=code.const(1.0))
        return code.call(self.id, **named)
