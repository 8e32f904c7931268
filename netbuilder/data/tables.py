"""Tables from a person's disk, described: their columns are declared, and no file is read here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field as Parameter
from pydantic import field_validator

from netbuilder.data.files import FileSource, Place
from netbuilder.data.sources import Field, Source
from netbuilder.data.table_columns import (
    MISSING,
    AnyColumn,
    CategoryColumn,
    Cell,
    Column,
    DateColumn,
    WholeColumn,
)

FEATURES, TARGET, LABEL = "features", "target", "label"
ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251", "shift_jis", "gb18030")


class Table(FileSource):
    """A table of rows: a CSV file, or Parquet with the extra `tables`.

    Each column is declared: a number, a whole number, a category, a date, or text that is left
    out. Features become one field of numbers, targets the field `target` or, if they are
    classes, `label`. Rows that can't be read are left out and counted.
    """

    id: ClassVar[str] = "netbuilder.Table"
    title: ClassVar[str] = "Table"
    contents_in: ClassVar[str] = "netbuilder.data.reading.table_reading"
    places_in: ClassVar[tuple[str, ...]] = ("path",)

    path: Place = Parameter("", description="The file: .csv, .tsv, .txt or .parquet.")
    columns: tuple[AnyColumn, ...] = Parameter(
        (), max_length=20_000, description="What is in the columns, and what each is used as."
    )
    header: bool = Parameter(True, description="The first line names the columns.")
    delimiter: Annotated[str, Parameter(min_length=1, max_length=1)] = Parameter(
        ",", description="What stands between two cells."
    )
    decimal: Literal[".", ","] = Parameter(".", description="What stands before decimals.")
    encoding: Literal[
        "utf-8", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251", "shift_jis", "gb18030"
    ] = Parameter("utf-8", description="How letters are written in the file.")
    missing: tuple[Cell, ...] = Parameter(
        MISSING, max_length=100, description="What stands for a missing value."
    )

    @field_validator("columns")
    @classmethod
    def _named_once(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        names = [column.name for column in columns]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"columns of different names: there are two called '{twice}'")
        return columns

    @field_validator("delimiter")
    @classmethod
    def _divides(cls, delimiter: str) -> str:
        if delimiter in '"\r\n' or (not delimiter.isprintable() and delimiter != "\t"):
            raise ValueError("a letter that can stand between cells")
        return delimiter

    def used(self, *uses: str) -> tuple[AnyColumn, ...]:
        """The columns with one of these uses, in their order."""
        return tuple(column for column in self.columns if column.use in uses)

    def inputs(self) -> tuple[AnyColumn, ...]:
        """The columns that are in the field of features."""
        return tuple(c for c in self.used("feature") if not _is_ids(c))

    def targets(self) -> tuple[AnyColumn, ...]:
        """The columns that are in the field of numbers to find."""
        return tuple(c for c in self.used("target") if not isinstance(c, CategoryColumn))

    def alone(self) -> dict[str, AnyColumn]:
        """The columns that are fields of their own, by the name of the field."""
        ids = [c for c in self.used("feature") if _is_ids(c)]
        labels = [c for c in self.used("target") if isinstance(c, CategoryColumn)]
        keys = list(self.used("key"))
        taken = {FEATURES, TARGET} | ({LABEL} if labels else set())
        found: dict[str, AnyColumn] = {}
        for column in ids:
            found[_identifier(column.name, taken)] = column
        if len(labels) == 1:
            found[LABEL] = labels[0]
        else:
            found |= {_identifier(column.name, taken): column for column in labels}
        found |= {_identifier(column.name, taken): column for column in keys}
        return found

    def features(self) -> tuple[str, ...]:
        """What each number of the field `features` is."""
        return tuple(name for column in self.inputs() for name in column.features())

    def fills(self) -> tuple[str, ...]:
        """What stands in for each of the features if it is missing: mean, median, or nothing."""
        kinds = tuple(
            "" if column.fill() == "class" else column.fill()
            for column in self.inputs()
            for _ in column.features()
        )
        return kinds if any(kinds) else ()

    def fields(self) -> tuple[Field, ...]:
        return tuple(self._fields())

    def _fields(self) -> Iterator[Field]:
        names = self.features()
        if names:
            fills = self.fills()
            yield Field(FEATURES, (len(names),), meaning=_listed(names), fills=fills)
        targets = self.targets()
        if targets:
            yield Field(TARGET, (len(targets),), meaning=_listed(c.name for c in targets))
        # The classes to find come first: parts get them in the same mix.
        alone = self.alone().items()
        for use in ("target", "feature", "key"):
            yield from (_field(name, column) for name, column in alone if column.use == use)


def _is_ids(column: Column) -> bool:
    return isinstance(column, CategoryColumn) and column.codes == "ids"


def _field(name: str, column: Column) -> Field:
    if isinstance(column, CategoryColumn):
        classes = column.all_classes()
        high = max(1, len(classes))
        return Field(name, (), "int64", f"the column {column.name}", high, classes)
    what = "the column {}"
    if isinstance(column, DateColumn):
        what = "seconds since 1970, of the column {}"
    elif not isinstance(column, WholeColumn):
        what = "the column {}, numbered as its values appear"
    return Field(name, (), "int64", what.format(column.name))


def _identifier(text: str, taken: set[str]) -> str:
    """A field's name for a column; it is taken afterwards."""
    plain = re.sub(r"\W+", "_", text).strip("_")[:48] or "column"
    plain = f"_{plain}" if plain[0].isdigit() else plain
    name, count = plain, 1
    while name in taken:
        count += 1
        name = f"{plain}_{count}"
    taken.add(name)
    return name


def _listed(names: Iterable[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= 200 else f"{text[:197]}..."


SOURCES: tuple[type[Source], ...] = (Table,)
