"""The data sets one can choose, described: the window reads this without loading any.

A source is one class: its pydantic fields are its parameters, `fields()` says which
tensors a sample has. Its `contents_in` names the module with the function that loads it, which is
imported when somebody asks for the contents.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Parameter


@dataclass(frozen=True, slots=True)
class Field:
    """One tensor of a sample: `shape` without the batch dim; `high` bounds ids from above.

    A field that is not `batched` is shared: one tensor of this shape for all samples, as the
    features and edges of the graph whose nodes are the samples. Every batch has it whole.
    `fills` says for each number of a row what stands for a missing one, of the training part:
    mean, median or nothing.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    meaning: str = ""
    high: int | None = None
    classes: tuple[str, ...] = ()
    batched: bool = True
    fills: tuple[str, ...] = ()

    @property
    def is_class(self) -> bool:
        """Whether a sample has one class number here."""
        return self.batched and self.high is not None and not self.shape

    @property
    def names(self) -> tuple[str, ...]:
        """What the classes of samples are called: their numbers where they have no names."""
        if self.classes or not self.is_class:
            return self.classes
        return tuple(map(str, range(self.high or 0)))

    def to_json(self) -> dict[str, Any]:
        """The field as a JSON object, for the Data panel."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "meaning": self.meaning,
            "high": self.high,
            "classes": list(self.classes),
            "batched": self.batched,
        }


def class_fields(fields: Iterable[Field]) -> list[Field]:
    """The fields with one class a sample; where classes have names, not those of mere numbers."""
    found = [field for field in fields if field.is_class]
    return [field for field in found if field.classes] or found


class Source(BaseModel):
    """Base of all data sources; the docstring of a subclass is its help."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: ClassVar[str]
    title: ClassVar[str]
    contents_in: ClassVar[str] = "netbuilder.data.arrays"
    """The module whose function loads it, registered at `arrays.contents`; at `opening.opened` if
    it is on disk."""
    on_disk: ClassVar[bool] = False
    """Whether its samples are files of a person: see `files.FileSource`."""

    def fields(self) -> tuple[Field, ...]:
        """The tensors of a sample, in the order in which a data panel shows them."""
        raise NotImplementedError

    @classmethod
    def help(cls) -> str:
        """What the data is, for people."""
        return inspect.cleandoc(cls.__doc__ or "")


class Digits(Source):
    """1,797 real handwritten digits, 8×8 grey values from 0 to 1, with their labels.

    The test part of the UCI optical recognition data, as scikit-learn ships it.
    """

    id: ClassVar[str] = "netbuilder.Digits"
    title: ClassVar[str] = "Digits"

    def fields(self) -> tuple[Field, ...]:
        digits = tuple(str(digit) for digit in range(10))
        return (
            Field("image", (1, 8, 8), meaning="grey values, 0 paper to 1 ink"),
            Field("label", (), "int64", "the digit", high=10, classes=digits),
        )


class Diabetes(Source):
    """442 people: ten measurements each, and how their diabetes went on after a year.

    Efron et al., Least Angle Regression (2004), as scikit-learn ships it. The features
    are scaled as in the paper; the target runs from 25 to 346, so normalise it.
    """

    id: ClassVar[str] = "netbuilder.Diabetes"
    title: ClassVar[str] = "Diabetes"

    def fields(self) -> tuple[Field, ...]:
        meaning = "age, sex, body mass index, blood pressure and six blood values"
        return (
            Field("features", (10,), meaning=meaning),
            Field("target", (1,), meaning="progression of the disease after one year"),
        )


class Sines(Source):
    """Noisy waves, made here: a window of each and the value that comes next.

    Every sample is the sum of two sines of random period, phase and strength plus noise;
    the value to forecast carries no noise.
    """

    id: ClassVar[str] = "netbuilder.Sines"
    title: ClassVar[str] = "Sines"

    count: Annotated[int, Parameter(ge=1, le=1_000_000)] = Parameter(
        2000, description="Number of waves."
    )
    length: Annotated[int, Parameter(ge=2, le=4096)] = Parameter(
        32, description="Points in a window."
    )
    noise: Annotated[float, Parameter(ge=0.0, le=10.0, allow_inf_nan=False)] = Parameter(
        0.1, description="Standard deviation of the noise."
    )
    seed: Annotated[int, Parameter(ge=0, le=2**31 - 1)] = Parameter(
        0, description="Other seeds give other waves."
    )

    def fields(self) -> tuple[Field, ...]:
        return (
            Field("window", (self.length, 1), meaning="points of a wave, one time step apart"),
            Field("next", (1,), meaning="the point after the window"),
        )


FAMILIES = (
    "sources",
    "made.tabular",
    "made.shapes",
    "texts",
    "made.sequences",
    "made.tones",
    "made.ratings",
    "made.scenes",
    "made.photographs",
    "files",
    "images",
    "masks",
    "picture_files",
    "sounds",
    "tables",
    "text_files",
    "graphs",
    "graph_files",
)
"""The modules of `netbuilder.data` that describe sources, in the order in which to offer them:
each lists its own as `SOURCES`."""
SOURCES: tuple[type[Source], ...] = (Digits, Diabetes, Sines)


@cache
def source_classes() -> Mapping[str, type[Source]]:
    """Every source by id, in the order in which to offer them."""
    families = (import_module(f"netbuilder.data.{name}") for name in FAMILIES)
    return MappingProxyType({kind.id: kind for family in families for kind in family.SOURCES})
