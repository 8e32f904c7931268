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
    Port,
    Positive,
    Probability,
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
    insert,
    leave_out,
    set_to,
    size_at,
    spread,
)
from netbuilder.layers.windows import LAYOUTS


class _ChannelNorm(Layer):
    """Statistics of each channel, over the batch, each sample or both."""

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
            self._single(inputs),
        )

    def _single(self, inputs: Types) -> Iterator[Complaint]:
        """Complaints about statistics over one number, which PyTorch refuses in training."""
        return iter(())


class _BatchNorm(_ChannelNorm):
    def _single(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and tensor.shape[0] == 1 and set(tensor.shape[2:]) <= {1}:
            yield Complaint(
                f"{self.title} has one number a channel in {tensor}: in training it needs more.",
                "Use batches of several samples, or LayerNorm, which needs no batch.",
                "input",
                code="shape.single",
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


class BatchNorm3d(_BatchNorm):
    """Normalises each channel of volumes N×C×D×H×W over the batch and all places.

    In training by the batch at hand, afterwards by running averages of what was seen
    (`momentum` is how fast they follow). `affine` adds a learnt scale and offset.
    """

    id = "torch.nn.BatchNorm3d"
    title = "BatchNorm3d"
    keywords = "batch normalization bn volume video"
    ranks = (5,)
    layout = LAYOUTS[3]


class SyncBatchNorm(_BatchNorm):
    """BatchNorm over the batches of all processes of a distributed training together.

    With one process it is BatchNorm1d, 2d or 3d by the dims of its input: N×C and any
    more. For GPUs that have room for a few samples each.
    """

    id = "torch.nn.SyncBatchNorm"
    title = "SyncBatchNorm"
    keywords = "batch normalization bn distributed multi gpu synchronized"
    ranks = (2, 3, 4, 5)
    layout = "N×C and up to three more dims"


class _InstanceNorm(_ChannelNorm):
    affine: bool = False
    track_running_stats: bool = False

    def _single(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and set(tensor.shape[2:]) == {1}:
            yield Complaint(
                f"{self.title} has one number a channel in each sample of {tensor}: less its mean "
                "it is always zero.",
                "Put it before the pooling, or use LayerNorm.",
                "input",
                code="shape.single",
            )


class InstanceNorm1d(_InstanceNorm):
    """Normalises each channel of each sequence N×C×L on its own.

    Removes differences of level and contrast between samples. `affine` adds a learnt scale
    and offset.
    """

    id = "torch.nn.InstanceNorm1d"
    title = "InstanceNorm1d"
    keywords = "instance normalization style"
    ranks = (3,)
    layout = LAYOUTS[1]


class InstanceNorm2d(_InstanceNorm):
    """Normalises each channel of each image N×C×H×W on its own.

    Removes differences of brightness and contrast between samples, as in style transfer.
    `affine` adds a learnt scale and offset.
    """

    id = "torch.nn.InstanceNorm2d"
    title = "InstanceNorm2d"
    keywords = "instance normalization style transfer contrast"
    ranks = (4,)
    layout = LAYOUTS[2]


class InstanceNorm3d(_InstanceNorm):
    """Normalises each channel of each volume N×C×D×H×W on its own.

    Removes differences of brightness and contrast between samples, as in medical scans.
    `affine` adds a learnt scale and offset.
    """

    id = "torch.nn.InstanceNorm3d"
    title = "InstanceNorm3d"
    keywords = "instance normalization volume video medical"
    ranks = (5,)
    layout = LAYOUTS[3]


class _LastDims(Layer):
    """Statistics of each sample over its last dims."""

    family = Family.NORMALISATION
    positional = ("normalized_shape",)
    normalised: ClassVar[str] = "input"
    """The port that is normalised, by the name of `forward`'s argument."""

    normalized_shape: Annotated[Size | tuple[Size, ...] | None, InferredMark()] = None

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, self.normalised, -1)
        return {} if size is None else {"normalized_shape": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._empty(),
            check_weights(self, inputs, self.normalised),
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
        tensor = inputs.get(self.normalised)
        if tensor is None or self.normalized_shape is None:
            return
        wanted = spread(self.normalized_shape, 1)
        found = tensor.shape[-len(wanted) :]
        if found != wanted:
            yield Complaint(
                f"{self.title} expects the last dims {'×'.join(map(str, wanted))}, gets {tensor}.",
                "Leave normalized_shape empty to take the last dim of the input.",
                self.normalised,
                fixes=(leave_out("normalized_shape"),),
            )

    def _single(self) -> Iterator[Complaint]:
        if self.normalized_shape is not None and set(spread(self.normalized_shape, 1)) == {1}:
            yield Complaint(
                f"{self.title} works on one number at a time: of each nothing but {self.left} is "
                "left.",
                "Normalise before the size becomes 1, or over more dims: set normalized_shape.",
                self.normalised,
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
    normalised = "x"
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
            self._single(inputs),
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

    def _single(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and self.num_channels == self.num_groups:
            if set(tensor.shape[2:]) <= {1}:
                yield Complaint(
                    f"Each of the {self.num_groups} groups of {tensor} has one number: less its "
                    "mean it is always zero.",
                    "Use fewer groups.",
                    "input",
                    code="shape.single",
                    severity="warning",
                    fixes=(set_to("num_groups", 1),) if self.num_groups > 1 else (),
                )

    def subtitle(self) -> str:
        return f"{self.num_groups} group" + ("s" if self.num_groups > 1 else "")


class _ResponseNorm(Layer):
    family = Family.NORMALISATION
    positional = ("size",)
    starting = start_with(size=5)
    ranks: ClassVar[tuple[int, ...]]
    layout: ClassVar[str]

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", self.ranks, self.layout),
            check_floating(self, inputs, "input"),
        )

    def subtitle(self) -> str:
        return f"{getattr(self, 'size', 0)} channels"


class LocalResponseNorm(_ResponseNorm):
    """Damps each number where the `size` channels around it are strong, as in AlexNet.

    Divides by (k + alpha·mean of their squares)ᵝ. Takes N×C×L, N×C×H×W or N×C×D×H×W.
    """

    id = "torch.nn.LocalResponseNorm"
    title = "LocalResponseNorm"
    keywords = "lrn lateral inhibition alexnet"
    ranks = (3, 4, 5)
    layout = " or ".join(LAYOUTS.values())

    size: Size
    alpha: Real = 0.0001
    beta: Real = 0.75
    k: Real = 1.0


class CrossMapLRN2d(_ResponseNorm):
    """LocalResponseNorm of images N×C×H×W as old Torch and Caffe models have it.

    For weights that come from there; otherwise use LocalResponseNorm, which is faster.
    """

    id = "torch.nn.CrossMapLRN2d"
    title = "CrossMapLRN2d"
    keywords = "lrn lateral inhibition caffe torch7"
    ranks = (4,)
    layout = LAYOUTS[2]

    size: Size
    alpha: Real = 0.0001
    beta: Real = 0.75
    k: Real = 1

    def onnx_refusal(self) -> str:
        return "PyTorch's exporter can't follow CrossMapLRN2d; LocalResponseNorm does the same."
