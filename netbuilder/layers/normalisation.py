"""Normalisation of each sample by itself, over parts of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Family,
    Inferred,
    InferredMark,
    Layer,
    Port,
    Positive,
    Real,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_floating,
    check_rank,
    check_size,
    check_weights,
    first_of,
    leave_out,
    set_to,
    size_at,
    spread,
)
from netbuilder.layers.windows import LAYOUTS


class _LastDims(Layer):
    """Statistics of each sample over its last dims."""

    family = Family.NORMALISATION
    positional = ("normalized_shape",)
    same_type: ClassVar[str] = "input"

    normalized_shape: Annotated[Size | tuple[Size, ...] | None, InferredMark()] = None

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, self.same_type, -1)
        return {} if size is None else {"normalized_shape": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._empty(),
            check_weights(self, inputs, self.same_type),
            self._last_dims(inputs),
            self._single(),
        )

    def _empty(self) -> Iterator[Complaint]:
        if self.normalized_shape == ():
            yield bad_parameter(
                "normalized_shape has no sizes.",
                "Leave it empty to take the last dim of the input.",
                leave_out("normalized_shape"),
            )

    def _last_dims(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get(self.same_type)
        if tensor is None or self.normalized_shape is None:
            return
        wanted = spread(self.normalized_shape, 1)
        found = tensor.shape[-len(wanted) :]
        if found != wanted:
            yield Complaint(
                f"{self.title} expects the last dims {'×'.join(map(str, wanted))}, gets {tensor}.",
                "Leave normalized_shape empty to take the last dim of the input.",
                self.same_type,
                fixes=(leave_out("normalized_shape"),),
            )

    def _single(self) -> Iterator[Complaint]:
        if self.normalized_shape is not None and set(spread(self.normalized_shape, 1)) == {1}:
            yield Complaint(
                f"{self.title} works on one number at a time: of each nothing but {self.left} is "
                "left.",
                "Normalise before the size becomes 1, or over more dims: set normalized_shape.",
                self.same_type,
                code="shape.single",
                severity="warning",
            )

    left: ClassVar[str]
    """What is left of a number that is normalised by itself."""


class LayerNorm(_LastDims):
    """Normalises each sample over its last dims, independently of the batch.

    `normalized_shape` are the sizes of those dims; left empty, it is the last dim alone,
    as in transformers. `elementwise_affine` adds a learnt scale, `bias` a learnt offset.
    """

    id = "torch.nn.LayerNorm"
    title = "LayerNorm"
    keywords = "layer normalization ln transformer"
    left = "the offset"

    eps: Positive = 1e-05
    elementwise_affine: bool = True
    bias: bool = True


class RMSNorm(_LastDims):
    """Divides each sample by the root of the mean of its squares, over its last dims.

    LayerNorm without the mean, as in recent language models. `normalized_shape` are the
    sizes of those dims; left empty, it is the last dim alone. `elementwise_affine` adds a
    learnt scale; an empty `eps` is the smallest that the dtype can tell from 1.
    """

    id = "torch.nn.RMSNorm"
    title = "RMSNorm"
    keywords = "root mean square layer normalization llama transformer"
    inputs = (Port("x"),)
    same_type = "x"
    left = "its sign"

    eps: Positive | None = None
    elementwise_affine: bool = True


class GroupNorm(Layer):
    """Normalises groups of channels of each sample, independently of the batch.

    `num_groups` must divide the number of channels; 1 group normalises all of them
    together, as many groups as channels each on its own. Input: N×C and any more dims.
    """

    id = "torch.nn.GroupNorm"
    title = "GroupNorm"
    family = Family.NORMALISATION
    keywords = "group normalization gn instance norm"
    positional = ("num_groups", "num_channels")
    starting = start_with(num_groups=1)
    same_type = "input"

    num_groups: Size
    num_channels: Inferred = None
    eps: Positive = 1e-05
    affine: bool = True
    bias: bool = True

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", 1)
        return {} if size is None else {"num_channels": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", range(2, 65), "N×C and more dims"),
            check_weights(self, inputs),
            check_size(self, "num_channels", "channels", inputs, "input", 1),
            self._divides(),
            self._single(inputs),
        )

    def _divides(self) -> Iterator[Complaint]:
        channels = self.num_channels
        if channels is None or channels % self.num_groups == 0:
            return
        fitting = max(g for g in range(1, min(self.num_groups, 4096) + 1) if channels % g == 0)
        yield bad_parameter(
            f"{channels} channels can't be split into {self.num_groups} groups.",
            "Choose a num_groups that divides the channels without a rest.",
            set_to("num_groups", fitting),
        )

    def _single(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        single = tensor is not None and set(tensor.shape[2:]) <= {1}
        if single and self.num_channels == self.num_groups:
            yield Complaint(
                f"Each of the {self.num_groups} groups of {tensor} has one number: less its mean "
                "it is always zero.",
                "Use fewer groups.",
                "input",
                code="shape.single",
                severity="warning",
                fixes=(set_to("num_groups", 1),) if self.num_groups > 1 else (),
            )

    def subtitle(self) -> str:
        return f"{self.num_groups} group" + ("s" if self.num_groups > 1 else "")


class LocalResponseNorm(Layer):
    """Damps each number where the `size` channels around it are strong, as in AlexNet.

    Divides by (k + alpha·mean of their squares)ᵝ. Takes N×C×L, N×C×H×W or N×C×D×H×W.
    """

    id = "torch.nn.LocalResponseNorm"
    title = "LocalResponseNorm"
    family = Family.NORMALISATION
    keywords = "lrn lateral inhibition alexnet"
    positional = ("size",)
    starting = start_with(size=5)
    same_type = "input"

    size: Size
    alpha: Real = 0.0001
    beta: Real = 0.75
    k: Real = 1.0

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (3, 4, 5), " or ".join(LAYOUTS.values())),
            check_floating(self, inputs, "input"),
        )

    def subtitle(self) -> str:
        return f"{self.size} channels"
