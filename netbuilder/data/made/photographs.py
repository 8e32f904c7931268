"""Pieces of scikit-learn's two photographs, described: a temple in China and a flower."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field as Parameter
from pydantic import model_validator

from netbuilder.data.sources import Field, Source

NAMES = ("temple", "flower")
HEIGHT, WIDTH = 427, 640
"""Pixels of each photograph."""
COLOURS = "red, green and blue, 0 to 1"


class Photographs(Source):
    """Two real photographs cut into pieces, each in full and in low resolution.

    A temple in China and a dahlia, as scikit-learn ships them. Pieces lie side by side and none
    overlap, so what is measured was never trained on. `low` is the piece with the mean of
    `scale`×`scale` pixels in place of each; `label` says which photograph it is from.
    """

    id: ClassVar[str] = "netbuilder.Photographs"
    title: ClassVar[str] = "Photographs"
    contents_in: ClassVar[str] = "netbuilder.data.made.photographs_arrays"

    size: Annotated[int, Parameter(ge=8, le=256)] = Parameter(
        32, description="Pixels of a side of a piece, a multiple of scale."
    )
    scale: Annotated[int, Parameter(ge=2, le=8)] = Parameter(
        2, description="How many times smaller the low resolution is."
    )

    @model_validator(mode="after")
    def _size_can_be_divided(self) -> Photographs:
        if self.size % self.scale:
            raise ValueError(f"size {self.size} must be a multiple of scale {self.scale}")
        return self

    def fields(self) -> tuple[Field, ...]:
        side, low = self.size, self.size // self.scale
        return (
            Field("image", (3, side, side), meaning=COLOURS),
            Field("low", (3, low, low), meaning="the same in low resolution"),
            Field("label", (), "int64", "the photograph", high=len(NAMES), classes=NAMES),
        )


class TwoPhotographs(Source):
    """Pairs of pieces that don't belong together: one of a temple, one of a flower.

    Cut at random places of scikit-learn's two photographs, half of them mirrored: for networks
    that learn to bring one kind of picture to the other without pairs, and for styles.
    """

    id: ClassVar[str] = "netbuilder.TwoPhotographs"
    title: ClassVar[str] = "Two photographs"
    contents_in: ClassVar[str] = "netbuilder.data.made.photographs_arrays"

    count: Annotated[int, Parameter(ge=1, le=10_000)] = Parameter(
        256, description="Number of pieces of each."
    )
    size: Annotated[int, Parameter(ge=8, le=HEIGHT)] = Parameter(
        64, description="Pixels of a side of a piece."
    )
    seed: Annotated[int, Parameter(ge=0, le=2**31 - 1)] = Parameter(
        0, description="Other seeds cut at other places."
    )

    def fields(self) -> tuple[Field, ...]:
        shape = (3, self.size, self.size)
        return tuple(Field(name, shape, meaning=f"{COLOURS}, of the {name}") for name in NAMES)


SOURCES: tuple[type[Source], ...] = (Photographs, TwoPhotographs)
