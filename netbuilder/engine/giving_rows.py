"""Rows of a table, and texts with what belongs to them: they give all inputs at once."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from netbuilder.data import table_rows
from netbuilder.data.reading.npy import Array
from netbuilder.data.sources import Source
from netbuilder.data.table_rows import Row
from netbuilder.data.tables import Table
from netbuilder.data.text_files import TextFiles
from netbuilder.engine import giving
from netbuilder.errors import NetbuilderError

MAX_ROWS = 100_000
TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq")


def given(
    inputs: Any, ports: Mapping[str, str], others: Sequence[str], source: Source | None
) -> dict[str, Array] | None:
    """The network's inputs for rows of values by column or for a text; None if the one thing that
    is given is neither.

    `ports` are the inputs that fields feed, by name, `others` those that none does. A row is a
    mapping, a line of cells in the order of the columns, or stands in a file; several make a batch.
    A text is words, or a file of them; it is filled up as the samples were. `NetbuilderError` names
    what can't be read.
    """
    one = inputs[0] if isinstance(inputs, list | tuple) and len(inputs) == 1 else inputs
    if isinstance(source, Table):
        names = {*ports, *others}
        columns = {column.name for column in source.columns}
        by_name = isinstance(one, Mapping) and one is inputs and bool(one)
        if by_name and (not columns & set(one) or set(one) <= names - columns):
            return None
        rows = _rows(source, one)
        return None if rows is None else _fed(ports, _stacked(source, rows))
    if isinstance(source, TextFiles) and ports and not others:
        text = _text(source, one)
        if text is not None:
            from netbuilder.data.reading import text_reading

            return _fed(ports, text_reading.sample(source, text))
    return None


def _text(source: TextFiles, one: Any) -> str | None:
    """The text that is given; ids as numbers are none."""
    if isinstance(one, Path) and one.suffix.lower() not in (".npy", ".json"):
        return text_of(one, source)
    if not isinstance(one, str) or one.startswith("sample:"):
        return None
    is_ids = one.startswith("[") and _parsed(one) is not None
    return None if is_ids else one.removeprefix(giving.TEXT)


def text_of(path: Path, source: TextFiles) -> str:
    """The text in a file, in the encoding of the data, else in UTF-8."""
    content = giving.bytes_of(path)
    for encoding in (source.encoding, "utf-8-sig"):
        try:
            return content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
        except UnicodeDecodeError:
            continue
    hint = "Save it as UTF-8."
    raise NetbuilderError(f"'{path.name}' is no text in {source.encoding}.", hint)


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _rows(source: Table, one: Any) -> list[tuple[str, Mapping[str, Any]]] | None:
    """Values by column, each row with where it stands; None if these are no rows."""
    if isinstance(one, str) and not one.startswith("sample:"):
        value = _parsed(one)
        one = value if isinstance(value, list | dict) else _of_line(source, one)
    if isinstance(one, Path):
        if one.suffix.lower() in TABLES:
            return _of_file(source, one)
        one = _parsed(giving.bytes_of(one)) if one.suffix.lower() == ".json" else None
    if isinstance(one, Mapping):
        return [("", one)]
    if isinstance(one, list) and one and all(isinstance(row, Mapping) for row in one):
        return [(f"row {number}", row) for number, row in enumerate(one)]
    return None


def _of_line(source: Table, text: str) -> Mapping[str, str]:
    """The cells of a line in the order of the features, or of all columns."""
    found = [next(csv.reader([text], delimiter=mark), []) for mark in (source.delimiter, ",")]
    for cells in found:
        named = _in_order(source, [cell.strip() for cell in cells])
        if named is not None:
            return named
    wanted = [column.name for column in source.used("feature")]
    raise NetbuilderError(
        f"A row has {len(wanted)} values, not {len(found[0])}: {', '.join(wanted)}.",
        f"Separate them by '{source.delimiter}', or give a .csv file with these columns.",
    )


def _in_order(source: Table, cells: Sequence[str]) -> dict[str, str] | None:
    """Cells by column, if there are as many as features or as columns."""
    for columns in (source.used("feature"), source.columns):
        if len(cells) == len(columns):
            return dict(zip((column.name for column in columns), cells, strict=True))
    return None


def _of_file(source: Table, path: Path) -> list[tuple[str, Mapping[str, str]]]:
    """The rows of a file, by the names in its first line, else in the order of the columns."""
    features = {column.name for column in source.used("feature")}
    if path.suffix.lower() in (".parquet", ".pq"):
        names: list[str] | None = [n for n in table_rows.parquet_names(path) if n in features]
        rows = table_rows.parquet_rows(path, names or [])
    else:
        encoding = table_rows.encoding_of(path)[0]
        rows = table_rows.csv_rows(path, encoding, source.delimiter)
        first = next(rows, None)
        named = first is not None and first[1] is not None and features & set(first[1])
        names = table_rows.names_in(first[1]) if named and first and first[1] else None
        if not named and first is not None:
            rows = chain([first], rows)
    found = list(_by_column(source, path, rows, names, features))
    if not found:
        raise NetbuilderError(f"'{path.name}' has no rows.", "Choose another file.")
    return found


def _by_column(
    source: Table, path: Path, rows: Iterator[Row], names: list[str] | None, features: set[str]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    for number, (line, cells, reason) in enumerate(rows):
        if number == MAX_ROWS:
            raise NetbuilderError(
                f"'{path.name}' has more than {MAX_ROWS:,} rows.", "Give a part of it at a time."
            )
        where = f"line {line} of '{path.name}'"
        values: Mapping[str, str] | None = None
        if cells is not None and names is None:
            values = _in_order(source, cells)
        elif cells is not None and names is not None and len(cells) == len(names):
            # Columns that the training did not use are nothing to the network.
            pairs = zip(names, cells, strict=True)
            values = {name: cell for name, cell in pairs if name in features}
        if values is None:
            wanted = len(names) if names else len(source.used("feature"))
            what = reason or f"{len(cells or ())} cells, not {wanted}"
            raise NetbuilderError(f"A row can't be read: {where}: {what}.", "Correct the file.")
        yield where, values


def _stacked(source: Table, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Array]:
    """Fields of a batch with all rows; `NetbuilderError` says in which row a value is wrong."""
    from netbuilder.data.reading import table_reading

    found = []
    for where, row in rows:
        try:
            found.append(table_reading.sample(source, row))
        except NetbuilderError as error:
            if not where:
                raise
            raise NetbuilderError(f"{where[0].upper()}{where[1:]}: {error}", error.hint) from None
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}


def _fed(ports: Mapping[str, str], fields: Mapping[str, Array]) -> dict[str, Array]:
    missing = [name for name in ports.values() if name not in fields]
    if missing:
        raise NetbuilderError(
            f"The network also needs '{missing[0]}', which such a sample does not have.",
            "Give its inputs as numbers.",
        )
    return {port: fields[name] for port, name in ports.items()}
