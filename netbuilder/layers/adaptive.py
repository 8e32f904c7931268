"""Pooling to a given size, whatever the size that comes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from netbuilder.errors import Fix
from netbuilder.layers.base import Complaint, Size, Size2, Size3, Types, start_with
from netbuilder.layers.checks import bad_parameter, first_of, set_to, spread
from netbuilder.layers.pooling import IndexedPooling
from netbuilder.layers.windows import times

Ratio = Annotated[float, Field(gt=0.0, lt=1.0, allow_inf_nan=False)]


class _Adaptive(IndexedPooling):
    positional = ("output_size",)
    starting = start_with(output_size=1)

    output_size: Size | tuple[Size | None, ...]

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self.image(inputs), self._repeats(inputs))

    def sizes(self) -> tuple[Size | None, ...]:
        """The output's size along each spatial dim; None keeps it as it is."""
        size = self.output_size
        return size if isinstance(size, tuple) else (size,) * self.spatial

    def _repeats(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        wanted = self.sizes()
        pairs = list(zip(tensor.shape[2:], wanted, strict=True))
        if any(isinstance(size, int) and size < (want or 0) for size, want in pairs):
            fitting = tuple(
                min(size, want) if isinstance(size, int) and want is not None else want
                for size, want in pairs
            )
            shown = "×".join("·" if s is None else str(s) for s in wanted)
            yield Complaint(
                f"{self.title} makes {shown} of {tensor}: it repeats numbers to get there.",
                "Use an output_size that is no larger than what comes in.",
                "input",
                code="shape.window",
                severity="warning",
                fixes=(set_to("output_size", fitting),),
            )

    def subtitle(self) -> str:
        return "to " + "×".join("·" if s is None else str(s) for s in self.sizes())


class _AdaptiveMax(_Adaptive):
    """ONNX has these only where `output_size` divides the size that comes in."""

    return_indices: bool = False


class AdaptiveAvgPool1d(_Adaptive):
    """Means of as many windows as `output_size` says, whatever the length of the sequence.

    With output_size 1 it is the mean over the whole sequence: N×C×L becomes N×C×1.
    """

    id = "torch.nn.AdaptiveAvgPool1d"
    title = "AdaptiveAvgPool1d"
    keywords = "global average pooling gap mean"
    spatial = 1

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

    output_size: Size | tuple[Size | None, Size | None]


class AdaptiveAvgPool3d(_Adaptive):
    """Means of windows laid out so that the volume gets the size `output_size`.

    With output_size 1 it is global average pooling: N×C×D×H×W becomes N×C×1×1×1,
    whatever D, H and W are.
    """

    id = "torch.nn.AdaptiveAvgPool3d"
    title = "AdaptiveAvgPool3d"
    keywords = "global average pooling gap mean volume video"
    spatial = 3

    output_size: Size | tuple[Size | None, Size | None, Size | None]

    def onnx_refusal(self) -> str:
        if set(self.sizes()) == {1}:
            return ""
        return "ONNX has adaptive pooling of volumes to output_size 1 only."


class AdaptiveMaxPool1d(_AdaptiveMax):
    """Maxima of as many windows as `output_size` says, whatever the length of the sequence.

    With output_size 1 it is the largest number of each channel: N×C×L becomes
    N×C×1. With `return_indices` a second output tells where each maximum was.
    """

    id = "torch.nn.AdaptiveMaxPool1d"
    title = "AdaptiveMaxPool1d"
    keywords = "global maximum pooling"
    spatial = 1

    output_size: Size | tuple[Size]


class AdaptiveMaxPool2d(_AdaptiveMax):
    """Maxima of windows laid out so that the image gets the size `output_size`.

    With output_size 1 it is the largest number of each channel: N×C×H×W becomes
    N×C×1×1. With `return_indices` a second output tells where each maximum was.
    """

    id = "torch.nn.AdaptiveMaxPool2d"
    title = "AdaptiveMaxPool2d"
    keywords = "global maximum pooling"
    spatial = 2

    output_size: Size | tuple[Size | None, Size | None]


class AdaptiveMaxPool3d(_AdaptiveMax):
    """Maxima of windows laid out so that the volume gets the size `output_size`.

    With output_size 1 it is the largest number of each channel: N×C×D×H×W becomes
    N×C×1×1×1. With `return_indices` a second output tells where each maximum was.
    """

    id = "torch.nn.AdaptiveMaxPool3d"
    title = "AdaptiveMaxPool3d"
    keywords = "global maximum pooling volume video"
    spatial = 3

    output_size: Size | tuple[Size | None, Size | None, Size | None]


class _Fractional(IndexedPooling):
    positional = ("kernel_size",)
    starting = start_with(kernel_size=2, output_ratio=0.7)

    kernel_size: Size | tuple[Size, ...]
    output_size: Size | tuple[Size, ...] | None = None
    output_ratio: Ratio | tuple[Ratio, ...] | None = None
    return_indices: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._chosen(), self.image(inputs), self._fits(inputs))

    def _chosen(self) -> Iterator[Complaint]:
        if self.output_size is None and self.output_ratio is None:
            yield bad_parameter(
                f"{self.title} has neither output_size nor output_ratio.",
                "Set one of them: output_ratio 0.7 keeps 7 of 10 rows.",
                set_to("output_ratio", 0.7),
            )
        elif self.output_size is not None and self.output_ratio is not None:
            yield bad_parameter(
                f"{self.title} has both output_size and output_ratio.",
                "Leave one of them empty.",
                Fix("Leave output_ratio empty", "unset_parameter", {"name": "output_ratio"}),
            )

    def _fits(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        kernel = spread(self.kernel_size, self.spatial)
        # In volumes PyTorch wants one more than the windows need.
        spare = 1 if self.spatial == 3 else 0
        for i, (size, window) in enumerate(zip(tensor.shape[2:], kernel, strict=True)):
            wanted = self._wanted(i, size) if isinstance(size, int) else 0
            most = size - window + 1 - spare if isinstance(size, int) else wanted
            if wanted > most:
                yield Complaint(
                    f"{self.title} can't lay {wanted} windows of {window} into a size of {size}.",
                    f"Ask for at most {max(0, int(str(most)))}, or use a smaller kernel_size.",
                    "input",
                    code="shape.window",
                    fixes=(set_to("kernel_size", 1),) if wanted <= most + window - 1 else (),
                )
                return

    def _wanted(self, dim: int, size: int) -> int:
        """The output's size along a spatial dim."""
        if self.output_size is not None:
            return spread(self.output_size, self.spatial)[dim]
        ratio = self.output_ratio
        if isinstance(ratio, tuple):
            return int(size * ratio[dim])
        return int(size * (ratio or 0.0))

    def subtitle(self) -> str:
        if self.output_size is not None:
            return f"to {times(spread(self.output_size, self.spatial))}"
        ratio = self.output_ratio
        ratios = ratio if isinstance(ratio, tuple) else (ratio,)
        return " × ".join(f"{r:g}" for r in ratios if r is not None)

    def onnx_refusal(self) -> str:
        return "ONNX has no pooling with windows at random places."


class FractionalMaxPool2d(_Fractional):
    """The largest numbers of windows at random places: shrinks an image by any factor.

    Give either `output_size` or `output_ratio`, such as 0.7 for images 7/10 as large. The
    places are drawn anew at each call, after training too. Graham, 2014.
    """

    id = "torch.nn.FractionalMaxPool2d"
    title = "FractionalMaxPool2d"
    keywords = "random maximum pooling downsample regularization"
    spatial = 2

    kernel_size: Size2
    output_size: Size2 | None = None
    output_ratio: Ratio | tuple[Ratio, Ratio] | None = None


class FractionalMaxPool3d(_Fractional):
    """The largest numbers of windows at random places: shrinks a volume by any factor.

    Give either `output_size` or `output_ratio`, such as 0.7 for sides 7/10 as long. The
    places are drawn anew at each call, after training too. Graham, 2014.
    """

    id = "torch.nn.FractionalMaxPool3d"
    title = "FractionalMaxPool3d"
    keywords = "random maximum pooling downsample regularization volume video"
    in_pt2 = False
    spatial = 3

    kernel_size: Size3
    output_size: Size3 | None = None
    output_ratio: Ratio | tuple[Ratio, Ratio, Ratio] | None = None
