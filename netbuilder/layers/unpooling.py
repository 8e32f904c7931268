"""Unpooling: puts maxima back where MaxPool found them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netbuilder.errors import Fix
from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Layer,
    Pad1,
    Pad2,
    Pad3,
    Port,
    Size,
    Size1,
    Size2,
    Size3,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_floating,
    check_rank,
    differ,
    first_of,
    spread,
)
from netbuilder.layers.windows import LAYOUTS, times


class _Unpooling(Layer):
    family = Family.POOLING
    positional = ("kernel_size",)
    starting = start_with(kernel_size=2)
    inputs = (Port("input"), Port("indices", "The indices that the MaxPool gave."))
    in_call = ("output_size",)
    spatial: ClassVar[int]

    kernel_size: Size | tuple[Size, ...]
    stride: Size | tuple[Size, ...] | None = None
    padding: Count | tuple[Count, ...] = 0
    output_size: tuple[Size, ...] | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        ranks, layout = (self.spatial + 2,), LAYOUTS[self.spatial]
        return first_of(
            check_rank(self, inputs, "input", ranks, layout),
            check_floating(self, inputs, "input"),
            self._indices(inputs),
            self._wanted_size(inputs),
        )

    def _indices(self, inputs: Types) -> Iterator[Complaint]:
        tensor, indices = inputs.get("input"), inputs.get("indices")
        pool = self.title.replace("Unpool", "Pool")
        hint = (
            f"Wire the output 'indices' of the {pool} that this undoes: set return_indices there."
        )
        if indices is not None and indices.dtype != "int64":
            yield Complaint(
                f"{self.title} needs the places of the maxima (int64), gets {indices.dtype}.",
                hint,
                "indices",
                code="dtype.mismatch",
            )
        elif tensor is not None and indices is not None:
            pairs = zip(tensor.shape, indices.shape, strict=False)
            if tensor.rank != indices.rank or any(differ(a, b) for a, b in pairs):
                yield Complaint(
                    f"{self.title} gets {tensor} with indices {indices}: they must be alike.",
                    hint,
                    "indices",
                )

    def _wanted_size(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        step = self.kernel_size if self.stride is None else self.stride
        parts = (self.kernel_size, step, self.padding)
        each = zip(tensor.shape[2:], *(spread(part, self.spatial) for part in parts), strict=True)
        usual = [
            ((size - 1) * stride - 2 * pad + kernel, stride) for size, kernel, stride, pad in each
        ]
        for i, (size, stride) in enumerate(usual):
            if not isinstance(size, int):
                continue
            if self.output_size is None:
                if size < 1:
                    yield bad_parameter(
                        f"With this padding nothing is left of {tensor}: a size would be {size}.",
                        "Use the kernel_size, stride and padding of the pooling that this undoes.",
                    )
                    return
            elif not max(0, size - stride) < self.output_size[i] < size + stride:
                yield bad_parameter(
                    f"output_size {times(self.output_size)} can't be reached from {tensor}: it "
                    f"must be {max(1, size - stride + 1)} to {size + stride - 1} where it is "
                    f"{self.output_size[i]}.",
                    "Use the size that went into the pooling, or leave output_size empty.",
                    Fix("Leave output_size empty", "unset_parameter", {"name": "output_size"}),
                )
                return

    def subtitle(self) -> str:
        return times(spread(self.kernel_size, self.spatial))

    def onnx_refusal(self) -> str:
        return "PyTorch's exporter has no form of unpooling."


class MaxUnpool1d(_Unpooling):
    """Undoes a MaxPool1d: puts its maxima N×C×L back in their places, with zeros between.

    Wire the pooling's `indices`. `kernel_size`, `stride` and `padding` are those of the
    pooling; `output_size` says the length where several would have been pooled to this.
    """

    id = "torch.nn.MaxUnpool1d"
    title = "MaxUnpool1d"
    keywords = "unpooling inverse upsample decoder segnet"
    spatial = 1

    kernel_size: Size1
    stride: Size1 | None = None
    padding: Pad1 = 0
    output_size: tuple[Size] | None = None


class MaxUnpool2d(_Unpooling):
    """Undoes a MaxPool2d: puts its maxima N×C×H×W back in their places, with zeros between.

    Wire the pooling's `indices`. `kernel_size`, `stride` and `padding` are those of the
    pooling; `output_size` says the size where several would have been pooled to this.
    """

    id = "torch.nn.MaxUnpool2d"
    title = "MaxUnpool2d"
    keywords = "unpooling inverse upsample decoder segnet"
    spatial = 2

    kernel_size: Size2
    stride: Size2 | None = None
    padding: Pad2 = 0
    output_size: tuple[Size, Size] | None = None


class MaxUnpool3d(_Unpooling):
    """Undoes a MaxPool3d: puts its maxima N×C×D×H×W back in their places, with zeros between.

    Wire the pooling's `indices`. `kernel_size`, `stride` and `padding` are those of the
    pooling; `output_size` says the size where several would have been pooled to this.
    """

    id = "torch.nn.MaxUnpool3d"
    title = "MaxUnpool3d"
    keywords = "unpooling inverse upsample decoder volume video"
    spatial = 3

    kernel_size: Size3
    stride: Size3 | None = None
    padding: Pad3 = 0
    output_size: tuple[Size, Size, Size] | None = None
