"""Losses that learn: the last layer of a network and its loss in one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import ClassVar

from netbuilder.graph.model import Json
from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Inferred,
    Layer,
    Numbers,
    Port,
    Positive,
    Probability,
    Size,
    Targets,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    cast,
    check_rank,
    check_size,
    check_weights,
    differ,
    first_of,
    set_to,
    size_at,
)
from netbuilder.layers.class_losses import Ignored, check_weight_count
from netbuilder.layers.dims import Dim
from netbuilder.layers.losses import Reduction


class _WithWeights(Layer):
    """Losses that learn stand in networks, where what learns belongs; the target is wired in."""

    family = Family.LOSS
    where = frozenset({"network", "block"})

    in_features: Inferred = None


class LinearCrossEntropyLoss(_WithWeights):
    """The last Linear and CrossEntropyLoss in one, which spares memory for many classes.

    `input` is N×in_features, `target` the class numbers. It learns, so it stands in the
    network: wire its result to an Output and that to the loss of the training step.
    `out_features` are the sizes of further dims of the target.
    """

    id = "torch.nn.LinearCrossEntropyLoss"
    title = "LinearCrossEntropyLoss"
    keywords = "classification softmax vocabulary language model fused"
    positional = ("in_features", "num_classes")
    starting = start_with(num_classes=10)
    summary_fields = ("num_classes",)
    inputs = (Port("input", "What the network says."), Port("target", "What is right."))
    tensors: ClassVar[tuple[str, ...]] = ("weight",)

    num_classes: Size
    out_features: tuple[Size, ...] = ()
    bias: bool = False
    reduction: Reduction = "mean"
    weight: Numbers | None = None
    ignore_index: Ignored | None = None
    label_smoothing: Probability = 0.0

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", -1)
        return {} if size is None else {"in_features": size}

    def constructor(self) -> ast.expr:
        values = {k: code.const(v) for k, v in self.arguments().items()}
        first = [values.pop(name) for name in self.positional]
        if "weight" in values:
            values["weight"] = code.call("torch.tensor", values["weight"])
        return code.call(self.id, *first, **values)

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (2,), "N×features", missing_dim=None),
            check_weights(self, inputs, "input"),
            check_size(self, "in_features", "features", inputs, "input", -1),
            check_weight_count(self.weight, self.num_classes),
            self._target(inputs),
        )

    def _target(self, inputs: Types) -> Iterator[Complaint]:
        given, target = inputs.get("input"), inputs.get("target")
        if given is None or target is None:
            return
        wanted: tuple[Dim, ...] = (given.shape[0], *self.out_features)
        if target.floating:
            wanted = (given.shape[0], self.num_classes, *self.out_features)
        elif target.dtype != "int64":
            yield Complaint(
                f"{self.title} expects class numbers (int64) as target, gets {target.dtype}.",
                "Convert it to int64.",
                "target",
                code="dtype.mismatch",
                fixes=(cast("target", "int64"),),
            )
        if target.rank != len(wanted) or any(map(differ, target.shape, wanted)):
            yield Complaint(
                f"{self.title} gets a target {target}, expects {TensorType(wanted)}.",
                "For N×features the target is N; out_features are its further dims.",
                "target",
            )
        yield from check_high(self, target, "target", "num_classes")


class AdaptiveLogSoftmaxWithLoss(_WithWeights):
    """Softmax over very many classes, fast because the rare ones are kept in clusters.

    Class numbers go by frequency, the most frequent first; `cutoffs` are the first classes
    of the clusters. `output` is the log-probability of the right class for each sample,
    `loss` its negative mean. It learns, so it stands in the network: wire `loss` to an
    Output and that to the loss of the training step. Grave and others, 2017.
    """

    id = "torch.nn.AdaptiveLogSoftmaxWithLoss"
    title = "AdaptiveLogSoftmaxWithLoss"
    keywords = "classification vocabulary language model hierarchical efficient"
    in_pt2 = False
    positional = ("in_features", "n_classes")
    starting = start_with(n_classes=10000, cutoffs=(1000, 5000))
    summary_fields = ("n_classes",)
    inputs = (Port("input_", "N×features."), Port("target_", "The right classes: N."))
    outputs = (
        Port("output", "The log-probability of the right class: N."),
        Port("loss", "The negative mean of them."),
    )
    returns: ClassVar[Targets] = ("output", "loss")

    n_classes: Size
    cutoffs: tuple[Size, ...]
    div_value: Positive = 4.0
    head_bias: bool = False

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input_", -1)
        return {} if size is None else {"in_features": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._cutoffs(),
            check_rank(self, inputs, "input_", (2,), "N×features", missing_dim=None),
            check_weights(self, inputs, "input_"),
            check_size(self, "in_features", "features", inputs, "input_", -1),
            self._clusters(),
            self._target(inputs),
        )

    def _cutoffs(self) -> Iterator[Complaint]:
        rising = list(self.cutoffs) == sorted(set(self.cutoffs))
        if not self.cutoffs or not rising or self.cutoffs[-1] >= self.n_classes:
            yield bad_parameter(
                f"cutoffs {self.cutoffs} must rise and stay below n_classes {self.n_classes}.",
                "Give the first class of each cluster, such as 1000, 5000.",
            )

    def _clusters(self) -> Iterator[Complaint]:
        count = len(self.cutoffs)
        if self.in_features is not None and self.in_features < self.div_value**count:
            yield bad_parameter(
                f"{self.in_features} features divided {count} times by div_value "
                f"{self.div_value:g} leave none for the last cluster.",
                "Use fewer cutoffs, a smaller div_value, or more features.",
            )

    def _target(self, inputs: Types) -> Iterator[Complaint]:
        given, target = inputs.get("input_"), inputs.get("target_")
        if given is None or target is None:
            return
        if target.dtype != "int64":
            yield Complaint(
                f"{self.title} expects class numbers (int64) as target, gets {target.dtype}.",
                "Convert it to int64.",
                "target_",
                code="dtype.float" if target.floating else "dtype.mismatch",
                fixes=(cast("target_", "int64"),),
            )
        elif target.rank != 1 or differ(target.shape[0], given.shape[0]):
            yield Complaint(
                f"{self.title} gets a target {target}, expects {given.shape[0]}.",
                "One class number for each row of the input.",
                "target_",
            )
        yield from check_high(self, target, "target_", "n_classes")

    def output_types(self, inputs: Types) -> Mapping[str, TensorType] | None:
        # Which cluster is used depends on the classes, so PyTorch can't run it without numbers.
        given = inputs.get("input_")
        if given is None:
            return None
        return {"output": TensorType(given.shape[:1]), "loss": TensorType(())}

    def onnx_refusal(self) -> str:
        return "Which weights AdaptiveLogSoftmaxWithLoss uses depends on its numbers."


def check_high(layer: Layer, target: TensorType, port: str, parameter: str) -> Iterator[Complaint]:
    """Complains if the target has more classes than the layer's `parameter` says."""
    classes = getattr(layer, parameter)
    if target.high is not None and target.high > classes:
        yield Complaint(
            f"The target has {target.high} classes, but {parameter} is {classes}.",
            f"Set {parameter} to {target.high}.",
            port,
            code="classes.range",
            fixes=(set_to(parameter, target.high),),
        )
