"""Other sizes for images and signals: resized, or with numbers around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Port,
    Positive,
    Size,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    BATCH,
    bad_parameter,
    check_floating,
    check_numbers,
    empty,
    first_of,
    set_to,
)
from netbuilder.layers.operands import Scalar

Mode = Literal["nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"]
RANKS: Mapping[str, tuple[int, ...]] = {
    "linear": (3,),
    "bilinear": (4,),
    "bicubic": (4,),
    "trilinear": (5,),
}
"""The numbers of dims that a mode takes; the others take all."""
SMOOTH = {3: "linear", 4: "bilinear", 5: "trilinear"}


_AREA = "PyTorch's export to ONNX has mode 'area' for some sizes only."


def _corners(mode: str, align_corners: bool | None) -> Iterator[Complaint]:
    """Complains about corners in a mode that has no lines between numbers."""
    if align_corners is not None and mode not in RANKS:
        yield bad_parameter(
            f"align_corners means nothing for mode '{mode}'.",
            "Leave it empty.",
            empty("align_corners"),
        )


def _rank(title: str, mode: str, inputs: Types) -> Iterator[Complaint]:
    """Complains about an input with other dims than the mode's."""
    tensor = inputs.get("input")
    if tensor is None or tensor.rank in RANKS.get(mode, (3, 4, 5)):
        return
    better = SMOOTH.get(tensor.rank)
    fits = better is not None and mode in RANKS
    yield Complaint(
        f"{title} in mode '{mode}' can't take {tensor} ({tensor.rank} dims).",
        "Signals are N×C×L, images N×C×H×W, volumes N×C×D×H×W.",
        "input",
        code="shape.rank",
        fixes=(set_to("mode", better),) if fits else (),
    )


class Interpolate(Layer):
    """Resizes images, signals or volumes to a `size`, or by a `scale_factor`.

    `mode`: 'nearest' repeats numbers, 'linear', 'bilinear' and 'trilinear' draw straight lines
    between them in 1, 2 and 3 dims, 'bicubic' curves, 'area' takes means. `antialias` smooths
    when images shrink.
    """

    id = "torch.nn.functional.interpolate"
    title = "interpolate"
    family = Family.RESIZE
    keywords = "resize upsample downsample scale bilinear nearest image"
    starting = start_with(scale_factor=2.0)

    size: Size | Annotated[tuple[Size, ...], Field(min_length=1, max_length=3)] | None = None
    scale_factor: (
        Positive | Annotated[tuple[Positive, ...], Field(min_length=1, max_length=3)] | None
    ) = None
    mode: Mode = "nearest"
    align_corners: bool | None = None
    recompute_scale_factor: bool | None = None
    antialias: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._one_of_both(),
            _corners(self.mode, self.align_corners),
            self._smooth(),
            check_floating(self, inputs, "input"),
            _rank("interpolate", self.mode, inputs),
            self._counts(inputs),
        )

    def _one_of_both(self) -> Iterator[Complaint]:
        if self.size is None and self.scale_factor is None:
            yield bad_parameter(
                "interpolate has neither size nor scale_factor.",
                "Set one of them.",
                set_to("scale_factor", 2.0),
            )
        elif self.size is not None and self.scale_factor is not None:
            yield bad_parameter(
                "interpolate has both size and scale_factor.",
                "Leave one of them empty.",
                empty("size"),
                empty("scale_factor"),
            )
        elif self.size is not None and self.recompute_scale_factor:
            yield bad_parameter(
                "recompute_scale_factor is for scale_factor, not for size.",
                "Turn it off.",
                empty("recompute_scale_factor"),
            )

    def _smooth(self) -> Iterator[Complaint]:
        if self.antialias and self.mode not in ("bilinear", "bicubic"):
            yield bad_parameter(
                f"antialias is for bilinear and bicubic, not for '{self.mode}'.",
                "Turn it off.",
                set_to("antialias", False),
            )

    def _counts(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        for value in (self.size, self.scale_factor):
            if isinstance(value, tuple) and len(value) != tensor.rank - 2:
                yield Complaint(
                    f"interpolate has {len(value)} sizes for the {tensor.rank - 2} dims of "
                    f"{tensor} behind the channels.",
                    "Give one for each, or one number for all.",
                    "input",
                    code="shape.rank",
                )

    def onnx_refusal(self) -> str:
        if self.antialias:
            return "ONNX has no form of antialias that equals PyTorch's."
        if self.mode == "area":
            return _AREA
        return ""

    def subtitle(self) -> str:
        if self.size is not None:
            sizes = self.size if isinstance(self.size, tuple) else (self.size,)
            return f"{'×'.join(map(str, sizes))}, {self.mode}"
        factor = self.scale_factor
        factors = factor if isinstance(factor, tuple) else (factor or 1.0,)
        return f"× {' × '.join(f'{f:g}' for f in factors)}, {self.mode}"


class ResizeLike(Layer):
    """Resizes images, signals or volumes to the size of `other`: its sizes count, not its numbers.

    Where paths of a network meet whose sizes come from the picture, as in a feature pyramid or
    before a skip connection is joined. `mode` and `align_corners` are those of interpolate.
    """

    id = "netbuilder.ResizeLike"
    part = "resizing.ResizeLike"
    title = "ResizeLike"
    family = Family.RESIZE
    keywords = "interpolate upsample match same size pyramid fpn skip unet image"
    inputs = (Port("input"), Port("other", "What has the sizes."))
    summary_fields = ("mode",)

    mode: Mode = "nearest"
    align_corners: bool | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            _corners(self.mode, self.align_corners),
            check_floating(self, inputs, "input"),
            _rank("ResizeLike", self.mode, inputs),
            self._alike(inputs),
        )

    def _alike(self, inputs: Types) -> Iterator[Complaint]:
        tensor, other = inputs.get("input"), inputs.get("other")
        if tensor is not None and other is not None and tensor.rank != other.rank:
            yield Complaint(
                f"ResizeLike can't make {tensor} as large as {other}: they have unlike dims.",
                "Both are signals N×C×L, images N×C×H×W or volumes N×C×D×H×W.",
                "other",
                code="shape.rank",
            )

    def output_types(self, inputs: Types) -> Mapping[str, TensorType]:
        tensor, other = inputs["input"], inputs["other"]
        return {"output": TensorType((*tensor.shape[:2], *other.shape[2:]), tensor.dtype)}

    def onnx_refusal(self) -> str:
        return "" if self.mode != "area" else _AREA


class Pad(Layer):
    """Numbers around a tensor: `pad` counts them in pairs, for the last dim first.

    1, 1 adds one on both sides of the last dim; 1, 1, 2, 0 also two before the last but one.
    Negative counts cut. `mode`: 'constant' puts `value` (0 if empty) there, 'reflect',
    'replicate' and 'circular' the numbers that are near.
    """

    id = "torch.nn.functional.pad"
    title = "pad"
    family = Family.RESIZE
    keywords = "padding border reflect replicate circular zero causal crop"
    positional = ("pad",)
    starting = start_with(pad=(1, 1))
    keeps_values = ("input",)

    pad: Annotated[tuple[Index, ...], Field(min_length=2, max_length=16)]
    mode: Literal["constant", "reflect", "replicate", "circular"] = "constant"
    value: Scalar | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._pairs(),
            () if self.mode == "constant" else check_numbers(self, inputs, "input"),
            self._fits(inputs),
            self._batch(inputs),
        )

    def _pairs(self) -> Iterator[Complaint]:
        if len(self.pad) % 2:
            yield bad_parameter(
                f"pad has {len(self.pad)} numbers: they come in pairs, before and behind.",
                "Add or remove one.",
                set_to("pad", (*self.pad, 0)),
            )
        elif self.value is not None and self.mode != "constant":
            yield bad_parameter(
                f"value means nothing in mode '{self.mode}'.",
                "Leave it empty.",
                empty("value"),
            )

    def _fits(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        count = len(self.pad) // 2
        if count > tensor.rank:
            yield self._too_many(str(tensor), count, tensor.rank)
        elif self.mode != "constant" and not 1 <= tensor.rank - count <= 2:
            yield Complaint(
                f"pad in mode '{self.mode}' of {count} dims can't take {tensor}.",
                "It pads all dims behind the channels: one pair for N×C×L, two for N×C×H×W.",
                "input",
                code="shape.rank",
            )
        elif self.mode in ("reflect", "circular"):
            yield from self._near(inputs)

    def _too_many(self, tensor: str, count: int, rank: int) -> Complaint:
        return Complaint(
            f"pad has pairs for {count} dims, {tensor} has {rank}.",
            "Remove pairs from its end.",
            "input",
            code="shape.rank",
            fixes=(set_to("pad", self.pad[: 2 * rank]),) if rank else (),
        )

    def _near(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs["input"]
        for i, amount in enumerate(self.pad):
            size = tensor.shape[-1 - i // 2]
            most = size - 1 if self.mode == "reflect" else size
            if isinstance(size, int) and isinstance(most, int) and amount > most:
                yield Complaint(
                    f"pad in mode '{self.mode}' can't add {amount} to a size of {size}.",
                    f"Add {most} at most, or use 'replicate' or 'constant'.",
                    "input",
                    fixes=(set_to("mode", "replicate"),),
                )
                return

    def _batch(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None or len(self.pad) // 2 < tensor.rank or tensor.shape[:1] != (BATCH,):
            return
        if self.pad[2 * tensor.rank - 2 : 2 * tensor.rank] != (0, 0):
            yield Complaint(
                f"pad adds samples to the batch of {tensor}.",
                "The last pair is for dim 0: remove it.",
                "input",
                code="shape.batch",
                severity="warning",
                fixes=(set_to("pad", self.pad[: 2 * tensor.rank - 2]),),
            )

    def bound(self, port: str, inputs: Types) -> int | None:
        high = super().bound(port, inputs)
        value = self.value or 0
        if high is None or isinstance(value, float) or value < 0:
            return None
        return max(high, value + 1)

    def subtitle(self) -> str:
        shown = ", ".join(map(str, self.pad))
        return shown if self.mode == "constant" else f"{shown}, {self.mode}"[:38]
