"""Normalisation: mean 0 and variance 1, over different parts of the input."""

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
    Positive,
    Probability,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_rank,
    check_size,
    check_weights,
    first_of,
    insert,
    leave_out,
    set_to,
    size_at,
    spread,
)


class _BatchNorm(Layer):
    family = Family.NORMALISATION
    positional = ("num_features",)
    ranks: ClassVar[tuple[int, ...]]
    layout: ClassVar[str]

    num_features: Inferred = None
    eps: Positive = 1e-05
    momentum: Probability | None = 0.1
    affine: bool = True
    track_running_stats: bool = True
    bias: bool = True

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", 1)
        return {} if size is None else {"num_features": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", self.ranks, self.layout, None),
            check_weights(self, inputs),
            check_size(self, "num_features", "channels", inputs, "input", 1),
        )


class BatchNorm1d(_BatchNorm):
    """Normalises each feature over the batch: N×C, or N×C×L with each channel over L too.

    In training by the batch at hand, afterwards by running averages of what was seen
    (`momentum` is how fast they follow). `affine` adds a learnt scale and offset.
    """

    id = "torch.nn.BatchNorm1d"
    title = "BatchNorm1d"
    keywords = "batch normalization bn"
    ranks = (2, 3)
    layout = "N×C or N×C×L"


class BatchNorm2d(_BatchNorm):
    """Normalises each channel of images N×C×H×W over the batch, height and width.

    In training by the batch at hand, afterwards by running averages of what was seen
    (`momentum` is how fast they follow). `affine` adds a learnt scale and offset.
    """

    id = "torch.nn.BatchNorm2d"
    title = "BatchNorm2d"
    keywords = "batch normalization bn"
    ranks = (4,)
    layout = "N×C×H×W"


class LayerNorm(Layer):
    """Normalises each sample over its last dims, independently of the batch.

    `normalized_shape` are the sizes of those dims; left empty, it is the last dim alone,
    as in transformers. `elementwise_affine` adds a learnt scale, `bias` a learnt offset.
    """

    id = "torch.nn.LayerNorm"
    title = "LayerNorm"
    family = Family.NORMALISATION
    keywords = "layer normalization ln transformer"
    positional = ("normalized_shape",)

    normalized_shape: Annotated[Size | tuple[Size, ...] | None, InferredMark()] = None
    eps: Positive = 1e-05
    elementwise_affine: bool = True
    bias: bool = True

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", -1)
        return {} if size is None else {"normalized_shape": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._empty(), check_weights(self, inputs), self._last_dims(inputs))

    def _empty(self) -> Iterator[Complaint]:
        if self.normalized_shape == ():
            yield bad_parameter(
                "normalized_shape has no sizes.",
                "Leave it empty to take the last dim of the input.",
                leave_out("normalized_shape"),
            )

    def _last_dims(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None or self.normalized_shape is None:
            return
        wanted = spread(self.normalized_shape, 1)
        found = tensor.shape[-len(wanted) :]
        if found != wanted:
            yield Complaint(
                f"LayerNorm expects the last dims {'×'.join(map(str, wanted))}, gets {tensor}.",
                "Leave normalized_shape empty to take the last dim of the input.",
                "input",
                fixes=(leave_out("normalized_shape"),),
            )


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
            self._channels(inputs),
            check_weights(self, inputs),
            check_size(self, "num_channels", "channels", inputs, "input", 1),
            self._divides(),
        )

    def _channels(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and tensor.rank < 2:
            yield Complaint(
                f"GroupNorm expects N×C and more dims, gets {tensor}.",
                "Put torch.unsqueeze before it to add the missing dim.",
                "input",
                code="shape.rank",
                fixes=(insert("Insert a dim at 1", "input", "torch.unsqueeze", dim=1),)
                if tensor.rank
                else (),
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

    def subtitle(self) -> str:
        return f"{self.num_groups} group" + ("s" if self.num_groups > 1 else "")
