"""Columns of tables: how the text of a cell becomes numbers. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Parameter

Use = Literal["feature", "target", "key", "none"]
Cell = Annotated[str, Parameter(max_length=255)]
Fill = Literal["mean", "median", "row"]
Parser = Callable[[str], float]
"""From a cell that is not missing to a number; `ValueError` says what it is not."""

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?", "-")
"""Cells that stand for a missing value."""
OWN_CLASS = "(missing)"
"""The class of missing values where they have their own."""
TURNS = {"day": 86_400.0, "week": 7 * 86_400.0, "year": 365.2425 * 86_400.0}
"""Seconds in which a cycle comes round; 1 January 1970 was a Thursday, which shifts the week."""
_FILL = "What stands in for a missing value, of the training part; row: its row is left out."


class Column(BaseModel):
    """What all kinds of columns have. `features` are the names of the numbers it becomes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Parameter(min_length=1, max_length=255)]
    use: Use = Parameter(
        "feature", description="What the network gets it as; keys only split the data."
    )

    def features(self) -> tuple[str, ...]:
        """The numbers of a sample that the column becomes, by name."""
        return (self.name,)

    def fill(self) -> str:
        """What stands in for a missing value: mean, median, class, or empty: the row goes."""
        return ""

    def parser(self, decimal: str = ".") -> Parser:
        """What reads a cell."""
        raise NotImplementedError

    def expand(self, value: float) -> list[float]:
        """The numbers of `features` for what the parser gave."""
        return [value]


class NumberColumn(Column):
    """Numbers."""

    kind: Literal["number"] = "number"
    missing: Fill = Parameter("mean", description=_FILL)

    def fill(self) -> str:
        return "" if self.missing == "row" or self.use != "feature" else self.missing

    def parser(self, decimal: str = ".") -> Parser:
        return lambda text: number(text, decimal)


class WholeColumn(Column):
    """Whole numbers: counts, years, numbers of groups."""

    kind: Literal["whole"] = "whole"
    missing: Fill = Parameter("median", description=_FILL)

    def fill(self) -> str:
        return "" if self.missing == "row" or self.use != "feature" else self.missing

    def parser(self, decimal: str = ".") -> Parser:
        def parse(text: str) -> float:
            value = number(text, decimal)
            if value != int(value) or abs(value) > 2**53:
                raise ValueError("no whole number")
            return value

        return parse


class CategoryColumn(Column):
    """One of several classes, written as text."""

    kind: Literal["category"] = "category"
    classes: tuple[Cell, ...] = Parameter(
        (), max_length=100_000, description="What may stand in it."
    )
    missing: Literal["class", "row"] = Parameter(
        "row",
        description="class: missing values are a class of their own; row: the row is left out.",
    )
    codes: Literal["one-hot", "ids"] = Parameter(
        "one-hot",
        description="one-hot: a number 0 or 1 for each class; ids: a field of its own, for an "
        "Embedding.",
    )

    def features(self) -> tuple[str, ...]:
        return tuple(f"{self.name}={each}" for each in self.all_classes())

    def fill(self) -> str:
        return "class" if self.missing == "class" else ""

    def all_classes(self) -> tuple[str, ...]:
        """With that of missing values, if they have one."""
        return (*self.classes, OWN_CLASS) if self.missing == "class" else self.classes

    def parser(self, decimal: str = ".") -> Parser:
        known = {name: float(at) for at, name in enumerate(self.all_classes())}

        def parse(text: str) -> float:
            found = known.get(text)
            if found is None:
                raise ValueError("none of its classes")
            return found

        return parse

    def expand(self, value: float) -> list[float]:
        row = [0.0] * len(self.all_classes())
        row[int(value)] = 1.0
        return row


class DateColumn(Column):
    """Dates and times. As a feature it is days since 1970, and cycles of them where wanted."""

    kind: Literal["date"] = "date"
    format: Annotated[str, Parameter(max_length=64)] = Parameter(
        "", description="How it is written: %d.%m.%Y; empty: ISO 8601, as 2024-05-31T12:00."
    )
    cycles: tuple[Literal["day", "week", "year"], ...] = Parameter(
        (), description="Cycles whose sine and cosine are features too."
    )
    missing: Fill = Parameter("row", description=_FILL)

    def features(self) -> tuple[str, ...]:
        turns = (f"{self.name} {wave} of {each}" for each in self.cycles for wave in ("sin", "cos"))
        return (self.name, *turns)

    def fill(self) -> str:
        # A sine has no mean that were a date's.
        return "" if self.missing == "row" or self.cycles or self.use != "feature" else self.missing

    def parser(self, decimal: str = ".") -> Parser:
        return lambda text: seconds(text, self.format)

    def expand(self, value: float) -> list[float]:
        row = [value / TURNS["day"]]
        for each in self.cycles:
            angle = 2 * math.pi * value / TURNS[each]
            row += [math.sin(angle), math.cos(angle)]
        return row


class TextColumn(Column):
    """Any text. It may be a key; networks do not get it."""

    kind: Literal["text"] = "text"
    use: Literal["key", "none"] = "none"


AnyColumn = Annotated[
    NumberColumn | WholeColumn | CategoryColumn | DateColumn | TextColumn,
    Parameter(discriminator="kind"),
]


def number(text: str, decimal: str) -> float:
    """The finite number that a cell holds, written with this decimal mark."""
    if decimal == ",":
        text = text.replace(".", "").replace(",", ".")
    # Python would take 1_000, which no other program means as a number.
    value = math.nan if "_" in text else _float(text)
    if not math.isfinite(value):
        raise ValueError("no number")
    return value


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


@cache
def _zero() -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC)


def seconds(text: str, form: str = "") -> float:
    """Seconds since 1970; what names no zone of time is taken for UTC."""
    try:
        found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("no date") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return (found - _zero()).total_seconds()


def stamp(value: object, form: str = "") -> str:
    """A date of a file that knows dates, as text that `seconds` reads."""
    if isinstance(value, datetime):
        return value.strftime(form) if form else value.isoformat()
    if isinstance(value, date):
        whole = datetime.combine(value, time())
        return whole.strftime(form) if form else whole.isoformat()
    return str(value)
