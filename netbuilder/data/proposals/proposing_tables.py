"""Proposals for tables: what their columns seem to be, and which is to be found. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from netbuilder.data import table_rows
from netbuilder.data.proposals.proposing import Proposal, Task
from netbuilder.data.table_columns import MISSING, number, seconds
from netbuilder.data.table_rows import Row
from netbuilder.data.tables import FEATURES, TARGET, Table
from netbuilder.data.windows import Windows
from netbuilder.errors import NetbuilderError, Problem

LOOKED_AT = 100_000
"""Rows that are looked at; those behind them may hold classes that are not found."""
MAX_CLASSES = 200
WINDOW = 32
FEW = 20
"""Whole numbers of so few values may be classes."""
DELIMITERS = (",", ";", "\t", "|")
DATES = ("", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y%m%d")
TARGETS = ("target", "label", "class", "y", "outcome", "species", "category", "price", "result")
"""What people call the column that is to be found, the surest first."""
SUFFIXES = (".csv", ".tsv", ".parquet", ".pq")


def propose(path: Path) -> Proposal | None:
    """A CSV or Parquet file; `NetbuilderError` where it looks like one and is none."""
    if path.is_dir() or path.suffix.lower() not in SUFFIXES:
        return None
    notes: list[str] = []
    params: dict[str, Any] = {"path": str(path)}
    if path.suffix.lower() in (".parquet", ".pq"):
        names = table_rows.parquet_names(path)
        rows = list(islice(table_rows.parquet_rows(path, names), LOOKED_AT))
    else:
        names, rows = _csv(path, params, notes)
    good = [cells for _, cells, _ in rows if cells is not None and len(cells) == len(names)]
    if not good:
        raise NetbuilderError(f"'{path.name}' has no rows.", "Choose another file.")
    broken = [line for line, cells, _ in rows if cells is None or len(cells) != len(names)]
    if broken:
        shown = ", ".join(map(str, broken[:5])) + (", ..." if len(broken) > 5 else "")
        notes.append(f"Rows with another number of cells, in lines {shown}: {len(broken)}.")
    if len(rows) == LOOKED_AT:
        notes.append(f"The first {LOOKED_AT:,} rows were looked at.")
    decimal = params.get("decimal", ".")
    columns = [
        _guess(name, values, decimal)
        for name, values in zip(names, zip(*good, strict=True), strict=True)
    ]
    values = list(zip(*good, strict=True))
    target = _target(columns, values, notes)
    kept = _without_needless(columns, target, notes)
    clock = _clock(columns, values, target)
    if clock is not None:
        clock["use"] = "key"
    params["columns"] = kept
    source = Table.model_validate({**params, "columns": tuple(kept)}, strict=False)
    if clock is not None:
        return _forecast(path, source, params, len(good), notes)
    return _proposal(path, source, params, len(good), notes)


def _forecast(
    path: Path, source: Table, params: dict[str, Any], count: int, notes: list[str]
) -> Proposal:
    """Rows in the order of time are windows of a series."""
    (key,) = (name for name, column in source.alone().items() if column.use == "key")
    settings = {
        "split_by": "time",
        "key": key,
        "windows": {"length": WINDOW},
        "normalise": ["window", "next"],
    }
    notes.append(f"Rows follow each other in time: {WINDOW} of them foretell the next.")
    return Proposal(
        source=Table.id,
        params=params,
        title=path.stem,
        count=count - WINDOW,
        fields=Windows(length=WINDOW).of(source.fields()),
        task="forecast",
        settings=settings,
        templates=("lstm_forecast", "tcn_forecast"),
        notes=tuple(notes),
    )


def _clock(
    columns: Sequence[dict[str, Any]],
    values: Sequence[Sequence[str]],
    target: dict[str, Any] | None,
) -> dict[str, Any] | None:
    """The column by which rows follow each other in time, where numbers are to be found."""
    if target is None or target["kind"] == "category":
        return None
    for column, cells in zip(columns, values, strict=True):
        if column["kind"] != "date" or len(cells) < 4 * WINDOW:
            continue
        if all(cell not in MISSING for cell in cells):
            moments = [seconds(cell, column.get("format", "")) for cell in cells]
            if all(a < b for a, b in pairwise(moments)):
                return column
    return None


def _proposal(
    path: Path, source: Table, params: dict[str, Any], count: int, notes: list[str]
) -> Proposal:
    fields = source.fields()
    names = {field.name for field in fields}
    labels = [field for field in fields if field.is_class and field.classes]
    task: Task = "regression" if TARGET in names else "classification"
    templates = ("mlp_regression",) if task == "regression" else ("mlp_tabular",)
    normalise = [name for name in (FEATURES, TARGET) if name in names]
    problems = []
    if FEATURES not in names:
        text = "No column can be a feature: all are text, or one value only."
        problems.append(Problem("error", "data.features", text, "Choose another file."))
    if task == "classification" and not any(len(field.classes) > 1 for field in labels):
        text = "No column can be found from the others."
        problems.append(Problem("error", "data.target", text, "Choose a target in the columns."))
    left = [column.name for column in source.columns if column.use == "none"]
    if left:
        shown = ", ".join(left[:10]) + (", ..." if len(left) > 10 else "")
        notes.append(f"Left out: {shown}.")
    return Proposal(
        source=Table.id,
        params=params,
        title=path.stem,
        count=count,
        fields=fields,
        task=task,
        settings={"normalise": normalise},
        templates=templates,
        notes=tuple(notes),
        problems=tuple(problems),
    )


def _csv(path: Path, params: dict[str, Any], notes: list[str]) -> tuple[list[str], list[Row]]:
    """Names of the columns and rows; how the file is written goes into `params`."""
    encoding, note = table_rows.encoding_of(path)
    notes += [note] if note else []
    delimiter = _delimiter(path, encoding)
    params |= {"encoding": encoding, "delimiter": delimiter}
    rows = list(islice(table_rows.csv_rows(path, encoding, delimiter), LOOKED_AT + 1))
    if not rows:
        raise NetbuilderError(f"'{path.name}' is empty.", "Choose another file.")
    if rows[0][1] is None:
        raise NetbuilderError(
            f"The first line of '{path.name}' can't be read: {rows[0][2]}.", "Is it a table?"
        )
    first = list(rows[0][1])
    if delimiter == ";" and _commas(rows[1:200]):
        params["decimal"] = ","
    decimal = params.get("decimal", ".")
    rest = [cells for _, cells, _ in rows[1:200] if cells is not None]
    if _is_header(first, rest, decimal):
        names, rows = table_rows.names_in(first), rows[1:]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise NetbuilderError(
                f"Two columns of '{path.name}' have the name '{twice}'.",
                "Give each column a name of its own in the first line.",
            )
        return names, rows
    params["header"] = False
    notes.append("The first line holds no names: the columns are numbered.")
    return [f"column {at}" for at in range(1, len(first) + 1)], rows[:LOOKED_AT]


def _delimiter(path: Path, encoding: str) -> str:
    """The one that parts the first lines into the most cells, the same number in each."""
    best, most = ",", 1
    for mark in DELIMITERS:
        rows = [cells for _, cells, _ in islice(table_rows.csv_rows(path, encoding, mark), 50)]
        widths = [len(cells) for cells in rows if cells is not None]
        if not widths:
            continue
        width = max(set(widths), key=widths.count)
        # The names above tell more than numbers, which may be written with a comma.
        if width > most and widths[0] == width and widths.count(width) >= 0.8 * len(rows):
            best, most = mark, width
    return best


def _commas(rows: Sequence[Row]) -> bool:
    """Whether numbers are written with a comma."""
    cells = [cell for _, found, _ in rows if found is not None for cell in found]
    commas = sum(_reads(cell, ",") and "," in cell for cell in cells)
    points = sum(_reads(cell, ".") and "." in cell for cell in cells)
    return commas > points


def _is_header(first: Sequence[str], rest: Sequence[Sequence[str]], decimal: str) -> bool:
    """The first line names columns if none of it is a number, and it is not as those below it."""
    if any(_reads(cell, decimal) for cell in first):
        return False
    numeric = any(
        all(_reads(row[at], decimal) or row[at] in MISSING for row in rest if at < len(row))
        for at in range(len(first))
    )
    seen = {cell for row in rest for cell in row}
    return not rest or numeric or not any(cell in seen for cell in first)


def _reads(cell: str, decimal: str) -> bool:
    try:
        number(cell, decimal)
    except ValueError:
        return False
    return True


def _guess(name: str, values: Sequence[str], decimal: str) -> dict[str, Any]:
    """The column that these cells seem to be."""
    there = [value for value in values if value not in MISSING]
    absent = len(there) < len(values)
    if not there:
        return {"kind": "text", "name": name, "use": "none"}
    date = next((form for form in DATES if _all_dates(there, form)), None)
    if date is not None:
        form = {"format": date} if date else {}
        return {"kind": "date", "name": name, **form}
    if all(_reads(value, decimal) for value in there):
        numbers = [number(value, decimal) for value in there]
        whole = all(value == int(value) and abs(value) < 2**53 for value in numbers)
        return {"kind": "whole" if whole else "number", "name": name}
    classes = sorted(set(there))
    if len(classes) <= min(MAX_CLASSES, max(FEW, len(there) // 10)) and len(classes) < len(there):
        missing = {"missing": "class"} if absent else {}
        return {"kind": "category", "name": name, "classes": classes, **missing}
    return {"kind": "text", "name": name, "use": "none"}


def _all_dates(values: Sequence[str], form: str) -> bool:
    # Eight digits are a date only if all are; anything shorter is a number.
    if form in ("", "%Y%m%d") and len(min(values, key=len)) < 8:
        return False
    if form == "" and all(value.isdigit() for value in values[:50]):
        return False
    try:
        for value in values:
            seconds(value, form)
    except ValueError:
        return False
    return True


def _target(
    columns: list[dict[str, Any]], values: Sequence[Sequence[str]], notes: list[str]
) -> dict[str, Any] | None:
    """The column to find: by its name, else the last that can be one. It is marked."""
    usable = [c for c in columns if c["kind"] in ("category", "whole", "number")]
    named = {c["name"].strip().lower(): c for c in reversed(usable)}
    found = next((named[name] for name in TARGETS if name in named), None)
    found = found or (usable[-1] if usable else None)
    if found is None:
        return None
    found["use"] = "target"
    cells = [v for v in values[columns.index(found)] if v not in MISSING]
    classes = sorted(set(cells), key=lambda cell: (len(cell), cell))
    if found["kind"] == "whole" and 2 <= len(classes) <= min(FEW, max(2, len(cells) // 5)):
        found |= {"kind": "category", "classes": classes}
    found["missing"] = "row"
    notes.append(f"What is to be found: {found['name']}. Another can be chosen in the columns.")
    return found


def _without_needless(
    columns: list[dict[str, Any]], target: dict[str, Any] | None, notes: list[str]
) -> list[dict[str, Any]]:
    """Columns that tell nothing of a new sample, numbers of rows above all, are not used."""
    for column in columns:
        if column is target or column.get("use"):
            continue
        name = column["name"].strip().lower()
        if name in ("id", "index", "row", "", "unnamed: 0") and column["kind"] == "whole":
            column["use"] = "none"
            notes.append(f"'{column['name']}' is taken for a number of the row.")
        elif column["kind"] == "category" and len(column["classes"]) < 2:
            column["use"] = "none"
    return columns
