"""Opens tables: their rows as arrays, with those that can't be used counted and named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from netbuilder.data import places, table_rows
from netbuilder.data.reading.opening import Opened, opened, problem, problems
from netbuilder.data.table_columns import (
    OWN_CLASS,
    AnyColumn,
    CategoryColumn,
    Column,
    DateColumn,
    Parser,
    TextColumn,
)
from netbuilder.data.table_rows import Row
from netbuilder.data.tables import FEATURES, TARGET, Table
from netbuilder.errors import NetbuilderError

Array = np.ndarray[Any, np.dtype[Any]]
MAX_BROKEN = 0.01
"""The part of the rows that may be unusable; more of them are an error."""
MAX_NUMBERS = 2**28
NAMED = 5
"""Broken rows that are told one by one."""
_TOLD = 8192


@dataclass
class Faults:
    """What was left out of a table."""

    broken: list[str] = field(default_factory=list)
    count: int = 0
    missing: int = 0

    def add(self, text: str) -> None:
        """A row that can't be read."""
        self.count += 1
        if len(self.broken) < NAMED:
            self.broken.append(text)

    def told(self) -> str:
        """The broken rows in words."""
        more = "; ..." if self.count > len(self.broken) else ""
        return "; ".join(self.broken) + more


class _Broken(Exception):
    """The row can't be read."""


@opened.register
def _(source: Table) -> Opened:
    if not source.path or not source.used("feature", "target"):
        raise problems([problem("data.files", "No table is chosen.", "Choose a file.")])
    path = places.resolve(source.path)
    try:
        contents, faults = read(source, path)
    except NetbuilderError as error:
        raise problems([problem("data.file", str(error), error.hint)]) from error
    total = faults.count + next(len(array) for array in contents.values())
    if faults.count > max(1, MAX_BROKEN * total):
        text = f"{faults.count} of {total} rows can't be used ({faults.told()})."
        hint = "Up to 1 % are passed over. Correct the file, or the columns in the settings."
        raise problems([problem("data.rows", text, hint)])
    notes = []
    if faults.count:
        rows = "1 row is" if faults.count == 1 else f"{faults.count} rows are"
        notes.append(("corrupt", f"{rows} left out: unusable ({faults.told()})."))
    if faults.missing:
        rows = "1 row is" if faults.missing == 1 else f"{faults.missing} rows are"
        notes.append(("missing", f"{rows} left out: a value is missing."))
    return Opened(ArrayReader(contents), contents=contents, notes=tuple(notes))


class ArrayReader:
    """Samples that are in memory."""

    def __init__(self, contents: Mapping[str, Array]) -> None:
        self.contents = contents

    def __len__(self) -> int:
        return min(map(len, self.contents.values()))

    def read(self, index: int, chance: Any) -> Mapping[str, Array]:
        return {name: array[index] for name, array in self.contents.items()}

    def changed(self) -> str:
        return ""

    def known(self) -> Mapping[str, Array]:
        """All samples."""
        return self.contents


def read(source: Table, path: Path) -> tuple[dict[str, Array], Faults]:
    """The fields of all rows that can be used, and what was left out.

    Numbers that are missing and will be filled from the training part are NaN.
    """
    columns = source.used("feature", "target", "key")
    rows, places_ = _rows(source, path, columns)
    readers = [_reader(source, column) for column in columns]
    faults = Faults()
    blocks: list[Array] = []
    numbers = 0
    while chunk := list(islice(rows, _TOLD)):
        if not blocks:
            _refuse_large(path, chunk, len(source.features()) + len(columns))
        block = _block(chunk, columns, readers, places_, faults)
        blocks.append(block)
        numbers += block.shape[0] * (len(source.features()) + block.shape[1])
        if numbers > MAX_NUMBERS:
            raise NetbuilderError(
                f"'{path.name}' holds more than {MAX_NUMBERS:,} numbers.",
                "Save it as .npy files (numpy.save), which are read while one trains.",
            )
    table = np.concatenate(blocks) if blocks else np.empty((0, len(columns)))
    return _fields(source, dict(zip((c.name for c in columns), table.T, strict=True))), faults


def _refuse_large(path: Path, chunk: Sequence[Row], numbers: int) -> None:
    """`NetbuilderError` where the first rows let expect more than the memory holds."""
    if len(chunk) < _TOLD or path.suffix.lower() in (".parquet", ".pq"):
        return
    letters = sum(len(cell) + 1 for _, cells, _ in chunk for cell in cells or ())
    rows = path.stat().st_size * len(chunk) // max(1, letters)
    # While it is read there are all numbers twice, with eight bytes each.
    needed, free = 16 * rows * numbers, psutil.virtual_memory().available
    if needed > free:
        raise NetbuilderError(
            f"'{path.name}' has about {rows:,} rows, which need {needed / 2**30:,.1f} GB of "
            f"memory; {free / 2**30:,.1f} GB are free.",
            "Leave columns out, take a part of the rows, or save it as .npy files (numpy.save), "
            "which are read while one trains.",
        )


def _rows(
    source: Table, path: Path, columns: Sequence[Column]
) -> tuple[Iterator[Row], tuple[list[int], int]]:
    """The rows, in which cells the columns are, and how many cells a row must have (0: any)."""
    names = [column.name for column in columns]
    if path.suffix.lower() in (".parquet", ".pq"):
        _require(names, table_rows.parquet_names(path), path)
        forms = [c.format if isinstance(c, DateColumn) else "" for c in columns]
        rows = table_rows.parquet_rows(path, names, forms)
        return rows, (list(range(len(names))), 0)
    rows = table_rows.csv_rows(path, source.encoding, source.delimiter)
    there = [column.name for column in source.columns]
    if source.header:
        first = next(rows, None)
        if first is None:
            raise NetbuilderError(f"'{path.name}' is empty.", "Choose another file.")
        if first[1] is None:
            raise NetbuilderError(f"The first line of '{path.name}' can't be read: {first[2]}.")
        there = table_rows.names_in(first[1])
    _require(names, there, path)
    return rows, ([there.index(name) for name in names], len(there))


def _require(names: Sequence[str], there: Sequence[str], path: Path) -> None:
    absent = [name for name in names if name not in there]
    if absent:
        shown = ", ".join(there[:20])
        raise NetbuilderError(
            f"'{path.name}' has no column '{absent[0]}'.",
            f"It has: {shown}. Look at the delimiter and at the names in the settings.",
        )


def _reader(source: Table, column: AnyColumn) -> Parser:
    """What a cell becomes: NaN where a value is missing and may be."""
    parse = _enumerated() if isinstance(column, TextColumn) else column.parser(source.decimal)
    fill, absent = column.fill(), frozenset(source.missing)
    own = float(len(column.all_classes()) - 1) if isinstance(column, CategoryColumn) else 0.0
    declared = set(column.classes) if isinstance(column, CategoryColumn) else set()

    def read_cell(cell: str) -> float:
        if cell in absent and cell not in declared:
            if not fill:
                raise _Missing
            return own if fill == "class" else np.nan
        try:
            return parse(cell)
        except ValueError as error:
            shown = cell if len(cell) <= 30 else f"{cell[:27]}..."
            raise _Broken(f"'{shown}' in '{column.name}' is {error}") from None

    return read_cell


class _Missing(Exception):
    """A value is missing that nothing stands in for."""


def _enumerated() -> Parser:
    """Numbers texts as they appear."""
    known: dict[str, float] = {}
    return lambda text: known.setdefault(text, float(len(known)))


def _block(
    chunk: Sequence[Row],
    columns: Sequence[Column],
    readers: Sequence[Parser],
    where: tuple[list[int], int],
    faults: Faults,
) -> Array:
    """The rows that can be used: (rows, columns)."""
    cells_of, width = where
    found: list[list[float]] = []
    pairs = list(zip(cells_of, readers, strict=True))
    for line, cells, reason in chunk:
        if cells is None:
            faults.add(f"line {line}: {reason}")
        elif width and len(cells) != width:
            faults.add(f"line {line}: {len(cells)} cells, not {width}")
        else:
            try:
                found.append([parse(cells[at]) for at, parse in pairs])
            except _Broken as error:
                faults.add(f"line {line}: {error}")
            except _Missing:
                faults.missing += 1
    return np.array(found, dtype=np.float64).reshape(-1, len(columns))


def _fields(source: Table, values: Mapping[str, Array]) -> dict[str, Array]:
    count = len(next(iter(values.values()))) if values else 0
    contents: dict[str, Array] = {}
    inputs = source.inputs()
    if inputs:
        parts = [_expanded(column, values[column.name]) for column in inputs]
        contents[FEATURES] = np.concatenate(parts, axis=1) if parts else np.empty((count, 0))
    targets = source.targets()
    if targets:
        made = [_expanded(column, values[column.name])[:, :1] for column in targets]
        contents[TARGET] = np.concatenate(made, axis=1)
    for name, column in source.alone().items():
        contents[name] = values[column.name].astype(np.int64)
    return {field.name: contents[field.name] for field in source.fields()}


def _expanded(column: Column, values: Array) -> Array:
    """The numbers of a column's features: (rows, features)."""
    if isinstance(column, CategoryColumn):
        return np.eye(len(column.all_classes()), dtype=np.float32)[values.astype(np.int64)]
    if isinstance(column, DateColumn):
        rows = [column.expand(value) for value in values]
        return np.array(rows, np.float32).reshape(len(values), -1)
    return values.astype(np.float32)[:, None]


def sample(source: Table, row: Mapping[str, Any]) -> dict[str, Array]:
    """One row of values by column, as fields of a batch of one; what is left out is missing.

    `NetbuilderError` names the value that can't be read. Targets and keys are not needed.
    """
    columns = source.used("feature")
    unknown = [name for name in row if name not in {column.name for column in source.columns}]
    if unknown:
        known = ", ".join(column.name for column in columns)
        raise NetbuilderError(f"There is no column '{unknown[0]}'.", f"There are: {known}.")
    values: dict[str, Array] = {}
    for column in columns:
        given = row.get(column.name)
        cell = "" if given is None else str(given).strip()
        try:
            values[column.name] = np.array([_reader(source, column)(cell)])
        except _Missing:
            hint = "Give it a value."
            raise NetbuilderError(f"'{column.name}' is missing.", hint) from None
        except _Broken as error:
            raise NetbuilderError(f"{error}.", _known(column)) from None
    inputs = source.inputs()
    fields: dict[str, Array] = {}
    if inputs:
        parts = [_expanded(column, values[column.name]) for column in inputs]
        fields[FEATURES] = np.concatenate(parts, axis=1)
    for name, column in source.alone().items():
        if column.use == "feature":
            fields[name] = values[column.name].astype(np.int64)
    return fields


def _known(column: Column) -> str:
    if not isinstance(column, CategoryColumn):
        return ""
    names = [name for name in column.all_classes() if name != OWN_CLASS]
    return f"There are: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}."
