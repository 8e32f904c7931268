"""Losses for classes: how unlikely the network finds the right one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from netbuilder.layers.base import (
    Complaint,
    Count,
    Numbers,
    Port,
    Probability,
    TensorType,
    Types,
)
from netbuilder.layers.checks import (
    BATCH,
    bad_parameter,
    cast,
    check_floating,
    check_rank,
    check_real,
    differ,
    first_of,
    insert,
)
from netbuilder.layers.dims import Dim
from netbuilder.layers.losses import Loss, Reduction

Ignored = Annotated[int, Field(ge=-(2**31), le=2**31)]


class ClassLoss(Loss):
    """Losses that take scores N×C (N×C×... for every place of an image) and class numbers."""

    tensors = ("weight",)
    probabilities: ClassVar[bool] = False
    """Whether the target may be probabilities too."""

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        scores, target = inputs.get("input"), inputs.get("target")
        return first_of(
            check_floating(self, inputs, "input"),
            check_real(self, inputs, "target"),
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
        else:
            yield from check_weight_count(getattr(self, "weight", None), scores.shape[1])

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


def check_weight_count(weight: Numbers | None, classes: Dim) -> Iterator[Complaint]:
    """Complains if there is not one weight for each class."""
    if weight is not None and len(weight) != classes:
        yield bad_parameter(
            f"weight has {len(weight)} numbers for {classes} classes.",
            "Give one weight for each class, or leave it empty.",
        )


class _Ignoring(ClassLoss):
    weight: Numbers | None = None
    ignore_index: Ignored = -100
    reduction: Reduction = "mean"


class CrossEntropyLoss(_Ignoring):
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


class NLLLoss(_Ignoring):
    """For classification with log probabilities N×classes, as LogSoftmax makes them.

    `target` are the class numbers. `weight` counts some classes more, `ignore_index` is a
    target that does not count.
    """

    id = "torch.nn.NLLLoss"
    title = "NLLLoss"
    keywords = "negative log likelihood classification"


# -- sequences ---------------------------------------------------------------------------------


class CTCLoss(Loss):
    """For sequences whose labels have no known places, as in speech and handwriting.

    `log_probs` are log-probabilities T×N×classes, time first, as LogSoftmax makes them;
    `targets` the labels N×S, `input_lengths` and `target_lengths` how much of each sample
    counts. Class `blank` stands for no label. `zero_infinity` makes zeros of the losses of
    labels that are too long for their input.
    """

    id = "torch.nn.CTCLoss"
    title = "CTCLoss"
    keywords = "connectionist temporal classification speech ocr alignment sequence"
    inputs = (
        Port("log_probs", "What the network says: T×N×classes."),
        Port("targets", "The labels: N×S."),
        Port("input_lengths", "How many steps of each sample count: N."),
        Port("target_lengths", "How many labels each sample has: N."),
    )

    blank: Count = 0
    reduction: Reduction = "mean"
    zero_infinity: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "log_probs", (3,), "T×N×classes", missing_dim=None),
            check_floating(self, inputs, "log_probs"),
            self._time_first(inputs),
            self._blank(inputs),
            *(self._integers(inputs, port) for port in list(_CTC_RANKS)),
            self._batches(inputs),
        )

    def _time_first(self, inputs: Types) -> Iterator[Complaint]:
        scores = inputs.get("log_probs")
        if scores is not None and scores.shape[0] == BATCH:
            yield Complaint(
                f"CTCLoss takes dim 0 of {scores}, the batch, for time.",
                "It expects T×N×classes: put torch.transpose before it.",
                "log_probs",
                code="shape.batch_first",
                fixes=(insert("Bring time to dim 0", "log_probs", _TRANSPOSE, dim0=0, dim1=1),),
            )

    def _blank(self, inputs: Types) -> Iterator[Complaint]:
        scores, targets = inputs.get("log_probs"), inputs.get("targets")
        classes = scores.shape[2] if scores is not None else None
        if not isinstance(classes, int):
            return
        if self.blank >= classes:
            yield bad_parameter(
                f"blank is {self.blank}, but there are only {classes} classes.",
                f"Choose blank from 0 to {classes - 1}.",
            )
        elif targets is not None and targets.high is not None and targets.high > classes:
            yield Complaint(
                f"The target has {targets.high} classes, but there are scores for {classes} only.",
                f"Let the network's last layer have {targets.high} output features.",
                "log_probs",
                code="classes.range",
            )

    def _integers(self, inputs: Types, port: str) -> Iterator[Complaint]:
        tensor, ranks = inputs.get(port), _CTC_RANKS[port]
        if tensor is None:
            return
        if tensor.dtype not in ("int64", "int32"):
            yield Complaint(
                f"CTCLoss expects whole numbers (int64) as {port}, gets {tensor.dtype}.",
                "Convert it to int64.",
                port,
                code="dtype.float" if tensor.floating else "dtype.mismatch",
                fixes=(cast(port, "int64"),),
            )
        elif tensor.rank not in ranks:
            layout = "N×S" if port == "targets" else "N"
            yield Complaint(
                f"CTCLoss expects {port} as {layout}, gets {tensor}.",
                "One row for each sample." if port == "targets" else "One number for each sample.",
                port,
                code="shape.rank",
            )

    def _batches(self, inputs: Types) -> Iterator[Complaint]:
        scores = inputs.get("log_probs")
        for port, ranks in _CTC_RANKS.items():
            tensor = inputs.get(port)
            if scores is None or tensor is None or tensor.rank != ranks[0]:
                continue
            if differ(tensor.shape[0], scores.shape[1]):
                yield Complaint(
                    f"log_probs {scores} has {scores.shape[1]} samples in dim 1, {port} "
                    f"{tensor.shape[0]}.",
                    "Bring both to the same batch.",
                    port,
                )
                return

    def output_types(self, inputs: Types) -> Mapping[str, TensorType] | None:
        # PyTorch has no CTC loss without numbers.
        scores = inputs.get("log_probs")
        return self.reduced(None if scores is None else TensorType(scores.shape[1:2]))


_TRANSPOSE = "torch.transpose"
_CTC_RANKS: Mapping[str, tuple[int, ...]] = {
    "targets": (2, 1),
    "input_lengths": (1,),
    "target_lengths": (1,),
}
"""The numbers of dims that CTCLoss takes; the first is the one with a batch."""
