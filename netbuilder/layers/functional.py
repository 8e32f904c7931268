"""Layers whose weights come by wire, as networks that make weights need them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Index,
    Layer,
    Pad1,
    Pad2,
    Port,
    Positive,
    Size,
    Size1,
    Size2,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_floating,
    check_index,
    check_same_dtype,
    differ,
    first_of,
    set_to,
)

Size3 = Size | tuple[Size, Size, Size]
Pad3 = Count | tuple[Count, Count, Count]


class _Weighted(Layer):
    """`input` and `weight`, and `bias` if wired."""

    inputs = (Port("input"), Port("weight"), Port("bias", optional=True))

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "input"),
            *(check_same_dtype(self, inputs, "input", name) for name in ("weight", "bias")),
            self.check_shapes(inputs),
        )

    def check_shapes(self, inputs: Types) -> Iterator[Complaint]:
        """What is wrong with the shapes."""
        return iter(())


class FLinear(_Weighted):
    """A Linear whose weight (out×in) and bias (out) come by wire: from another network, shared.

    y = x·Wᵀ + b over the last dim of its input.
    """

    id = "torch.nn.functional.linear"
    title = "linear (wired weight)"
    family = Family.LINEAR
    keywords = "functional hypernetwork tied weights shared dense"

    def check_shapes(self, inputs: Types) -> Iterator[Complaint]:
        tensor, weight = inputs.get("input"), inputs.get("weight")
        if weight is None:
            return
        if weight.rank not in (1, 2):
            yield wrong_rank(self, "weight", weight, "out×in")
        elif tensor is not None and tensor.rank and differ(tensor.shape[-1], weight.shape[-1]):
            yield Complaint(
                f"The weight {weight} takes {weight.shape[-1]} features, {tensor} comes in.",
                "The last dims of both must be equal.",
                "weight",
            )


def wrong_rank(layer: Layer, port: str, tensor: TensorType, layout: str) -> Complaint:
    """A wired tensor has not the dims of `layout`."""
    return Complaint(
        f"{layer.title} expects {layout} as {port}, gets {tensor}.",
        "Bring it to that shape. Weights that differ from sample to sample need einsum.",
        port,
        code="shape.rank",
    )


class _Conv(_Weighted):
    family = Family.CONVOLUTION
    spatial: ClassVar[int]
    transposed: ClassVar[bool] = False

    def check_shapes(self, inputs: Types) -> Iterator[Complaint]:
        tensor, weight = inputs.get("input"), inputs.get("weight")
        rank = self.spatial + 2
        sizes = "×".join(("L", "H×W", "D×H×W")[self.spatial - 1 : self.spatial])
        if tensor is not None and tensor.rank != rank:
            yield wrong_rank(self, "input", tensor, f"N×C×{sizes}")
            return
        if weight is not None and weight.rank != rank:
            layout = "in×out/groups×kernel" if self.transposed else "out×in/groups×kernel"
            yield wrong_rank(self, "weight", weight, layout)
            return
        if tensor is None or weight is None:
            return
        groups = getattr(self, "groups", 1)
        wanted = weight.shape[0] if self.transposed else weight.shape[1] * groups
        if differ(tensor.shape[1], wanted):
            yield Complaint(
                f"The weight {weight} takes {wanted} channels, {tensor} comes in.",
                "Change the weight or what comes in.",
                "weight",
            )


class FConv1d(_Conv):
    """A Conv1d whose weight (out×in/groups×k) and bias (out) come by wire."""

    id = "torch.nn.functional.conv1d"
    title = "conv1d (wired weight)"
    keywords = "functional convolution hypernetwork dynamic filter"
    spatial = 1

    stride: Size1 = 1
    padding: Pad1 = 0
    dilation: Size1 = 1
    groups: Size = 1


class FConv2d(_Conv):
    """A Conv2d whose weight (out×in/groups×k×k) and bias (out) come by wire."""

    id = "torch.nn.functional.conv2d"
    title = "conv2d (wired weight)"
    keywords = "functional convolution hypernetwork stylegan dynamic filter"
    spatial = 2

    stride: Size2 = 1
    padding: Pad2 = 0
    dilation: Size2 = 1
    groups: Size = 1


class FConv3d(_Conv):
    """A Conv3d whose weight (out×in/groups×k×k×k) and bias (out) come by wire."""

    id = "torch.nn.functional.conv3d"
    title = "conv3d (wired weight)"
    keywords = "functional convolution volume hypernetwork dynamic filter"
    spatial = 3

    stride: Size3 = 1
    padding: Pad3 = 0
    dilation: Size3 = 1
    groups: Size = 1


class FConvTranspose1d(_Conv):
    """A ConvTranspose1d whose weight (in×out/groups×k) and bias (out) come by wire."""

    id = "torch.nn.functional.conv_transpose1d"
    title = "conv transpose1d (wired weight)"
    keywords = "functional deconvolution tied weights upsample"
    spatial = 1
    transposed = True

    stride: Size1 = 1
    padding: Pad1 = 0
    output_padding: Pad1 = 0
    groups: Size = 1
    dilation: Size1 = 1


class FConvTranspose2d(_Conv):
    """A ConvTranspose2d whose weight (in×out/groups×k×k) and bias (out) come by wire."""

    id = "torch.nn.functional.conv_transpose2d"
    title = "conv transpose2d (wired weight)"
    keywords = "functional deconvolution tied weights upsample stylegan"
    spatial = 2
    transposed = True

    stride: Size2 = 1
    padding: Pad2 = 0
    output_padding: Pad2 = 0
    groups: Size = 1
    dilation: Size2 = 1


class FConvTranspose3d(_Conv):
    """A ConvTranspose3d whose weight (in×out/groups×k×k×k) and bias (out) come by wire."""

    id = "torch.nn.functional.conv_transpose3d"
    title = "conv transpose3d (wired weight)"
    keywords = "functional deconvolution volume tied weights upsample"
    spatial = 3
    transposed = True

    stride: Size3 = 1
    padding: Pad3 = 0
    output_padding: Pad3 = 0
    groups: Size = 1
    dilation: Size3 = 1


class FEmbedding(Layer):
    """An Embedding whose table (ids×features) comes by wire: shared with the last Linear."""

    id = "torch.nn.functional.embedding"
    title = "embedding (wired weight)"
    family = Family.LINEAR
    keywords = "functional lookup table tied weights codebook"
    inputs = (Port("input", "Ids (int64)."), Port("weight", "The table, ids×features."))

    padding_idx: Index | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_index(self, inputs, "input"), self._table(inputs))

    def _table(self, inputs: Types) -> Iterator[Complaint]:
        ids, weight = inputs.get("input"), inputs.get("weight")
        if weight is None:
            return
        if weight.rank != 2:
            yield wrong_rank(self, "weight", weight, "ids×features")
            return
        rows = weight.shape[0]
        if ids is not None and ids.high is not None and isinstance(rows, int) and ids.high > rows:
            yield Complaint(
                f"{ids.high} ids come in, the table has {rows} rows.",
                "Give the table a row for each id.",
                "weight",
                code="index.range",
            )


class FLayerNorm(Layer):
    """A LayerNorm whose scale and offset come by wire: one that another network steers.

    `normalized_shape` are the last sizes of the input, and those of weight and bias.
    """

    id = "torch.nn.functional.layer_norm"
    title = "layer norm (wired weight)"
    family = Family.NORMALISATION
    keywords = "functional adaptive conditional normalization"
    inputs = (Port("input"), Port("weight", optional=True), Port("bias", optional=True))
    positional = ("normalized_shape",)
    starting = start_with(normalized_shape=(64,))

    normalized_shape: Annotated[tuple[Size, ...], Field(min_length=1, max_length=8)]
    eps: Positive = 1e-05

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "input"),
            *(check_same_dtype(self, inputs, "input", name) for name in ("weight", "bias")),
            self._sizes(inputs),
        )

    def _sizes(self, inputs: Types) -> Iterator[Complaint]:
        wanted = TensorType(self.normalized_shape)
        for port, tensor in inputs.items():
            found = tensor.shape[-wanted.rank :] if port == "input" else tensor.shape
            if len(found) != wanted.rank or any(
                differ(a, b) for a, b in zip(found, wanted.shape, strict=True)
            ):
                same = all(isinstance(size, int) for size in found) and port == "input"
                yield Complaint(
                    f"layer norm of {wanted} gets {port} {tensor}.",
                    "normalized_shape are the last sizes of the input.",
                    port,
                    fixes=(set_to("normalized_shape", found),) if same and found else (),
                )
                return

    def subtitle(self) -> str:
        return "×".join(map(str, self.normalized_shape))


class FGroupNorm(Layer):
    """A GroupNorm whose scale and offset, a number a channel, come by wire."""

    id = "torch.nn.functional.group_norm"
    title = "group norm (wired weight)"
    family = Family.NORMALISATION
    keywords = "functional adaptive conditional normalization"
    inputs = (Port("input"), Port("weight", optional=True), Port("bias", optional=True))
    positional = ("num_groups",)
    starting = start_with(num_groups=1)

    num_groups: Size
    eps: Positive = 1e-05

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "input"),
            *(check_same_dtype(self, inputs, "input", name) for name in ("weight", "bias")),
            self._channels(inputs),
        )

    def _channels(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        if tensor.rank < 2:
            yield wrong_rank(self, "input", tensor, "N×C×...")
            return
        channels = tensor.shape[1]
        if isinstance(channels, int) and channels % self.num_groups:
            yield bad_parameter(
                f"{channels} channels can't be split into {self.num_groups} groups.",
                "Choose a number of groups that divides them.",
                set_to("num_groups", 1),
            )
        for port in ("weight", "bias"):
            other = inputs.get(port)
            if other is not None and other.shape != (channels,):
                yield Complaint(
                    f"group norm of {tensor} expects {channels} numbers as {port}, gets {other}.",
                    "Give one number for each channel.",
                    port,
                )
                return

    def subtitle(self) -> str:
        return f"{self.num_groups} groups"
