"""Who likes what, and what belongs together, described."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field as Parameter
from pydantic import model_validator

from netbuilder.data.sources import Field, Source

STARS = (1.0, 5.0)
"""The least and the most that one can give, in steps of a half."""


class Ratings(Source):
    """People and films, made here: each sample is how many stars one person gave one film.

    Behind them are hidden tastes: of each person for so many traits, of each film how much of
    them it has, how generous the person and how good the film is. `noise` is mood; nothing
    foretells it. Most pairs have no rating, as with real ones.
    """

    id: ClassVar[str] = "netbuilder.Ratings"
    title: ClassVar[str] = "Ratings"
    contents_in: ClassVar[str] = "netbuilder.data.made.ratings_arrays"

    users: Annotated[int, Parameter(ge=2, le=100_000)] = Parameter(300, description="People.")
    items: Annotated[int, Parameter(ge=2, le=100_000)] = Parameter(200, description="Films.")
    count: Annotated[int, Parameter(ge=10, le=5_000_000)] = Parameter(
        15_000, description="Ratings; no person rates a film twice."
    )
    traits: Annotated[int, Parameter(ge=1, le=64)] = Parameter(
        3, description="Hidden traits that tastes are made of."
    )
    noise: Annotated[float, Parameter(ge=0.0, le=4.0, allow_inf_nan=False)] = Parameter(
        0.3, description="Standard deviation of the mood, in stars."
    )
    seed: Annotated[int, Parameter(ge=0, le=2**31 - 1)] = Parameter(
        0, description="Other seeds give other people and films."
    )

    @model_validator(mode="after")
    def _pairs_are_enough(self) -> Ratings:
        if not max(self.users, self.items) <= self.count <= self.users * self.items:
            raise ValueError(
                f"count must let each person and film have a rating, and none two: "
                f"{max(self.users, self.items)} to {self.users * self.items}"
            )
        return self

    def fields(self) -> tuple[Field, ...]:
        return (
            Field("user", (), "int64", "who rated", high=self.users),
            Field("item", (), "int64", "the film", high=self.items),
            Field("rating", (1,), meaning="stars, 1 to 5 in halves"),
        )


class DigitPairs(Source):
    """Pairs of real handwritten digits, half of them the same digit by two hands.

    898 pairs of the 1,797 pictures of Digits, each of which is in one pair alone: no picture
    that is measured was ever trained on. For networks that compare instead of naming.
    """

    id: ClassVar[str] = "netbuilder.DigitPairs"
    title: ClassVar[str] = "Pairs of digits"
    contents_in: ClassVar[str] = "netbuilder.data.made.ratings_arrays"

    seed: Annotated[int, Parameter(ge=0, le=2**31 - 1)] = Parameter(
        0, description="Other seeds pair them otherwise."
    )

    def fields(self) -> tuple[Field, ...]:
        meaning = "grey values, 0 paper to 1 ink"
        return (
            Field("first", (1, 8, 8), meaning=meaning),
            Field("second", (1, 8, 8), meaning=meaning),
            Field("same", (), "int64", "whether both are one digit", 2, ("different", "the same")),
        )


SOURCES: tuple[type[Source], ...] = (DigitPairs, Ratings)
