"""Images looked at where a grid of points says."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from netbuilder.layers import code, dims
from netbuilder.layers.base import (
    MAX_SIZE,
    Complaint,
    Family,
    Layer,
    Port,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    BATCH,
    bad_parameter,
    check_floating,
    check_same_dtype,
    differ,
    first_of,
    set_to,
)


class GridSample(Layer):
    """The image at the points of a grid N×H×W×2: warps, rotates, looks where told.

    A point is x, y from -1 to 1, the whole width and height. `mode` says how to find numbers
    between pixels, `padding_mode` what is outside, `align_corners` whether -1 and 1 are the
    centres of the corner pixels or their edges.
    """

    id = "torch.nn.functional.grid_sample"
    title = "grid sample"
    family = Family.RESIZE
    keywords = "warp spatial transformer deform flow bilinear sample"
    inputs = (Port("input"), Port("grid", "Points x, y: N×H×W×2; x, y, z for volumes."))
    starting = start_with(align_corners=False)

    mode: Literal["bilinear", "nearest", "bicubic"] = "bilinear"
    padding_mode: Literal["zeros", "border", "reflection"] = "zeros"
    align_corners: bool | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "input"),
            check_same_dtype(self, inputs, "input", "grid"),
            self._shapes(inputs),
            _corners(self, self.align_corners),
        )

    def _shapes(self, inputs: Types) -> Iterator[Complaint]:
        tensor, grid = inputs.get("input"), inputs.get("grid")
        if tensor is not None and tensor.rank not in (4, 5):
            yield Complaint(
                f"grid sample takes images N×C×H×W, gets {tensor}.",
                "Bring it to four dims; volumes have five.",
                "input",
                code="shape.rank",
            )
        elif self.mode == "bicubic" and tensor is not None and tensor.rank == 5:
            yield bad_parameter(
                "bicubic is for images, not for volumes.",
                "Use 'bilinear'.",
                set_to("mode", "bilinear"),
            )
        elif tensor is not None and grid is not None:
            points = tensor.rank - 2
            wrong = grid.rank != tensor.rank or grid.shape[-1] != points
            if wrong or differ(grid.shape[0], tensor.shape[0]):
                wanted = "N×H×W×2" if points == 2 else "N×D×H×W×3"
                yield Complaint(
                    f"grid sample takes a grid {wanted} for {tensor}, gets {grid}.",
                    "affine grid makes one; a grid of your own may need a permute.",
                    "grid",
                )

    def onnx_refusal(self) -> str:
        return "ONNX samples with other rounding than PyTorch at the edges."

    def subtitle(self) -> str:
        return self.mode


def _corners(layer: Layer, value: bool | None) -> Iterator[Complaint]:
    if value is None:
        yield Complaint(
            f"{layer.title} has no align_corners: PyTorch takes False, and warns.",
            "Set it to False, or to True for networks that were made so.",
            code="parameter.missing",
            severity="warning",
            fixes=(set_to("align_corners", False),),
        )


class AffineGrid(Layer):
    """A grid of points for grid sample, moved by matrices `theta` N×2×3.

    `size` is N, C, H, W of the image that is to come, with -1 for the batch; volumes have
    theta N×3×4 and a D before H.
    """

    id = "torch.nn.functional.affine_grid"
    title = "affine grid"
    family = Family.RESIZE
    keywords = "spatial transformer rotate scale shift warp"
    inputs = (Port("theta", "Matrices N×2×3, or N×3×4 for volumes."),)
    positional = ("size",)
    starting = start_with(size=(-1, 1, 28, 28), align_corners=False)

    size: Annotated[
        tuple[Annotated[int, Field(ge=-1, le=MAX_SIZE)], ...], Field(min_length=4, max_length=5)
    ]
    align_corners: bool | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._sizes(),
            check_floating(self, inputs, "theta"),
            self._matrices(inputs),
            _corners(self, self.align_corners),
            self._single(),
        )

    def _single(self) -> Iterator[Complaint]:
        if self.align_corners and 1 in self.size[2:]:
            yield Complaint(
                "With align_corners a single row or column has no corners to align.",
                "Set align_corners to False.",
                code="parameter.invalid",
                severity="warning",
                fixes=(set_to("align_corners", False),),
            )

    def _sizes(self) -> Iterator[Complaint]:
        if any(size < 1 for size in self.size[1:]) or self.size[0] == 0:
            yield bad_parameter(
                "Only the batch, the first size, may be -1; the others are 1 or more.",
                "Set C, H and W to those of the image that is to come.",
            )

    def _matrices(self, inputs: Types) -> Iterator[Complaint]:
        theta = inputs.get("theta")
        if theta is None:
            return
        points = len(self.size) - 2
        if theta.rank != 3 or theta.shape[1:] != (points, points + 1):
            yield Complaint(
                f"affine grid takes matrices N×{points}×{points + 1}, gets {theta}.",
                f"Let a Linear make {points * (points + 1)} numbers and reshape them.",
                "theta",
            )
        elif theta.shape[0] == BATCH and self.size[0] != -1:
            yield Complaint(
                f"size begins with {self.size[0]}: that fits one batch size only.",
                "Put -1 first, in the place of the batch.",
                "theta",
                fixes=(set_to("size", (-1, *self.size[1:])),),
            )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        named = self.arguments()
        given = named.pop("size")
        sizes = [code.const(size) for size in given] if isinstance(given, tuple) else []
        if self.size[0] == -1:
            batch = code.subscript(code.attribute(inputs["theta"], "shape"), [code.const(0)])
            sizes[0] = batch
        rest = {name: code.const(value) for name, value in named.items()}
        return code.call(self.id, inputs["theta"], code.pack(sizes), **rest)

    def onnx_refusal(self) -> str:
        return "PyTorch's export has no grids of volumes." if len(self.size) == 5 else ""

    def subtitle(self) -> str:
        return dims.text(self.size[2:])
