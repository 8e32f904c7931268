"""Metrics: what is measured beside the loss, over all batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Family,
    Inferred,
    Layer,
    Port,
    Probability,
    Role,
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


class _Metric(Layer):
    family = Family.METRIC
    role = Role.METRIC
    where = frozenset({"step"})
    inputs = (Port("preds", "What the network says."), Port("target", "What is right."))
    outputs = ()


class Accuracy(_Metric):
    """The share of right answers.

    `task`: 'multiclass' for scores N×classes and class numbers; 'binary' for one score
    or probability for each yes or no; 'multilabel' for N×labels of them. `average`:
    'micro' counts all answers alike, 'macro' all classes. `top_k`: an answer is right if
    the class is among the k highest. `threshold`: from which probability on it is a yes.
    """

    id = "torchmetrics.Accuracy"
    title = "Accuracy"
    keywords = "classification correct rate top-k"
    starting = start_with(task="multiclass")

    task: Literal["binary", "multiclass", "multilabel"]
    threshold: Probability = 0.5
    num_classes: Inferred = None
    num_labels: Inferred = None
    average: Literal["micro", "macro", "weighted", "none"] = "micro"
    multidim_average: Literal["global"] = "global"
    top_k: Size = 1
    ignore_index: Annotated[int, Field(ge=-(2**31), le=2**31)] | None = None

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "preds", 1)
        return {} if size is None else dict.fromkeys(self.open_sizes(), size)

    def open_sizes(self) -> list[str]:
        needed = {"multiclass": "num_classes", "multilabel": "num_labels"}.get(self.task)
        return [] if needed is None or getattr(self, needed) is not None else [needed]

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        preds, target = inputs.get("preds"), inputs.get("target")
        both = preds is not None and target is not None
        return first_of(
            self._parameters(),
            self._integers(inputs),
            self._classes(preds, target)
            if both and self.task == "multiclass"
            else check_same_shape(self, inputs, "preds", "target"),
        )

    def _parameters(self) -> Iterator[Complaint]:
        if self.average == "none":
            yield bad_parameter(
                "average 'none' gives a number for each class; a curve needs one number.",
                "Use 'micro', 'macro' or 'weighted'.",
            )
        if self.task == "multiclass" and self.num_classes is not None:
            if self.num_classes < 2:
                yield bad_parameter(
                    "Accuracy of 'multiclass' needs two classes or more, there is 1.",
                    "Use task 'binary' for a single score, or a Linear with more outputs.",
                    set_to("task", "binary"),
                )
            elif self.top_k > self.num_classes:
                yield bad_parameter(
                    f"top_k {self.top_k} is more than the {self.num_classes} classes.",
                    f"Use at most {self.num_classes - 1}.",
                    set_to("top_k", self.num_classes - 1),
                )
        if self.task == "multilabel" and self.num_labels == 1:
            yield bad_parameter(
                "Accuracy of 'multilabel' needs two labels or more, there is 1.",
                "Use task 'binary'.",
                set_to("task", "binary"),
            )

    def _integers(self, inputs: Types) -> Iterator[Complaint]:
        target = inputs.get("target")
        if target is None or not target.floating:
            return
        hint = "Wire class numbers here; for regression use MeanAbsoluteError."
        yield Complaint(
            f"Accuracy expects class numbers as target, gets {target.dtype}.",
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
                f"Accuracy gets {preds} with a target {target}, expects {TensorType(wanted)}.",
                "For scores N×classes the target is N.",
                "target",
            )
            return
        classes = self.num_classes
        if not same and classes is not None and differ(preds.shape[1], classes):
            yield Complaint(
                f"Accuracy expects {classes} classes, gets scores for {preds.shape[1]}.",
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
        return f"top {self.top_k}" if self.top_k > 1 else self.task


class _Error(_Metric):
    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "preds"),
            check_floating(self, inputs, "target"),
            check_same_shape(self, inputs, "preds", "target"),
        )


class MeanAbsoluteError(_Error):
    """How far predictions are off in the mean, in the target's own unit."""

    id = "torchmetrics.MeanAbsoluteError"
    title = "MeanAbsoluteError"
    keywords = "mae l1 regression error"


class MeanSquaredError(_Error):
    """The mean of the squared errors; with `squared` off its root (RMSE)."""

    id = "torchmetrics.MeanSquaredError"
    title = "MeanSquaredError"
    keywords = "mse rmse l2 regression error"

    squared: bool = True
