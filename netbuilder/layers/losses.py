"""Losses: one number that says how wrong the predictions are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Layer,
    Numbers,
    Port,
    Positive,
    Probability,
    Role,
    TensorType,
    Types,
)
from netbuilder.layers.checks import (
    BATCH,
    bad_parameter,
    cast,
    check_floating,
    differ,
    first_of,
    insert,
)

Reduction = Literal["mean", "sum", "none"]
Ignored = Annotated[int, Field(ge=-(2**31), le=2**31)]


class _Loss(Layer):
    family = Family.LOSS
    role = Role.LOSS
    where = frozenset({"step"})
    inputs = (Port("input", "What the network says."), Port("target", "What is right."))
    tensors: ClassVar[tuple[str, ...]] = ()
    """Parameters that are tensors in PyTorch and numbers here."""

    def constructor(self) -> ast.expr:
        named = {
            name: code.call("torch.tensor", code.const(value))
            if name in self.tensors
            else code.const(value)
            for name, value in self.arguments().items()
        }
        return code.call(self.id, **named)

    def subtitle(self) -> str:
        reduction = getattr(self, "reduction", "mean")
        return "" if reduction == "mean" else str(reduction)


# -- classes ---------------------------------------------------------------------------------


class _ClassLoss(_Loss):
    """Losses that take scores N×C (N×C×... for every place of an image) and class numbers."""

    tensors = ("weight",)
    probabilities: ClassVar[bool]

    weight: Numbers | None = None
    ignore_index: Ignored = -100
    reduction: Reduction = "mean"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        scores, target = inputs.get("input"), inputs.get("target")
        return first_of(
            check_floating(self, inputs, "input"),
            () if scores is None else self._scores(scores),
            () if scores is None or target is None else self._target(scores, target),
        )

    def _scores(self, scores: TensorType) -> Iterator[Complaint]:
        if scores.rank < 2:
            yield Complaint(
                f"{self.title} expects scores N×classes, gets {scores}.",
                "Let the network end with a Linear that has one output feature for each class.",
                "input",
                code="shape.rank",
            )
        elif self.weight is not None and scores.shape[1] != len(self.weight):
            yield bad_parameter(
                f"weight has {len(self.weight)} numbers for {scores.shape[1]} classes.",
                "Give one weight for each class, or leave it empty.",
            )

    def _target(self, scores: TensorType, target: TensorType) -> Iterator[Complaint]:
        wanted = (scores.shape[0], *scores.shape[2:])
        if target.floating and self.probabilities and target.rank == scores.rank:
            if any(differ(a, b) for a, b in zip(target.shape, scores.shape, strict=True)):
                yield Complaint(
                    f"{self.title} gets scores {scores} and probabilities {target}.",
                    "Both must have the same shape.",
                    "target",
                )
        elif target.dtype != "int64":
            yield self._not_ids(target)
        elif len(wanted) != target.rank or any(
            differ(a, b) for a, b in zip(wanted, target.shape, strict=True)
        ):
            yield self._wrong_shape(scores, target)
        elif target.high is not None and differ(scores.shape[1], target.high):
            classes = scores.shape[1]
            if isinstance(classes, int) and target.high > classes:
                yield Complaint(
                    f"The target has {target.high} classes, but there are scores for {classes} "
                    "only.",
                    f"Let the network's last layer have {target.high} output features.",
                    "input",
                    code="classes.range",
                )

    def _not_ids(self, target: TensorType) -> Complaint:
        hint = "Convert it to int64."
        if target.floating:
            hint = "For numbers rather than classes use MSELoss or L1Loss."
        return Complaint(
            f"{self.title} expects class numbers (int64) as target, gets {target.dtype}.",
            hint,
            "target",
            code="dtype.float" if target.floating else "dtype.mismatch",
            fixes=() if target.floating else (cast("target", "int64"),),
        )

    def _wrong_shape(self, scores: TensorType, target: TensorType) -> Complaint:
        wanted = TensorType((scores.shape[0], *scores.shape[2:]))
        hint, fixes = f"The target of scores {scores} is {wanted}.", []
        if target.rank == wanted.rank + 1 and target.shape[-1] == 1:
            fixes.append(insert("Remove the last dim", "target", "torch.squeeze", dim=-1))
        elif target.shape == scores.shape[:-1] and scores.rank > 2:
            hint = "The classes belong in dim 1: put torch.transpose before the loss."
            name = "torch.transpose"
            fixes.append(insert("Bring the classes to dim 1", "input", name, dim0=1, dim1=-1))
        elif target.rank == 1 and scores.rank > 2:
            hint = (
                "The scores have too many dims. Put a Flatten before the network's last Linear, "
                "or take one step of the sequence with torch.select."
            )
        return Complaint(
            f"{self.title} gets scores {scores} with a target {target}, expects {wanted}.",
            hint,
            "target",
            fixes=tuple(fixes),
        )


class CrossEntropyLoss(_ClassLoss):
    """For classification: how unlikely the network finds the right class.

    `input` are scores N×classes as they leave the last Linear (no softmax), `target` the
    class numbers, or probabilities N×classes. `weight` counts some classes more,
    `ignore_index` is a target that does not count, `label_smoothing` keeps the network
    from being too sure.
    """

    id = "torch.nn.CrossEntropyLoss"
    title = "CrossEntropyLoss"
    keywords = "classification softmax log loss nll categorical"
    probabilities = True

    label_smoothing: Probability = 0.0


class NLLLoss(_ClassLoss):
    """For classification with log probabilities N×classes, as LogSoftmax makes them.

    `target` are the class numbers. `weight` counts some classes more, `ignore_index` is a
    target that does not count.
    """

    id = "torch.nn.NLLLoss"
    title = "NLLLoss"
    keywords = "negative log likelihood classification"
    probabilities = False


# -- numbers ---------------------------------------------------------------------------------


def check_same_shape(layer: Layer, inputs: Types, port: str, other: str) -> Iterator[Complaint]:
    """Complains if two shapes differ, above all (N,1) with (N,), which would become N×N."""
    a, b = inputs.get(port), inputs.get(other)
    if a is None or b is None:
        return
    pairs = zip(a.shape, b.shape, strict=False)
    if a.rank == b.rank and not any(differ(x, y) for x, y in pairs):
        return
    hint, fixes = "Let the network's last layer make what the target has.", []
    crossed = ""
    longer, shorter = (a, b) if a.rank > b.rank else (b, a)
    if longer.rank == shorter.rank + 1 and longer.shape == (*shorter.shape, 1):
        if BATCH in shorter.shape:
            crossed = " PyTorch would compare every sample with every other."
        hint = "Remove the last dim, or add one to the other."
        if a is longer:
            fix = insert("Add a dim to the target", other, "torch.unsqueeze", dim=-1)
        else:
            fix = insert("Remove the target's last dim", other, "torch.squeeze", dim=-1)
        fixes.append(fix)
    yield Complaint(
        f"{layer.title} compares {a} with {b}: they must have the same shape.{crossed}",
        hint,
        other,
        code="shape.broadcast" if crossed else "shape.mismatch",
        fixes=tuple(fixes),
    )


class _NumberLoss(_Loss):
    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        target = inputs.get("target")
        ids = target is not None and target.high is not None
        return first_of(
            check_floating(self, inputs, "input"),
            self._classes() if ids else (),
            check_floating(self, inputs, "target"),
            check_same_shape(self, inputs, "input", "target"),
        )

    def _classes(self) -> Iterator[Complaint]:
        yield Complaint(
            f"{self.title} compares numbers, but the target are class numbers.",
            "Use CrossEntropyLoss for classes.",
            "target",
            code="dtype.integer",
            fixes=(cast("target", "float32"),),
        )


class MSELoss(_NumberLoss):
    """Mean squared error, for regression and reconstruction: large errors count most.

    `input` and `target` have the same shape. `reduction`: 'mean', 'sum', or 'none' for
    a loss for each number.
    """

    id = "torch.nn.MSELoss"
    title = "MSELoss"
    keywords = "mean squared error l2 regression reconstruction"

    reduction: Reduction = "mean"


class L1Loss(_NumberLoss):
    """Mean absolute error, for regression: less swayed by single large errors than MSELoss.

    `input` and `target` have the same shape. `reduction`: 'mean', 'sum', or 'none' for
    a loss for each number.
    """

    id = "torch.nn.L1Loss"
    title = "L1Loss"
    keywords = "mean absolute error mae regression robust"

    reduction: Reduction = "mean"


class SmoothL1Loss(_NumberLoss):
    """Squared error below `beta`, absolute error above: for regression with outliers.

    `input` and `target` have the same shape.
    """

    id = "torch.nn.SmoothL1Loss"
    title = "SmoothL1Loss"
    keywords = "huber regression robust boxes"

    reduction: Reduction = "mean"
    beta: Positive = 1.0


class BCEWithLogitsLoss(_NumberLoss):
    """For yes or no, and for several labels at once: sigmoid and cross-entropy in one.

    `input` are scores (no sigmoid), `target` zeros and ones as float32, of the same
    shape. `pos_weight` counts the ones more, a number for each label; `weight` scales the
    loss of each element.
    """

    id = "torch.nn.BCEWithLogitsLoss"
    title = "BCEWithLogitsLoss"
    keywords = "binary cross entropy sigmoid multilabel gan logistic"
    tensors = ("weight", "pos_weight")

    weight: Numbers | None = None
    reduction: Reduction = "mean"
    pos_weight: Numbers | None = None

    def _classes(self) -> Iterator[Complaint]:
        yield Complaint(
            "BCEWithLogitsLoss takes zeros and ones as float32, gets class numbers.",
            "Convert the target if it has two classes; use CrossEntropyLoss for more.",
            "target",
            code="dtype.integer",
            fixes=(cast("target", "float32"),),
        )

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(super().complaints(inputs), self._weights(inputs))

    def _weights(self, inputs: Types) -> Iterator[Complaint]:
        scores = inputs.get("input")
        if scores is None:
            return
        labels = scores.shape[-1] if scores.rank > 1 else 1
        for name in self.tensors:
            numbers = getattr(self, name)
            if numbers is not None and len(numbers) not in (1, labels):
                yield bad_parameter(
                    f"{name} has {len(numbers)} numbers for {labels} labels.",
                    "Give one number for each label, or leave it empty.",
                )
