"""Generated scenes with objects on them, described: what detectors and segmenters learn from."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field as Parameter

from netbuilder.data.sources import Field, Source

KINDS = ("circle", "square", "triangle")
CLASSES = ("background", *KINDS)
STRIDE = 4
"""Pixels of a cell of the heat map, along each side."""


class Scenes(Source):
    """Pictures of circles, squares and triangles, made here, with all that tells where they are.

    Colours, sizes and places are drawn anew for each; nothing lies on another. `mask` names the
    class of each pixel; `boxes` and `kinds` list the objects, zeros where there are fewer.
    `heat` and `geometry` say the same as maps of cells of 4×4 pixels, as a centre-point detector
    learns it (Zhou and others, 2019).
    """

    id: ClassVar[str] = "netbuilder.Scenes"
    title: ClassVar[str] = "Scenes"
    contents_in: ClassVar[str] = "netbuilder.data.made.scenes_arrays"

    count: Annotated[int, Parameter(ge=1, le=100_000)] = Parameter(
        600, description="Number of pictures."
    )
    size: Annotated[int, Parameter(ge=16, le=512, multiple_of=STRIDE)] = Parameter(
        32, description="Pixels of a side, a multiple of 4."
    )
    objects: Annotated[int, Parameter(ge=1, le=16)] = Parameter(
        3, description="The most objects in a picture; each has one at least."
    )
    noise: Annotated[float, Parameter(ge=0.0, le=1.0, allow_inf_nan=False)] = Parameter(
        0.03, description="Standard deviation of the noise on the pixels."
    )
    seed: Annotated[int, Parameter(ge=0, le=2**31 - 1)] = Parameter(
        0, description="Other seeds give other pictures."
    )

    def fields(self) -> tuple[Field, ...]:
        side, cells, kinds = self.size, self.size // STRIDE, len(CLASSES)
        boxes = "left, top, right and bottom of each object in pixels"
        geometry = "at the centre of each object: its place in the cell, width and height in cells"
        return (
            Field("image", (3, side, side), meaning="red, green and blue, 0 to 1"),
            Field("mask", (side, side), "int64", "class of each pixel", kinds, CLASSES),
            Field("boxes", (self.objects, 4), meaning=boxes),
            Field("kinds", (self.objects,), "int64", "class of each object", kinds, CLASSES),
            Field("heat", (len(KINDS), cells, cells), meaning="1 at centres, less around them"),
            Field("geometry", (4, cells, cells), meaning=geometry),
        )


SOURCES: tuple[type[Source], ...] = (Scenes,)
