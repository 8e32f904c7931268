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
    Pad3,
    Port,
    Ports,
    Positive,
    Size,
    Size1,
    Size2,
    Size3,
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


class IndexedPooling(Layer):
    """What pooling layers share that can tell where each maximum was.

    `spatial` is the number of dims that windows are laid over.
    """

    family = Family.POOLING
    spatial: ClassVar[int]

    def ports(self) -> Ports:
        asked = getattr(self, "return_indices", False)
        more = (Port("indices", "Where each maximum was."),) if asked else ()
        return Ports(self.inputs, (*self.outputs, *more))

    def targets(self) -> Targets:
        return ("output", "indices") if getattr(self, "return_indices", False) else "output"

    def image(self, inputs: Types) -> Iterator[Complaint]:
        """Complaints about anything but floating point numbers in the usual layout."""
        return first_of(
            check_rank(self, inputs, "input", (self.spatial + 2,), LAYOUTS[self.spatial]),
            check_floating(self, inputs, "input"),
        )


class _Pooling(IndexedPooling):
    """Windows of `kernel_size` that slide with `stride`; subclasses have the parameters."""

    positional: ClassVar[tuple[str, ...]] = ("kernel_size",)

    def _each(self, name: str, default: int) -> tuple[int, ...]:
        """A parameter that not all of them have, for each spatial dim."""
        return spread(getattr(self, name, default), self.spatial)

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        kernel = self._each("kernel_size", 1)
        padding, dilation = self._each("padding", 0), self._each("dilation", 1)
        return first_of(
            self._padding(kernel, padding),
            self.image(inputs),
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
        kernel = self._each("kernel_size", 1)
        given = getattr(self, "stride", None)
        stride = kernel if given is None else spread(given, self.spatial)
        if stride == kernel:
            return times(kernel)
        shown = str(stride[0]) if len(set(stride)) == 1 else times(stride)
        return f"{times(kernel)}, stride {shown}"


class _MaxPool(_Pooling):
    kernel_size: Size | tuple[Size, ...]
    stride: Size | tuple[Size, ...] | None = None
    padding: Count | tuple[Count, ...] = 0
    dilation: Size | tuple[Size, ...] = 1
    return_indices: bool = False
    ceil_mode: bool = False


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


class MaxPool3d(_MaxPool):
    """The largest number of each window of a volume N×C×D×H×W; kernel_size 2 halves it.

    `stride` is the step of the window; left empty, windows stand side by side. With
    `ceil_mode` windows that stick out at the end count too. With `return_indices` a
    second output tells where each maximum was.
    """

    id = "torch.nn.MaxPool3d"
    title = "MaxPool3d"
    keywords = "maximum downsample subsample volume video"
    spatial = 3
    starting = start_with(kernel_size=2)

    kernel_size: Size3
    stride: Size3 | None = None
    padding: Pad3 = 0
    dilation: Size3 = 1


class _AvgPool(_Pooling):
    kernel_size: Size | tuple[Size, ...]
    stride: Size | tuple[Size, ...] | None = None
    padding: Count | tuple[Count, ...] = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    def onnx_refusal(self) -> str:
        if getattr(self, "divisor_override", None) is None:
            return ""
        return "ONNX has no average pooling with divisor_override."


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


class AvgPool3d(_AvgPool):
    """The mean of each window of a volume N×C×D×H×W; kernel_size 2 halves it.

    `stride` is the step of the window; left empty, windows stand side by side.
    `count_include_pad`: whether padding counts as zeros in the mean. `divisor_override`
    divides the sum by another number than the window's size.
    """

    id = "torch.nn.AvgPool3d"
    title = "AvgPool3d"
    keywords = "mean average downsample smooth volume video"
    spatial = 3
    starting = start_with(kernel_size=2)

    kernel_size: Size3
    stride: Size3 | None = None
    padding: Pad3 = 0
    divisor_override: Size | None = None


class _LPPool(_Pooling):
    positional = ("norm_type", "kernel_size")
    starting = start_with(norm_type=2.0, kernel_size=2)

    norm_type: Positive
    kernel_size: Size | tuple[Size, ...]
    stride: Size | tuple[Size, ...] | None = None
    ceil_mode: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(super().complaints(inputs), self._roots())

    def _roots(self) -> Iterator[Complaint]:
        if self.norm_type != 1 and self.norm_type % 2:
            yield Complaint(
                f"norm_type {self.norm_type:g} gives NaN where the inputs are negative.",
                "Use 2 or another even number, or make the inputs positive before.",
                code="parameter.invalid",
                severity="warning",
                fixes=(set_to("norm_type", 2.0),),
            )

    def subtitle(self) -> str:
        return f"L{self.norm_type:g}, {super().subtitle()}"


class LPPool1d(_LPPool):
    """The Lᵖ norm of each window of a sequence N×C×L, with p = `norm_type`.

    1 is the sum, 2 the root of the sum of squares; a large p comes close to the maximum.
    """

    id = "torch.nn.LPPool1d"
    title = "LPPool1d"
    keywords = "power average norm pooling downsample"
    spatial = 1

    kernel_size: Size  # a tuple of one, as elsewhere, PyTorch refuses here
    stride: Size | None = None


class LPPool2d(_LPPool):
    """The Lᵖ norm of each window of an image N×C×H×W, with p = `norm_type`.

    1 is the sum, 2 the root of the sum of squares; a large p comes close to the maximum.
    """

    id = "torch.nn.LPPool2d"
    title = "LPPool2d"
    keywords = "power average norm pooling downsample"
    spatial = 2

    kernel_size: Size2
    stride: Size2 | None = None


class LPPool3d(_LPPool):
    """The Lᵖ norm of each window of a volume N×C×D×H×W, with p = `norm_type`.

    1 is the sum, 2 the root of the sum of squares; a large p comes close to the maximum.
    """

    id = "torch.nn.LPPool3d"
    title = "LPPool3d"
    keywords = "power average norm pooling downsample volume video"
    spatial = 3

    kernel_size: Size3
    stride: Size3 | None = None
