"""Convolutions: small windows of weights that slide over the input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Inferred,
    Layer,
    Pad1,
    Pad2,
    Pad3,
    Size,
    Size1,
    Size2,
    Size3,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_rank,
    check_size,
    check_weights,
    first_of,
    set_to,
    size_at,
    spread,
)
from netbuilder.layers.windows import LAYOUTS, check_fits, extent, times

Anchor = Literal["valid", "same"]
Edge = Literal["zeros", "reflect", "replicate", "circular"]


class Convolution(Layer):
    """What all convolutions share; `spatial` is the number of dims a window slides over."""

    family = Family.CONVOLUTION
    positional = ("in_channels", "out_channels")
    spatial: ClassVar[int]

    in_channels: Inferred = None
    out_channels: Size
    kernel_size: Size | tuple[Size, ...]
    stride: Size | tuple[Size, ...] = 1

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", 1)
        tensor = inputs.get("input")
        fits = tensor is not None and tensor.rank == self.spatial + 2
        return {"in_channels": size} if fits and size is not None else {}

    def _input(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (self.spatial + 2,), LAYOUTS[self.spatial]),
            check_weights(self, inputs),
            check_size(self, "in_channels", "channels", inputs, "input", 1),
        )

    def _groups(self, groups: int) -> Iterator[Complaint]:
        for name in ("in_channels", "out_channels"):
            channels = getattr(self, name)
            if channels is not None and channels % groups:
                fixes = [set_to("groups", 1)]
                if name == "out_channels":
                    fixes.append(set_to(name, -(-channels // groups) * groups))
                yield bad_parameter(
                    f"{channels} {name} can't be split into {groups} groups.",
                    f"Choose groups so that it divides {name} without a rest.",
                    *fixes,
                )
                return

    def subtitle(self) -> str:
        parts = [times(spread(self.kernel_size, self.spatial)), str(self.out_channels)]
        stride = set(spread(self.stride, self.spatial))
        if stride != {1}:
            one = len(stride) == 1
            shown = stride.pop() if one else times(spread(self.stride, self.spatial))
            parts.append(f"stride {shown}")
        groups = getattr(self, "groups", 1)
        if groups > 1:
            parts.append(f"{groups} groups")
        return ", ".join(parts)


class _Conv(Convolution):
    """Convolutions that keep or shrink their input."""

    padding: Anchor | Count | tuple[Count, ...] = 0
    dilation: Size | tuple[Size, ...] = 1
    groups: Size = 1
    bias: bool = True
    padding_mode: Edge = "zeros"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._same_stride(),
            self._input(inputs),
            self._groups(self.groups),
            self._fits(inputs),
            self._edges(inputs),
        )

    def _same_stride(self) -> Iterator[Complaint]:
        if self.padding == "same" and set(spread(self.stride, self.spatial)) != {1}:
            reach = spread(self.kernel_size, self.spatial)
            half = tuple(size // 2 for size in reach)
            yield bad_parameter(
                "padding 'same' works with stride 1 only.",
                "Set stride to 1, or give the padding as a number.",
                set_to("stride", 1),
                set_to("padding", half[0] if len(set(half)) == 1 else half),
            )

    def _padding(self) -> tuple[int, ...]:
        """Padding on each side in numbers; rounded up for 'same'."""
        kernel = spread(self.kernel_size, self.spatial)
        dilation = spread(self.dilation, self.spatial)
        if self.padding == "same":
            return tuple(extent(k, d) // 2 for k, d in zip(kernel, dilation, strict=True))
        if isinstance(self.padding, str):
            return (0,) * self.spatial
        return spread(self.padding, self.spatial)

    def _fits(self, inputs: Types) -> Iterator[Complaint]:
        if self.padding != "same":
            kernel = spread(self.kernel_size, self.spatial)
            dilation = spread(self.dilation, self.spatial)
            yield from check_fits(self, inputs, kernel, self._padding(), dilation)

    def _edges(self, inputs: Types) -> Iterator[Complaint]:
        """Mirrored and wrapped edges are made of the input, which must be large enough."""
        tensor = inputs.get("input")
        if self.padding_mode in ("zeros", "replicate") or tensor is None:
            return
        room = 1 if self.padding_mode == "reflect" else 0
        for size, pad in zip(tensor.shape[2:], self._padding(), strict=True):
            if isinstance(size, int) and pad > size - room:
                yield Complaint(
                    f"padding {pad} is too much for an input of {size} with padding_mode "
                    f"'{self.padding_mode}'.",
                    f"Use at most {size - room}, or padding_mode 'zeros'.",
                    "input",
                    code="shape.window",
                    fixes=(set_to("padding_mode", "zeros"),),
                )
                return


class Conv1d(_Conv):
    """Convolution over sequences N×C×L: slides `out_channels` filters along the last dim.

    `kernel_size` is the width of a filter, `stride` its step, `padding` what is added at
    both ends ('same' keeps the length), `dilation` the spacing of its taps. `groups`
    splits the channels into independent parts.
    """

    id = "torch.nn.Conv1d"
    title = "Conv1d"
    keywords = "convolution temporal causal filter signal audio"
    spatial = 1
    starting = start_with(out_channels=32, kernel_size=3)

    kernel_size: Size1
    stride: Size1 = 1
    padding: Anchor | Pad1 = 0
    dilation: Size1 = 1


class Conv2d(_Conv):
    """Convolution over images N×C×H×W: slides `out_channels` filters over height and width.

    `kernel_size` is the size of a filter, `stride` its step, `padding` what is added at
    the edges ('same' keeps the size), `dilation` the spacing of its taps. `groups` splits
    the channels into independent parts; as many groups as channels is a depthwise one.
    """

    id = "torch.nn.Conv2d"
    title = "Conv2d"
    keywords = "convolution filter kernel image cnn depthwise"
    spatial = 2
    starting = start_with(out_channels=32, kernel_size=3, padding=1)

    kernel_size: Size2
    stride: Size2 = 1
    padding: Anchor | Pad2 = 0
    dilation: Size2 = 1


class Conv3d(_Conv):
    """Convolution over volumes N×C×D×H×W: medical scans, or video with time as depth.

    `kernel_size` is the size of a filter, `stride` its step, `padding` what is added at
    the edges ('same' keeps the size), `dilation` the spacing of its taps. `groups` splits
    the channels into independent parts.
    """

    id = "torch.nn.Conv3d"
    title = "Conv3d"
    keywords = "convolution filter kernel volume video voxel medical"
    spatial = 3
    starting = start_with(out_channels=32, kernel_size=3, padding=1)

    kernel_size: Size3
    stride: Size3 = 1
    padding: Anchor | Pad3 = 0
    dilation: Size3 = 1
