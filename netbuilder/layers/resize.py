"""Resizing: more or fewer pixels, made by interpolation or out of channels."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import ClassVar, Literal

from netbuilder.errors import Fix
from netbuilder.layers.base import (
    Complaint,
    Family,
    Layer,
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
    first_of,
    set_to,
)
from netbuilder.layers.windows import LAYOUTS, times

Mode = Literal["nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"]
MODES = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}
"""Modes that suit one number of spatial dims only."""
ANY = ("nearest", "area", "nearest-exact")
Factor2 = Positive | tuple[Positive, Positive]


class _Upsampling(Layer):
    """Interpolation to a size or by a factor; subclasses have the parameters."""

    family = Family.RESIZE
    starting = start_with(scale_factor=2.0)

    def _one_of_two(self) -> Iterator[Complaint]:
        size, factor = getattr(self, "size", None), getattr(self, "scale_factor", None)
        if size is None and factor is None:
            yield bad_parameter(
                f"{self.title} has neither size nor scale_factor.",
                "Set one of them: scale_factor 2 doubles each side.",
                set_to("scale_factor", 2.0),
            )
        elif size is not None and factor is not None:
            yield bad_parameter(
                f"{self.title} has both size and scale_factor.",
                "Leave one of them empty.",
                Fix("Leave size empty", "unset_parameter", {"name": "size"}),
            )

    def _counts(self, inputs: Types) -> Iterator[Complaint]:
        """Complaints about sizes or factors for another number of dims."""
        tensor = inputs.get("input")
        for name in ("size", "scale_factor"):
            value = getattr(self, name, None)
            if tensor is None or not isinstance(value, tuple) or len(value) == tensor.rank - 2:
                continue
            yield bad_parameter(
                f"{name} has {len(value)} numbers for the {tensor.rank - 2} sides of {tensor}.",
                "Give one number for each side, or one for all of them.",
                *((set_to(name, value[0]),) if value else ()),
            )

    def _vanishes(self, inputs: Types) -> Iterator[Complaint]:
        tensor, factor = inputs.get("input"), getattr(self, "scale_factor", None)
        if tensor is None or factor is None:
            return
        sides = tensor.shape[2:]
        factors = factor if isinstance(factor, tuple) else (factor,) * len(sides)
        for side, each in zip(sides, factors, strict=True):
            if isinstance(side, int) and side * each < 1:
                yield bad_parameter(
                    f"scale_factor {each:g} leaves nothing of a side of {side}.",
                    "Use a larger one, or set size.",
                    set_to("scale_factor", 1.0),
                )
                return

    def subtitle(self) -> str:
        size, factor = getattr(self, "size", None), getattr(self, "scale_factor", None)
        if size is not None:
            return f"to {times(size) if isinstance(size, tuple) else size}"
        factors = factor if isinstance(factor, tuple) else (factor,)
        return "×".join(f"{each:g}" for each in factors if each is not None) + " times"


class Upsample(_Upsampling):
    """Makes sequences, images or volumes larger or smaller by interpolation.

    Give `size` or `scale_factor`. `mode` suits the dims: linear for N×C×L, bilinear or
    bicubic for N×C×H×W, trilinear for N×C×D×H×W; nearest, nearest-exact and area for all.
    `align_corners` (linear to bicubic) maps corner to corner.
    """

    id = "torch.nn.Upsample"
    title = "Upsample"
    keywords = "resize interpolate scale zoom enlarge shrink decoder"

    size: Size | tuple[Size, ...] | None = None
    scale_factor: Positive | tuple[Positive, ...] | None = None
    mode: Mode = "nearest"
    align_corners: bool | None = None
    recompute_scale_factor: bool | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._one_of_two(),
            self._options(),
            check_rank(self, inputs, "input", (3, 4, 5), " or ".join(LAYOUTS.values())),
            check_floating(self, inputs, "input"),
            self._mode(inputs),
            self._counts(inputs),
            self._vanishes(inputs),
        )

    def _options(self) -> Iterator[Complaint]:
        if self.align_corners is not None and self.mode in ANY:
            yield bad_parameter(
                f"align_corners does not go with mode '{self.mode}'.",
                "Leave it empty, or use a linear or cubic mode.",
                Fix("Leave align_corners empty", "unset_parameter", {"name": "align_corners"}),
            )
        elif self.recompute_scale_factor and self.scale_factor is None:
            yield bad_parameter(
                "recompute_scale_factor needs a scale_factor.",
                "Leave it empty where size is given.",
                Fix(
                    "Leave recompute_scale_factor empty",
                    "unset_parameter",
                    {"name": "recompute_scale_factor"},
                ),
            )

    def _mode(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        fitting = MODES[tensor.rank - 2]
        if self.mode not in (*ANY, *fitting):
            yield bad_parameter(
                f"Mode '{self.mode}' does not suit {tensor}.",
                f"Use {', '.join(fitting)} or nearest for {LAYOUTS[tensor.rank - 2]}.",
                set_to("mode", fitting[0]),
                set_to("mode", "nearest"),
            )

    def subtitle(self) -> str:
        return f"{super().subtitle()}, {self.mode}"


class _Upsampling2d(_Upsampling):
    size: Size2 | None = None
    scale_factor: Factor2 | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._one_of_two(),
            check_rank(self, inputs, "input", (4,), LAYOUTS[2]),
            check_floating(self, inputs, "input"),
            self._vanishes(inputs),
        )


class UpsamplingNearest2d(_Upsampling2d):
    """Makes images N×C×H×W larger by repeating pixels: Upsample with mode nearest."""

    id = "torch.nn.UpsamplingNearest2d"
    title = "UpsamplingNearest2d"
    keywords = "resize interpolate scale zoom enlarge"


class UpsamplingBilinear2d(_Upsampling2d):
    """Makes images N×C×H×W larger, bilinearly from corner to corner.

    Upsample with mode bilinear and align_corners; without align_corners, as Upsample has
    it by itself, the result does not depend on the size.
    """

    id = "torch.nn.UpsamplingBilinear2d"
    title = "UpsamplingBilinear2d"
    keywords = "resize interpolate scale zoom enlarge"


class _Rearranging(Layer):
    """What moves numbers between channels and places, or among channels."""

    family = Family.RESIZE
    ranks: ClassVar[tuple[int, ...]] = (4, 5, 6)
    layout: ClassVar[str] = "N×C×H×W"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", self.ranks, self.layout), self._divides(inputs)
        )

    def _divides(self, inputs: Types) -> Iterator[Complaint]:
        raise NotImplementedError


class PixelShuffle(_Rearranging):
    """Makes images larger out of channels: C·r²×H×W becomes C×H·r×W·r, r = `upscale_factor`.

    After a convolution that makes the r² values of each pixel: sub-pixel convolution for
    super-resolution. Shi and others, 2016.
    """

    id = "torch.nn.PixelShuffle"
    title = "PixelShuffle"
    keywords = "depth to space subpixel upsample super-resolution"
    positional = ("upscale_factor",)
    starting = start_with(upscale_factor=2)

    upscale_factor: Size

    def _divides(self, inputs: Types) -> Iterator[Complaint]:
        tensor, pixels = inputs.get("input"), self.upscale_factor**2
        channels = None if tensor is None else tensor.shape[-3]
        if tensor is not None and isinstance(channels, int) and channels % pixels:
            most = min(self.upscale_factor, isqrt(channels), 4096)
            fitting = max((r for r in range(1, most + 1) if channels % r**2 == 0), default=1)
            yield Complaint(
                f"{channels} channels can't be split into the {pixels} pixels of "
                f"{self.upscale_factor}×{self.upscale_factor}.",
                f"Let the layer before it make a multiple of {pixels} channels.",
                "input",
                fixes=(set_to("upscale_factor", fitting),),
            )

    def subtitle(self) -> str:
        return f"{self.upscale_factor} times"


class PixelUnshuffle(_Rearranging):
    """Makes channels out of pixels: C×H·r×W·r becomes C·r²×H×W, r = `downscale_factor`.

    The way back from PixelShuffle: halves an image without losing anything.
    """

    id = "torch.nn.PixelUnshuffle"
    title = "PixelUnshuffle"
    keywords = "space to depth focus downsample"
    positional = ("downscale_factor",)
    starting = start_with(downscale_factor=2)

    downscale_factor: Size

    def _divides(self, inputs: Types) -> Iterator[Complaint]:
        tensor, factor = inputs.get("input"), self.downscale_factor
        if tensor is None:
            return
        sides = [side for side in tensor.shape[-2:] if isinstance(side, int)]
        if any(side % factor for side in sides):
            most = min(factor, *sides, 4096)
            fitting = max(
                (r for r in range(1, most + 1) if not any(s % r for s in sides)), default=1
            )
            yield Complaint(
                f"A side of {tensor} is no multiple of {factor}.",
                "Pad or resize what comes in, or choose a factor that divides both sides.",
                "input",
                fixes=(set_to("downscale_factor", fitting),),
            )

    def subtitle(self) -> str:
        return f"1/{self.downscale_factor}"


class ChannelShuffle(_Rearranging):
    """Mixes channels between `groups`, as between two grouped convolutions (ShuffleNet).

    Channel 1 of each group comes first, then channel 2 of each, and so on. Input: N×C and
    any more dims. Zhang and others, 2018.
    """

    id = "torch.nn.ChannelShuffle"
    title = "ChannelShuffle"
    keywords = "shufflenet permute groups mix"
    positional = ("groups",)
    starting = start_with(groups=1)
    ranks = (3, 4, 5)
    layout = " or ".join(LAYOUTS.values())

    groups: Size

    def _divides(self, inputs: Types) -> Iterator[Complaint]:
        tensor, groups = inputs.get("input"), self.groups
        channels = None if tensor is None else tensor.shape[1]
        if isinstance(channels, int) and channels % groups:
            low = min(groups, channels, 4096)
            fitting = max((g for g in range(1, low + 1) if channels % g == 0), default=1)
            yield Complaint(
                f"{channels} channels can't be split into {groups} groups.",
                "Choose groups so that it divides the channels without a rest.",
                "input",
                fixes=(set_to("groups", fitting),),
            )

    def subtitle(self) -> str:
        return f"{self.groups} group" + ("s" if self.groups > 1 else "")
