"""Losses: one number that says how wrong the predictions are."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Layer,
    Numbers,
    Port,
    Positive,
    Role,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    BATCH,
    bad_parameter,
    cast,
    check_floating,
    check_same_dtype,
    differ,
    first_of,
    insert,
    set_to,
)

Reduction = Literal["mean", "sum", "none"]


class Loss(Layer):
    """Base of the losses of a training step."""

    family = Family.LOSS
    role = Role.LOSS
    where = frozenset({"step"})
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("input", "What the network says."),
        Port("target", "What is right."),
    )
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

    def reduced(self, tensor: TensorType | None) -> dict[str, TensorType] | None:
        """The output type: what each element's loss, of type `tensor`, is reduced to."""
        if getattr(self, "reduction", "mean") != "none":
            return {"output": TensorType(())}
        return None if tensor is None else {"output": TensorType(tensor.shape)}

    def subtitle(self) -> str:
        reduction = getattr(self, "reduction", "mean")
        return "" if reduction == "mean" else str(reduction)


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
            fix = insert(f"Add a dim to {other}", other, "torch.unsqueeze", dim=-1)
        else:
            fix = insert(f"Remove the last dim of {other}", other, "torch.squeeze", dim=-1)
        fixes.append(fix)
    yield Complaint(
        f"{layer.title} compares {a} with {b}: they must have the same shape.{crossed}",
        hint,
        other,
        code="shape.broadcast" if crossed else "shape.mismatch",
        fixes=tuple(fixes),
    )


class NumberLoss(Loss):
    """Base of the losses that compare numbers of the same shape."""

    compared: ClassVar[tuple[str, ...]] = ("input", "target")
    """Ports whose shapes must be the same."""

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        target = inputs.get("target")
        ids = target is not None and target.high is not None
        first, *others = self.compared
        return first_of(
            check_floating(self, inputs, first),
            self._classes() if ids else (),
            *(check_floating(self, inputs, port) for port in others),
            *(check_same_shape(self, inputs, first, port) for port in others),
            *(check_same_dtype(self, inputs, first, port) for port in others),
            self._more(inputs),
        )

    def _more(self, inputs: Types) -> Iterator[Complaint]:
        return iter(())

    def _classes(self) -> Iterator[Complaint]:
        yield Complaint(
            f"{self.title} compares numbers, but the target are class numbers.",
            "Use CrossEntropyLoss for classes.",
            "target",
            code="dtype.integer",
            fixes=(cast("target", "float32"),),
        )


class MSELoss(NumberLoss):
    """Mean squared error, for regression and reconstruction: large errors count most.

    `input` and `target` have the same shape. `reduction`: 'mean', 'sum', or 'none' for
    a loss for each number.
    """

    id = "torch.nn.MSELoss"
    title = "MSELoss"
    keywords = "mean squared error l2 regression reconstruction"

    reduction: Reduction = "mean"


class L1Loss(NumberLoss):
    """Mean absolute error, for regression: less swayed by single large errors than MSELoss.

    `input` and `target` have the same shape. `reduction`: 'mean', 'sum', or 'none' for
    a loss for each number.
    """

    id = "torch.nn.L1Loss"
    title = "L1Loss"
    keywords = "mean absolute error mae regression robust"

    reduction: Reduction = "mean"


class SmoothL1Loss(NumberLoss):
    """Squared error below `beta`, absolute error above: for regression with outliers.

    `input` and `target` have the same shape.
    """

    id = "torch.nn.SmoothL1Loss"
    title = "SmoothL1Loss"
    keywords = "huber regression robust boxes"

    reduction: Reduction = "mean"
    beta: Positive = 1.0


class HuberLoss(NumberLoss):
    """Squared error below `delta`, absolute error times `delta` above: for outliers.

    `input` and `target` have the same shape. With `delta` 1 it is SmoothL1Loss.
    """

    id = "torch.nn.HuberLoss"
    title = "HuberLoss"
    keywords = "smooth l1 regression robust outliers"

    reduction: Reduction = "mean"
    delta: Positive = 1.0


# -- yes or no ---------------------------------------------------------------------------------


class YesNoLoss(NumberLoss):
    """Base of the losses whose targets are zeros and ones."""

    def _classes(self) -> Iterator[Complaint]:
        yield Complaint(
            f"{self.title} takes zeros and ones as float32, gets class numbers.",
            "Convert the target if it has two classes; use CrossEntropyLoss for more.",
            "target",
            code="dtype.integer",
            fixes=(cast("target", "float32"),),
        )

    def _more(self, inputs: Types) -> Iterator[Complaint]:
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


class BCEWithLogitsLoss(YesNoLoss):
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


class BCELoss(YesNoLoss):
    """For yes or no with probabilities, as Sigmoid makes them; BCEWithLogitsLoss is steadier.

    `input` are numbers from 0 to 1, `target` zeros and ones as float32, of the same shape.
    `weight` scales the loss of each element.
    """

    id = "torch.nn.BCELoss"
    title = "BCELoss"
    keywords = "binary cross entropy probabilities multilabel autoencoder"
    tensors = ("weight",)

    weight: Numbers | None = None
    reduction: Reduction = "mean"


# -- distributions -----------------------------------------------------------------------------


class KLDivLoss(NumberLoss):
    """How far a distribution is from the right one, both over the last dim.

    `input` are log-probabilities, as LogSoftmax makes them; `target` probabilities, or
    their logarithms with `log_target`. Use `reduction` 'batchmean': it is the divergence
    of a sample in the mean. 'mean' divides by the number of classes too.
    """

    id = "torch.nn.KLDivLoss"
    title = "KLDivLoss"
    keywords = "kullback leibler divergence distillation teacher distribution"
    starting = start_with(reduction="batchmean")

    reduction: Literal["mean", "sum", "none", "batchmean"] = "mean"
    log_target: bool = False

    def _more(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if self.reduction == "mean" and (tensor is None or tensor.rank > 1):
            yield Complaint(
                "reduction 'mean' divides by the number of classes too, which is no divergence.",
                "Set reduction to 'batchmean'.",
                code="loss.batchmean",
                severity="warning",
                fixes=(set_to("reduction", "batchmean"),),
            )


class PoissonNLLLoss(NumberLoss):
    """For counts: how unlikely they are if things happen at the predicted rate.

    `log_input` is the logarithm of the rate, or the rate itself with the parameter of that
    name off; `target` the counts as float32. `full` adds what does not depend on the
    network.
    """

    id = "torch.nn.PoissonNLLLoss"
    title = "PoissonNLLLoss"
    keywords = "count regression poisson events negative log likelihood"
    inputs = (Port("log_input", "What the network says."), Port("target", "The counts."))
    compared = ("log_input", "target")

    log_input: bool = True
    full: bool = False
    eps: Positive = 1e-08
    reduction: Reduction = "mean"


class GaussianNLLLoss(NumberLoss):
    """For numbers with an uncertainty: the network says a mean and a variance for each.

    `var` is the variance, of the shape of `input` and `target`; make it positive by a
    Softplus or torch.exp. `eps` is the least that counts. `full` adds a constant.
    """

    id = "torch.nn.GaussianNLLLoss"
    title = "GaussianNLLLoss"
    keywords = "uncertainty variance regression heteroscedastic negative log likelihood"
    inputs = (
        Port("input", "The mean that the network says."),
        Port("target", "What is right."),
        Port("var", "The variance that the network says: positive."),
    )
    compared = ("input", "target", "var")

    full: bool = False
    eps: Positive = 1e-06
    reduction: Reduction = "mean"

    def output_types(self, inputs: Types) -> Mapping[str, TensorType] | None:
        # PyTorch looks whether a variance is negative, which needs numbers.
        return self.reduced(inputs.get("input"))
