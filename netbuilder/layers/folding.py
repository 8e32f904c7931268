"""Windows taken out of images as columns, and put back."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.base import Complaint, Family, Layer, Pad2, Size2, Types, start_with
from netbuilder.layers.checks import check_floating, check_rank, first_of, spread
from netbuilder.layers.dims import product
from netbuilder.layers.windows import LAYOUTS, check_fits, extent, times


class _Columns(Layer):
    family = Family.CONVOLUTION

    def subtitle(self) -> str:
        return times(spread(getattr(self, "kernel_size", 1), 2))


class Fold(_Columns):
    """Adds columns N×(C·k)×L up into an image N×C×H×W: where windows overlap, they add.

    The way back from Unfold. `output_size` is H×W, `kernel_size` that of a window (k
    pixels), `stride` the step from window to window; L must be the number of windows.
    """

    id = "torch.nn.Fold"
    title = "Fold"
    keywords = "col2im overlap add patches inverse unfold"
    positional = ("output_size", "kernel_size")
    starting = start_with(output_size=(8, 8), kernel_size=2, stride=2)

    output_size: Size2
    kernel_size: Size2
    dilation: Size2 = 1
    padding: Pad2 = 0
    stride: Size2 = 1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (3,), "N×(C·k)×L"),
            check_floating(self, inputs, "input"),
            self._columns(inputs),
        )

    def _columns(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        window = spread(self.kernel_size, 2)
        pixels, rows = window[0] * window[1], tensor.shape[1]
        if isinstance(rows, int) and rows % pixels:
            yield Complaint(
                f"Each column of {tensor} has {rows} numbers: no multiple of the {pixels} pixels "
                f"of a {times(window)} window.",
                "Set kernel_size to that of the Unfold that made the columns.",
                "input",
            )
            return
        needed = self.windows()
        if isinstance(tensor.shape[2], int) and tensor.shape[2] != needed:
            yield Complaint(
                f"An image of {times(spread(self.output_size, 2))} has {needed} windows, "
                f"{tensor.shape[2]} columns come in.",
                "Choose output_size, stride, padding and dilation as in the Unfold before.",
                "input",
            )

    def windows(self) -> int:
        """How many windows the image has."""
        parts = (self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
        each = zip(*(spread(part, 2) for part in parts), strict=True)
        found = product(
            max(0, (size + 2 * pad - extent(kernel, dilation)) // stride + 1)
            for size, kernel, dilation, pad, stride in each
        )
        return int(str(found))


class Unfold(_Columns):
    """Takes each window of an image N×C×H×W out as a column: N×(C·k)×L, with L windows.

    `kernel_size` is that of a window (k pixels), `stride` the step from window to window;
    with stride equal to kernel_size the image is cut into patches.
    """

    id = "torch.nn.Unfold"
    title = "Unfold"
    keywords = "im2col patches sliding windows extract vit"
    positional = ("kernel_size",)
    starting = start_with(kernel_size=2, stride=2)

    kernel_size: Size2
    dilation: Size2 = 1
    padding: Pad2 = 0
    stride: Size2 = 1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        reach, pads, dilation = (
            spread(part, 2) for part in (self.kernel_size, self.padding, self.dilation)
        )
        return first_of(
            check_rank(self, inputs, "input", (4,), LAYOUTS[2]),
            check_floating(self, inputs, "input"),
            check_fits(self, inputs, reach, pads, dilation),
        )
