"""Metrics for classes: what is measured beside the loss, over all batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Inferred,
    Positive,
    Probability,
    Size,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    cast,
    check_floating,
    differ,
    first_of,
    leave_out,
    set_to,
    size_at,
)
from netbuilder.layers.losses import check_same_shape
from netbuilder.layers.metrics import Metric

Ignored = Annotated[int, Field(ge=-(2**31), le=2**31)]
Average = Literal["micro", "macro", "weighted", "none"]


class _Classes(Metric):
    """Metrics of 'binary' and 'multiclass' tasks, and of 'multilabel' ones where they say so."""

    starting = start_with(task="multiclass")

    task: Literal["binary", "multiclass", "multilabel"]
    num_classes: Inferred = None
    ignore_index: Ignored | None = None

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "preds", 1)
        return {} if size is None else dict.fromkeys(self.open_sizes(), size)

    def open_sizes(self) -> list[str]:
        needed = {"multiclass": "num_classes", "multilabel": "num_labels"}.get(self.task, "")
        return [needed] if needed and getattr(self, needed) is None else []

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        preds, target = inputs.get("preds"), inputs.get("target")
        both = preds is not None and target is not None
        return first_of(
            self._parameters(),
            self._scores(inputs),
            self._integers(inputs),
            self._classes(preds, target)
            if both and self.task == "multiclass"
            else check_same_shape(self, inputs, "preds", "target"),
        )

    def _parameters(self) -> Iterator[Complaint]:
        if getattr(self, "average", "") == "none":
            yield bad_parameter(
                "average 'none' gives a number for each class; a curve needs one number.",
                "Use 'micro', 'macro' or 'weighted'.",
            )
        top_k = getattr(self, "top_k", 1)
        if self.task == "multiclass" and self.num_classes is not None:
            if self.num_classes < 2:
                yield bad_parameter(
                    f"{self.title} of 'multiclass' needs two classes or more, there is 1.",
                    "Use task 'binary' for a single score, or a Linear with more outputs.",
                    set_to("task", "binary"),
                )
            elif top_k > self.num_classes:
                yield bad_parameter(
                    f"top_k {top_k} is more than the {self.num_classes} classes.",
                    f"Use at most {self.num_classes - 1}.",
                    set_to("top_k", self.num_classes - 1),
                )
        if self.task == "multilabel" and getattr(self, "num_labels", None) == 1:
            yield bad_parameter(
                f"{self.title} of 'multilabel' needs two labels or more, there is 1.",
                "Use task 'binary'.",
                set_to("task", "binary"),
            )

    def _scores(self, inputs: Types) -> Iterator[Complaint]:
        return iter(())

    def _integers(self, inputs: Types) -> Iterator[Complaint]:
        target = inputs.get("target")
        if target is None or not target.floating:
            return
        hint = "Wire class numbers here; for regression use MeanAbsoluteError."
        yield Complaint(
            f"{self.title} expects class numbers as target, gets {target.dtype}.",
            hint,
            "target",
            code="dtype.float",
            fixes=(cast("target", "int64"),),
        )

    def _classes(self, preds: TensorType | None, target: TensorType | None) -> Iterator[Complaint]:
        if preds is None or target is None:
            return
        same = preds.rank == target.rank and not preds.floating
        wanted = preds.shape if same else (*preds.shape[:1], *preds.shape[2:])
        pairs = zip(wanted, target.shape, strict=False)
        if len(wanted) != target.rank or any(differ(a, b) for a, b in pairs):
            yield Complaint(
                f"{self.title} gets {preds} with a target {target}, expects {TensorType(wanted)}.",
                "For scores N×classes the target is N.",
                "target",
            )
            return
        classes = self.num_classes
        scores = preds.shape[1] if not same and preds.rank > 1 else classes
        if classes is not None and scores is not None and differ(scores, classes):
            yield Complaint(
                f"{self.title} expects {classes} classes, gets scores for {scores}.",
                "Leave num_classes empty to take it from the input.",
                "preds",
                fixes=(leave_out("num_classes"),),
            )
        elif classes is not None and target.high is not None and target.high > classes:
            yield Complaint(
                f"The target has {target.high} classes, but there are scores for {classes} only.",
                f"Let the network's last layer have {target.high} output features.",
                "preds",
                code="classes.range",
            )

    def subtitle(self) -> str:
        top_k = getattr(self, "top_k", 1)
        return f"top {top_k}" if top_k > 1 else self.task


class _Labels(_Classes):
    num_labels: Inferred = None


# -- from right and wrong answers ----------------------------------------------------------------


class _Answers(_Labels):
    """Metrics that count right and wrong answers."""

    threshold: Probability = 0.5
    average: Average = "micro"
    multidim_average: Literal["global"] = "global"
    top_k: Size = 1


class Accuracy(_Answers):
    """The share of right answers.

    `task`: 'multiclass' for scores N×classes and class numbers; 'binary' for one score
    or probability for each yes or no; 'multilabel' for N×labels of them. `average`:
    'micro' counts all answers alike, 'macro' all classes. `top_k`: an answer is right if
    the class is among the k highest. `threshold`: from which probability on it is a yes.
    """

    id = "torchmetrics.Accuracy"
    title = "Accuracy"
    keywords = "classification correct rate top-k"


class Precision(_Answers):
    """Of those that were said to be of a class, the share that are.

    `task` as for Accuracy. `average`: 'macro' is the mean over the classes; 'micro' with
    several classes is the same as Accuracy.
    """

    id = "torchmetrics.Precision"
    title = "Precision"
    keywords = "classification positive predictive value ppv"
    starting = start_with(task="multiclass", average="macro")


class Recall(_Answers):
    """Of those that are of a class, the share that were found.

    `task` as for Accuracy. `average`: 'macro' is the mean over the classes; 'micro' with
    several classes is the same as Accuracy.
    """

    id = "torchmetrics.Recall"
    title = "Recall"
    keywords = "classification sensitivity true positive rate hit rate"
    starting = start_with(task="multiclass", average="macro")


class Specificity(_Answers):
    """Of those that are not of a class, the share that were not said to be.

    `task` as for Accuracy. `average`: 'macro' is the mean over the classes.
    """

    id = "torchmetrics.Specificity"
    title = "Specificity"
    keywords = "classification true negative rate selectivity"
    starting = start_with(task="multiclass", average="macro")


class HammingDistance(_Answers):
    """The share of wrong answers, each label for itself.

    `task` as for Accuracy. It is one minus the accuracy.
    """

    id = "torchmetrics.HammingDistance"
    title = "HammingDistance"
    keywords = "classification error rate multilabel loss"


class F1Score(_Answers):
    """Precision and recall in one: their harmonic mean, high only if both are.

    `task` as for Accuracy. `average`: 'macro' is the mean over the classes.
    `zero_division`: the score of a class that never came up.
    """

    id = "torchmetrics.F1Score"
    title = "F1Score"
    keywords = "classification f-measure dice precision recall imbalanced"
    starting = start_with(task="multiclass", average="macro")

    zero_division: Annotated[int, Field(ge=0, le=1)] = 0


class FBetaScore(_Answers):
    """Precision and recall in one, with recall counting `beta` times as much.

    `task`, `average` and `zero_division` as for F1Score.
    """

    id = "torchmetrics.FBetaScore"
    title = "FBetaScore"
    keywords = "classification f-measure precision recall imbalanced"
    starting = start_with(task="multiclass", average="macro", beta=2.0)

    beta: Positive = 1.0
    zero_division: Annotated[int, Field(ge=0, le=1)] = 0


class JaccardIndex(_Labels):
    """Intersection over union: of all that are or were said to be of a class, the share of both.

    `task` as for Accuracy; the usual measure of segmentation, with scores N×classes×H×W.
    """

    id = "torchmetrics.JaccardIndex"
    title = "JaccardIndex"
    keywords = "iou miou intersection over union segmentation overlap"

    threshold: Probability = 0.5
    average: Average = "macro"


class MatthewsCorrCoef(_Labels):
    """The correlation of answers and truth: 1 for all right, 0 for chance, even for rare classes.

    `task` as for Accuracy.
    """

    id = "torchmetrics.MatthewsCorrCoef"
    title = "MatthewsCorrCoef"
    keywords = "mcc phi classification imbalanced correlation"

    threshold: Probability = 0.5


class CohenKappa(_Classes):
    """Agreement of answers and truth beyond chance; for grades, `weights` says how far off counts.

    `task` is 'binary' or 'multiclass'. `weights`: 'linear' or 'quadratic' for classes that
    have an order.
    """

    id = "torchmetrics.CohenKappa"
    title = "CohenKappa"
    keywords = "agreement raters ordinal quadratic weighted kappa"

    task: Literal["binary", "multiclass"]
    threshold: Probability = 0.5
    weights: Literal["linear", "quadratic"] | None = None


# -- from scores -------------------------------------------------------------------------------


class _Curve(_Classes):
    """Metrics that need scores, not answers."""

    def _scores(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "preds")


class _ThresholdCurve(_Curve, _Labels):
    thresholds: Annotated[int, Field(ge=2, le=100_000)] | None = None
    average: Literal["macro", "weighted", "none"] = "macro"


class AUROC(_ThresholdCurve):
    """The area under the ROC curve: how often a right one scores higher than a wrong one.

    `task` as for Accuracy. `thresholds`: at how many places the curve is looked at; empty
    is exact and keeps all scores of an epoch in memory.
    """

    id = "torchmetrics.AUROC"
    title = "AUROC"
    keywords = "auc roc ranking classification receiver operating characteristic"
    starting = start_with(task="multiclass", thresholds=200)


class AveragePrecision(_ThresholdCurve):
    """The area under the curve of precision over recall: for rare classes better than AUROC.

    `task` as for Accuracy. `thresholds`: at how many places the curve is looked at; empty
    is exact and keeps all scores of an epoch in memory.
    """

    id = "torchmetrics.AveragePrecision"
    title = "AveragePrecision"
    keywords = "map auprc precision recall curve detection imbalanced"
    starting = start_with(task="multiclass", thresholds=200)


class CalibrationError(_Curve):
    """How far the network's certainty is from how often it is right.

    `task` is 'binary' or 'multiclass'. `norm`: 'l1' is the mean over `n_bins` groups of
    equal certainty, 'l2' its square mean, 'max' the worst of them.
    """

    id = "torchmetrics.CalibrationError"
    title = "CalibrationError"
    keywords = "ece calibration confidence reliability certainty"

    task: Literal["binary", "multiclass"]
    n_bins: Annotated[int, Field(ge=1, le=10_000)] = 15
    norm: Literal["l1", "l2", "max"] = "l1"
