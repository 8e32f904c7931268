"""Patches, windows and norms of images, as transformers and their kin use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netbuilder.graph.model import Json
from netbuilder.layers import dims
from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Inferred,
    Layer,
    Port,
    Positive,
    Size,
    Size2,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_floating,
    check_rank,
    check_size,
    check_weights,
    differ,
    first_of,
    insert,
    set_to,
    size_at,
    spread,
)

IMAGE, LAST = "N×C×H×W", "N×H×W×C"


def check_channels_last(layer: Layer, inputs: Types, port: str) -> Iterator[Complaint]:
    """Complains if an image has not four dims; channels are to come last."""
    yield from check_rank(layer, inputs, port, (4,), LAST, None)


def check_multiple(
    layer: Layer, inputs: Types, port: str, dims: tuple[int, int], sizes: tuple[int, ...]
) -> Iterator[Complaint]:
    """Complains if height or width can't be cut into pieces of these sizes without a rest."""
    for dim, size, name in zip(dims, sizes, ("height", "width"), strict=True):
        found = size_at(inputs, port, dim)
        if found is not None and found % size:
            short = size - found % size
            pad = (0, 0) * (3 - dim) + (0, short)
            yield Complaint(
                f"{layer.title} can't cut a {name} of {found} into pieces of {size}.",
                f"Pad it by {short}, crop it, or choose a size that divides {found}.",
                port,
                fixes=(insert(f"Pad by {short}", port, "torch.nn.functional.pad", pad=pad),),
            )
            return


class _Channels(Layer):
    """A layer with weights for each channel of an image N×C×H×W."""

    positional = ("channels",)

    channels: Inferred = None

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", 1)
        return {} if size is None else {"channels": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (4,), IMAGE),
            check_weights(self, inputs),
            check_size(self, "channels", "channels", inputs, "input", 1),
        )


class PatchEmbed(Layer):
    """Cuts images N×C×H×W into patches and makes each a vector: N×T×embed_dim.

    The first layer of a vision transformer: a convolution whose stride is its kernel.
    T is the number of patches, row by row.
    """

    id = "netbuilder.PatchEmbed"
    part = "vision.PatchEmbed"
    title = "PatchEmbed"
    family = Family.CONVOLUTION
    keywords = "vit vision transformer patch embedding tokens swin"
    positional = ("in_channels", "embed_dim", "patch_size")
    starting = start_with(embed_dim=192, patch_size=4)

    in_channels: Inferred = None
    embed_dim: Size
    patch_size: Size2

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", 1)
        return {} if size is None else {"in_channels": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (4,), IMAGE),
            check_weights(self, inputs),
            check_size(self, "in_channels", "channels", inputs, "input", 1),
            check_multiple(self, inputs, "input", (2, 3), spread(self.patch_size, 2)),
        )

    def subtitle(self) -> str:
        patch = "×".join(map(str, spread(self.patch_size, 2)))
        return f"{self.embed_dim}, patches {patch}"


class LayerNorm2d(_Channels):
    """Normalises the channels of each pixel of N×C×H×W, as in ConvNeXt."""

    id = "netbuilder.LayerNorm2d"
    part = "vision.LayerNorm2d"
    title = "LayerNorm2d"
    family = Family.NORMALISATION
    keywords = "layer normalization channels first convnext ln"

    eps: Positive = 1e-6


class GlobalResponseNorm(_Channels):
    """Strengthens the channels of N×C×H×W that respond more than the others.

    Each is weighed by its norm over the image divided by the mean of all norms; it begins as
    the identity. From ConvNeXt V2 (Woo and others, 2023).
    """

    id = "netbuilder.GlobalResponseNorm"
    part = "vision.GlobalResponseNorm"
    title = "GlobalResponseNorm"
    family = Family.NORMALISATION
    keywords = "grn convnext v2 normalization competition"

    eps: Positive = 1e-6


class BlurPool2d(Layer):
    """Makes images N×C×H×W smaller by `stride`, blurred before so that nothing flickers.

    Use it in place of a stride for networks that are to treat shifted images alike
    (Zhang, 2019).
    """

    id = "netbuilder.BlurPool2d"
    part = "vision.BlurPool2d"
    title = "BlurPool2d"
    family = Family.POOLING
    keywords = "antialias downsample blur shift invariant"
    summary_fields = ("stride",)

    stride: Size = 2

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_rank(self, inputs, "input", (4,), IMAGE), check_weights(self, inputs))


# -- windows ---------------------------------------------------------------------------------


class _Windows(Layer):
    family = Family.RESHAPE
    positional: ClassVar[tuple[str, ...]] = ("window_size",)
    starting = start_with(window_size=7)
    summary_fields: ClassVar[tuple[str, ...]] = ("window_size",)
    is_view = True  # of one window, or one column of them

    window_size: Size

    def _cut(self, inputs: Types, port: str) -> Iterator[Complaint]:
        sizes = (self.window_size, self.window_size)
        return first_of(
            check_channels_last(self, inputs, port),
            check_multiple(self, inputs, port, (1, 2), sizes),
        )


class WindowPartition(_Windows):
    """Cuts N×H×W×C into square windows, each a sequence of its own: (N·windows)×L×C.

    For attention within windows, as in Swin; WindowReverse puts them together again.
    """

    id = "netbuilder.WindowPartition"
    part = "vision.WindowPartition"
    title = "WindowPartition"
    keywords = "swin window attention cut split"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return self._cut(inputs, "input")


class WindowReverse(_Windows):
    """Puts windows (N·windows)×L×C, or N×windows×L×C, together to N×H×W×C again.

    Connect what WindowPartition was given to `reference`: it tells height and width.
    """

    id = "netbuilder.WindowReverse"
    part = "vision.WindowReverse"
    title = "WindowReverse"
    keywords = "swin window attention merge join"
    inputs = (Port("input"), Port("reference", "What was cut: its height and width count."))

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (3, 4), "(N·windows)×L×C", None),
            self._cut(inputs, "reference"),
            self._windows(inputs),
        )

    def _windows(self, inputs: Types) -> Iterator[Complaint]:
        windows, reference = inputs.get("input"), inputs.get("reference")
        if windows is None or reference is None:
            return
        size = self.window_size
        batch, height, width = reference.shape[:3]
        count, length = dims.product(windows.shape[:-2]), windows.shape[-2]
        if differ(length, size * size):
            yield Complaint(
                f"A window of {size}×{size} has {size * size} places, not {length}.",
                "Use the window_size of the WindowPartition.",
                "input",
            )
        elif differ(count, batch * (height // size) * (width // size)):
            yield Complaint(
                f"{count} windows of {size}×{size} do not make up {reference}.",
                "Connect what the WindowPartition was given to reference.",
                "reference",
            )


class ShiftedWindowMask(_Windows):
    """Numbers windows×L×L to add to attention scores where a rolled image is cut into windows.

    -inf between places that only the roll by -`shift` brought together, else 0. Connect the
    image N×H×W×C that is cut.
    """

    id = "netbuilder.ShiftedWindowMask"
    part = "vision.ShiftedWindowMask"
    title = "ShiftedWindowMask"
    family = Family.ATTENTION
    keywords = "swin shifted window attention mask roll"
    positional = ("window_size", "shift")
    inputs = (Port("reference", "Its height and width count, not its numbers."),)
    starting = start_with(window_size=7, shift=3)
    summary_fields = ("window_size", "shift")

    shift: Count

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._shift(), self._cut(inputs, "reference"))

    def _shift(self) -> Iterator[Complaint]:
        if self.shift >= self.window_size:
            yield bad_parameter(
                f"shift {self.shift} must be less than window_size {self.window_size}.",
                "Half of window_size is usual.",
                set_to("shift", self.window_size // 2),
            )


class MinibatchStdDev(Layer):
    """Adds a channel to N×C×H×W that says how much the samples of the batch differ.

    For the discriminator of a GAN: it sees whether all samples are alike (Karras and
    others, 2018). What a sample gives then depends on the others in its batch.
    """

    id = "netbuilder.MinibatchStdDev"
    part = "noise.MinibatchStdDev"
    title = "MinibatchStdDev"
    family = Family.REDUCTION
    keywords = "gan discriminator minibatch standard deviation mode collapse diversity"

    eps: Positive = 1e-8

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (2, 3, 4, 5), IMAGE),
            check_floating(self, inputs, "input"),
        )
