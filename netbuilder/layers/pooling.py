"""Pooling: one number for each window of the input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Layer,
    Pad1,
    Pad2,
    Port,
    Ports,
    Size,
    Size1,
    Size2,
    Targets,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_floating,
    check_rank,
    first_of,
    set_to,
    spread,
)
from netbuilder.layers.windows import LAYOUTS, check_fits, times


class _Pooling(Layer):
    family = Family.POOLING
    positional = ("kernel_size",)
    spatial: ClassVar[int]

    kernel_size: Size | tuple[Size, ...]
    stride: Size | tuple[Size, ...] | None = None
    padding: Count | tuple[Count, ...] = 0

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        kernel = spread(self.kernel_size, self.spatial)
        padding = spread(self.padding, self.spatial)
        dilation = spread(getattr(self, "dilation", 1), self.spatial)
        return first_of(
            self._padding(kernel, padding),
            check_rank(self, inputs, "input", (self.spatial + 2,), LAYOUTS[self.spatial]),
            check_floating(self, inputs, "input"),
            # With ceil_mode a window may stick out.
            ()
            if getattr(self, "ceil_mode", False)
            else check_fits(self, inputs, kernel, padding, dilation),
        )

    @staticmethod
    def _padding(kernel: tuple[int, ...], padding: tuple[int, ...]) -> Iterator[Complaint]:
        for size, pad in zip(kernel, padding, strict=True):
            if 2 * pad > size:
                yield bad_parameter(
                    f"padding {pad} is more than half of the kernel size {size}.",
                    f"Use at most {size // 2}.",
                    set_to("padding", tuple(k // 2 for k in kernel)),
                )
                return

    def subtitle(self) -> str:
        kernel = spread(self.kernel_size, self.spatial)
        stride = kernel if self.stride is None else spread(self.stride, self.spatial)
        if stride == kernel:
            return times(kernel)
        shown = str(stride[0]) if len(set(stride)) == 1 else times(stride)
        return f"{times(kernel)}, stride {shown}"


class _MaxPool(_Pooling):
    dilation: Size | tuple[Size, ...] = 1
    return_indices: bool = False
    ceil_mode: bool = False

    def ports(self) -> Ports:
        more = (Port("indices", "Where each maximum was."),) if self.return_indices else ()
        return Ports(self.inputs, (*self.outputs, *more))

    def targets(self) -> Targets:
        return ("output", "indices") if self.return_indices else "output"


class MaxPool1d(_MaxPool):
    """The largest number of each window of a sequence N×C×L.

    `stride` is the step of the window; left empty, windows stand side by side. With
    `return_indices` a second output tells where each maximum was.
    """

    id = "torch.nn.MaxPool1d"
    title = "MaxPool1d"
    keywords = "maximum downsample subsample"
    spatial = 1
    starting = start_with(kernel_size=2)

    kernel_size: Size1
    stride: Size1 | None = None
    padding: Pad1 = 0
    dilation: Size1 = 1


class MaxPool2d(_MaxPool):
    """The largest number of each window of an image N×C×H×W; kernel_size 2 halves it.

    `stride` is the step of the window; left empty, windows stand side by side. With
    `ceil_mode` windows that stick out at the end count too. With `return_indices` a
    second output tells where each maximum was.
    """

    id = "torch.nn.MaxPool2d"
    title = "MaxPool2d"
    keywords = "maximum downsample subsample"
    spatial = 2
    starting = start_with(kernel_size=2)

    kernel_size: Size2
    stride: Size2 | None = None
    padding: Pad2 = 0
    dilation: Size2 = 1


class _AvgPool(_Pooling):
    ceil_mode: bool = False
    count_include_pad: bool = True


class AvgPool1d(_AvgPool):
    """The mean of each window of a sequence N×C×L.

    `stride` is the step of the window; left empty, windows stand side by side.
    `count_include_pad`: whether padding counts as zeros in the mean.
    """

    id = "torch.nn.AvgPool1d"
    title = "AvgPool1d"
    keywords = "mean average downsample smooth"
    spatial = 1
    starting = start_with(kernel_size=2)

    kernel_size: Size1
    stride: Size1 | None = None
    padding: Pad1 = 0


class AvgPool2d(_AvgPool):
    """The mean of each window of an image N×C×H×W; kernel_size 2 halves it.

    `stride` is the step of the window; left empty, windows stand side by side.
    `count_include_pad`: whether padding counts as zeros in the mean. `divisor_override`
    divides the sum by another number than the window's size.
    """

    id = "torch.nn.AvgPool2d"
    title = "AvgPool2d"
    keywords = "mean average downsample smooth"
    spatial = 2
    starting = start_with(kernel_size=2)

    kernel_size: Size2
    stride: Size2 | None = None
    padding: Pad2 = 0
    divisor_override: Size | None = None

    def onnx_refusal(self) -> str:
        if self.divisor_override is None:
            return ""
        return "ONNX has no average pooling with divisor_override."


class _Adaptive(Layer):
    family = Family.POOLING
    positional = ("output_size",)
    spatial: ClassVar[int]

    output_size: Size | tuple[Size | None, ...]

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (self.spatial + 2,), LAYOUTS[self.spatial]),
            check_floating(self, inputs, "input"),
        )

    def subtitle(self) -> str:
        size = self.output_size
        sizes = size if isinstance(size, tuple) else (size,) * self.spatial
        return "to " + "×".join("·" if s is None else str(s) for s in sizes)


class AdaptiveAvgPool1d(_Adaptive):
    """Means of as many windows as `output_size` says, whatever the length of the sequence.

    With output_size 1 it is the mean over the whole sequence: N×C×L becomes N×C×1.
    """

    id = "torch.nn.AdaptiveAvgPool1d"
    title = "AdaptiveAvgPool1d"
    keywords = "global average pooling gap mean"
    spatial = 1
    starting = start_with(output_size=1)

    output_size: Size | tuple[Size]


class AdaptiveAvgPool2d(_Adaptive):
    """Means of windows laid out so that the image gets the size `output_size`.

    With output_size 1 it is global average pooling: N×C×H×W becomes N×C×1×1, whatever
    H and W are.
    """

    id = "torch.nn.AdaptiveAvgPool2d"
    title = "AdaptiveAvgPool2d"
    keywords = "global average pooling gap mean"
    spatial = 2
    starting = start_with(output_size=1)

    output_size: Size | tuple[Size | None, Size | None]
