"""Transposed convolutions: windows of weights that enlarge the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from netbuilder.errors import Fix
from netbuilder.layers.base import (
    Complaint,
    Count,
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
from netbuilder.layers.checks import bad_parameter, first_of, set_to, spread
from netbuilder.layers.convolution import Convolution
from netbuilder.layers.dims import Dim
from netbuilder.layers.windows import extent, times


class _ConvTranspose(Convolution):
    """Convolutions that enlarge their input."""

    in_call = ("output_size",)

    padding: Count | tuple[Count, ...] = 0
    output_padding: Count | tuple[Count, ...] = 0
    groups: Size = 1
    bias: bool = True
    dilation: Size | tuple[Size, ...] = 1
    padding_mode: Literal["zeros"] = "zeros"
    output_size: tuple[Size, ...] | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._output_padding(),
            self._input(inputs),
            self._groups(self.groups),
            self._nothing_left(inputs),
            self._wanted_size(inputs),
        )

    def _output_padding(self) -> Iterator[Complaint]:
        extra = spread(self.output_padding, self.spatial)
        stride = spread(self.stride, self.spatial)
        dilation = spread(self.dilation, self.spatial)
        for more, s, d in zip(extra, stride, dilation, strict=True):
            if more >= max(s, d):
                yield bad_parameter(
                    f"output_padding {more} must be less than the stride or the dilation ({s}, "
                    f"{d}).",
                    "Set output_padding to 0, or use a larger stride.",
                    set_to("output_padding", 0),
                )
                return

    def _smallest(self, sizes: Sequence[Dim]) -> tuple[Dim, ...]:
        """The output's spatial sizes without output_padding."""
        parts = (self.kernel_size, self.stride, self.padding, self.dilation)
        each = zip(sizes, *(spread(part, self.spatial) for part in parts), strict=True)
        return tuple(
            (size - 1) * stride - 2 * pad + extent(kernel, dilation)
            for size, kernel, stride, pad, dilation in each
        )

    def _nothing_left(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        sizes = tensor.shape[2:]
        more = spread(self.output_padding, self.spatial)
        pads = spread(self.padding, self.spatial)
        for size, least, extra, pad in zip(sizes, self._smallest(sizes), more, pads, strict=True):
            if isinstance(least, int) and least + extra < 1:
                yield Complaint(
                    f"With padding {pad} nothing is left of an input of {size}: the size would be "
                    f"{least + extra}.",
                    "Use less padding: here it is cut from the result.",
                    "input",
                    code="shape.window",
                    fixes=(set_to("padding", 0),),
                )
                return

    def _wanted_size(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None or self.output_size is None:
            return
        low = self._smallest(tensor.shape[2:])
        stride = spread(self.stride, self.spatial)
        for least, step, wanted in zip(low, stride, self.output_size, strict=True):
            if isinstance(least, int) and not least <= wanted < least + step:
                span = f"{least} to {least + step - 1}" if step > 1 else f"{least} only"
                yield bad_parameter(
                    f"output_size {times(self.output_size)} can't be reached from {tensor}: a "
                    f"size of {wanted} is asked for, {span} is possible.",
                    "Leave output_size empty, or change stride, padding or kernel_size.",
                    Fix("Leave output_size empty", "unset_parameter", {"name": "output_size"}),
                )
                return


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution over sequences N×C×L, which makes them longer.

    With kernel_size 2 and stride 2 the length doubles. `padding` is cut from both ends of
    the result, `output_padding` is added at its end. `output_size` asks for one of the
    lengths that a strided convolution would shrink to this input.
    """

    id = "torch.nn.ConvTranspose1d"
    title = "ConvTranspose1d"
    keywords = "deconvolution upsample decoder fractionally strided"
    spatial = 1
    starting = start_with(out_channels=32, kernel_size=2, stride=2)

    kernel_size: Size1
    stride: Size1 = 1
    padding: Pad1 = 0
    output_padding: Pad1 = 0
    dilation: Size1 = 1
    output_size: tuple[Size] | None = None


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution over images N×C×H×W, which makes them larger: for decoders.

    With kernel_size 2 and stride 2 height and width double. `padding` is cut from the
    edges of the result, `output_padding` is added at the lower right. `output_size` asks
    for one of the sizes that a strided convolution would shrink to this input.
    """

    id = "torch.nn.ConvTranspose2d"
    title = "ConvTranspose2d"
    keywords = "deconvolution upsample decoder generator fractionally strided"
    spatial = 2
    starting = start_with(out_channels=32, kernel_size=2, stride=2)

    kernel_size: Size2
    stride: Size2 = 1
    padding: Pad2 = 0
    output_padding: Pad2 = 0
    dilation: Size2 = 1
    output_size: tuple[Size, Size] | None = None


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution over volumes N×C×D×H×W, which makes them larger.

    With kernel_size 2 and stride 2 each side doubles. `padding` is cut from the edges of
    the result, `output_padding` is added at the far ends. `output_size` asks for one of
    the sizes that a strided convolution would shrink to this input.
    """

    id = "torch.nn.ConvTranspose3d"
    title = "ConvTranspose3d"
    keywords = "deconvolution upsample decoder volume video fractionally strided"
    spatial = 3
    starting = start_with(out_channels=32, kernel_size=2, stride=2)

    kernel_size: Size3
    stride: Size3 = 1
    padding: Pad3 = 0
    output_padding: Pad3 = 0
    dilation: Size3 = 1
    output_size: tuple[Size, Size, Size] | None = None
