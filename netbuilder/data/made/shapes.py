"""Generated pictures of shapes, described."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field as Parameter
from pydantic import model_validator

from netbuilder.data.sources import Field, Source

SHAPES = (
    "circle",
    "ring",
    "crescent",
    "drop",
    "heart",
    "triangle",
    "square",
    "star",
    "cross",
    "arrow",
)
MOST_BYTES = 2**31
"""All pictures lie in memory at once."""


class Shapes(Source):
    """Coloured pictures, made here: one of ten shapes each, anywhere, of any colour.

    Place, size, rotation and colours are random, the ground runs from one colour to another,
    and noise lies over all. A picture depends on the seed and its number alone, so that more
    of them go on where fewer end, and larger ones show the same.
    """

    id: ClassVar[str] = "netbuilder.Shapes"
    title: ClassVar[str] = "Shapes"
    contents_in: ClassVar[str] = "netbuilder.data.made.shapes_arrays"

    count: Annotated[int, Parameter(ge=10, le=1_000_000)] = Parameter(
        2000, description="Number of pictures."
    )
    size: Annotated[int, Parameter(ge=8, le=1024)] = Parameter(
        32, description="Height and width of a picture in pixels."
    )
    noise: Annotated[float, Parameter(ge=0.0, le=1.0, allow_inf_nan=False)] = Parameter(
        0.05, description="Standard deviation of the noise; colours run from 0 to 1."
    )
    seed: Annotated[int, Parameter(ge=0, le=2**31 - 1)] = Parameter(
        0, description="Other seeds give other pictures."
    )

    @model_validator(mode="after")
    def _fits_into_memory(self) -> Shapes:
        each = 3 * self.size**2 * 4
        if self.count * each > MOST_BYTES:
            raise ValueError(
                f"{self.count:,} pictures of {self.size}×{self.size} do not fit into memory; "
                f"at this size {MOST_BYTES // each:,} do"
            )
        return self

    def fields(self) -> tuple[Field, ...]:
        return (
            Field("image", (3, self.size, self.size), meaning="red, green and blue, 0 to 1"),
            Field("label", (), "int64", "the shape", high=len(SHAPES), classes=SHAPES),
        )


SOURCES: tuple[type[Source], ...] = (Shapes,)
