"""Normalisation of each channel, over the batch or within each sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netbuilder.graph.model import Json
from netbuilder.layers.base import Complaint, Family, Inferred, Layer, Positive, Probability, Types
from netbuilder.layers.checks import check_rank, check_size, check_weights, first_of, size_at
from netbuilder.layers.windows import LAYOUTS


class _ChannelNorm(Layer):
    """Statistics of each channel, over the batch, each sample or both."""

    family = Family.NORMALISATION
    positional = ("num_features",)
    same_type = "input"
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
