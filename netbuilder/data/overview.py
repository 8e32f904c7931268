"""What is in a data set, before any training: what the Data panel shows, as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from netbuilder.data import arrays, augment_preview, depicting, drawing, looking
from netbuilder.data.depicting import Array
from netbuilder.data.files import FileSource
from netbuilder.data.loading import find_problems, part_up
from netbuilder.data.settings import DataSettings, source_of
from netbuilder.data.sources import Field, Source
from netbuilder.data.splits import Split

COLUMNS = 32
"""Columns of a field whose distribution is told one by one."""
BINS = 24
COUNTED = 200_000
"""Numbers that a distribution is made of, at most about."""
CLASSES = 100
"""So many ids without names are taken for classes; more are those of users, words, nodes."""
LARGE = 128 * 2**20
"""Bytes of a generated source from which on only a part of it is made, to be looked at."""
LEAST = 64
"""Samples that are made of it at least."""


def overview(settings: DataSettings, count: int = 32) -> dict[str, Any]:
    """Fields, sizes of the parts, class counts, distributions and samples.

    Of a large generated source only `looked_at` of its `count` samples are made, for speed.
    `shown` holds samples of the training part by field, as `depicting.depict` makes them, before
    normalisation; `distributions` the columns of each field of numbers. Problems come as a list
    instead of an error, so that the data can be shown beside what is wrong with it.
    """
    source = source_of(settings)
    fields = source.fields()
    answer: dict[str, Any] = {
        "source": source.id,
        "title": source.title,
        "help": source.help(),
        "fields": [_described(field) for field in fields],
        "count": 0,
        "parts": {},
        "classes": {},
        "shown": {},
        "distributions": {},
        "graph": None,
        "augmented": None,
        "looked_at": 0,
        "notes": [],
        "problems": [],
        "consent": [],
    }
    if isinstance(source, FileSource):
        return answer | _of_files(source, settings, count)
    looked_at = few(source)
    contents = arrays.load(looked_at)
    problems = find_problems(fields, contents, settings)
    found = next(len(contents[f.name]) for f in fields if f.batched)
    answer["count"] = getattr(source, "count", found) if looked_at is not source else found
    answer["looked_at"] = found
    answer["problems"] = [problem.to_json() for problem in problems]
    if any(problem.code in ("data.empty", "data.lengths") for problem in problems):
        return answer
    parts = part_up(fields, contents, settings)
    names = ("train", "validation", "test")
    # Of a part of the data the shares are those of the whole.
    share = answer["count"] / found
    answer["parts"] = {name: round(share * len(getattr(parts, name))) for name in names}
    return answer | _look(settings, fields, contents, parts, count)


def _of_files(source: FileSource, settings: DataSettings, count: int) -> dict[str, Any]:
    """The same of data in files, if it may be read; `consent` names the places to ask for."""
    found = looking.look(source, settings)
    answer: dict[str, Any] = {
        "count": found.count,
        "parts": dict(found.parts),
        "notes": list(found.notes),
        "problems": [problem.to_json() for problem in found.problems],
        "consent": [str(place) for place in found.wanted],
    }
    if not found.contents:
        return answer
    fields = source.fields()
    looked_at = len(next(iter(found.contents.values())))
    all_of_them, none = np.arange(looked_at), np.arange(0)
    answer |= _look(settings, fields, found.contents, Split(all_of_them, none, none), count)
    answer["looked_at"] = looked_at
    labels = label_field(fields)
    if labels is not None and labels.name in found.labels:
        answer["classes"] = class_counts(labels, found.labels[labels.name])
    return answer


def few(source: Source) -> Source:
    """The source itself, or, if it is generated and large, the same with fewer samples."""
    bytes_each = sum(8 * math.prod(field.shape) for field in source.fields() if field.batched)
    count = getattr(source, "count", None)
    most = max(LEAST, LARGE // max(1, bytes_each))
    if not isinstance(count, int) or count <= most:
        return source
    return source.model_copy(update={"count": most})


def _described(field: Field) -> dict[str, Any]:
    """The field without its classes, which may be a whole vocabulary."""
    told = {**field.to_json(), "kind": depicting.kind_of(field), "names": len(field.classes)}
    told["columns"] = list(depicting.columns_of(field))
    del told["classes"]
    return told


def _look(
    settings: DataSettings,
    fields: tuple[Field, ...],
    contents: Mapping[str, Array],
    parts: Split,
    count: int,
) -> dict[str, Any]:
    chosen = _spread(parts.train, count)
    own = [field for field in fields if field.batched]
    shown = {f.name: depicting.depict(f, contents[f.name][chosen]) for f in own}
    told = {f.name: distribution(f, contents[f.name]) for f in fields}
    found: dict[str, Any] = {
        "shown": shown,
        "distributions": {name: columns for name, columns in told.items() if columns},
        "graph": drawing.draw(fields, contents),
        "augmented": augment_preview.preview(
            settings, fields, {f.name: contents[f.name][chosen] for f in own}
        ),
    }
    labels = label_field(fields)
    if labels is not None:
        found["classes"] = class_counts(labels, contents[labels.name])
    return found


def _spread(indices: Array, count: int) -> Array:
    """So many of them, from the first to the last, mixed: what is sorted by class shows all of
    its classes at once."""
    if len(indices) > count:
        indices = indices[np.linspace(0, len(indices) - 1, count).astype(np.int64)]
    return np.random.default_rng(0).permutation(indices)


def label_field(fields: tuple[Field, ...]) -> Field | None:
    """The field with the class of each sample."""
    single = [field for field in fields if field.is_class]
    named = (field for field in single if field.classes)
    few = (field for field in single if field.high is not None and field.high <= CLASSES)
    return next(named, next(few, None))


def class_counts(field: Field, values: Array) -> dict[str, int]:
    """How many samples each class has, those without any included, in the order of classes."""
    found, counts = np.unique(values, return_counts=True)
    known = {depicting.class_name(field, number): 0 for number in range(len(field.classes))}
    named = (depicting.class_name(field, int(value)) for value in found)
    return known | {name: int(n) for name, n in zip(named, counts, strict=True)}


def distribution(field: Field, values: Array) -> list[dict[str, Any]]:
    """What the numbers of a field are like: of a vector by column, of others all as one.

    Each has `name`, `low`, `high`, `mean`, `deviation`, `missing` (a share) and `counts` of equal
    bins from `low` to `high`. Empty for ids.
    """
    if not field.dtype.startswith("float") or not len(values):
        return []
    step = max(1, values.size // COUNTED)
    rows = np.asarray(values[::step], dtype=np.float64)
    if field.batched and depicting.kind_of(field) != "vector":
        return [_column(field.name, rows.reshape(-1))]
    columns = rows.reshape(len(rows), -1).T[:COLUMNS]
    names = depicting.columns_of(field) or [f"{field.name}[{at}]" for at in range(len(columns))]
    if len(columns) == 1:
        names = [field.name]
    return [_column(name, column) for name, column in zip(names, columns, strict=False)]


def _column(name: str, values: Array) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    column: dict[str, Any] = {"name": name, "missing": 1.0 - known.size / max(1, values.size)}
    if not known.size:
        return column
    low, high = float(known.min()), float(known.max())
    counts = np.histogram(known, BINS, (low, high) if high > low else (low - 0.5, low + 0.5))[0]
    return column | {
        "low": low,
        "high": high,
        "mean": float(known.mean()),
        "deviation": float(known.std()),
        "counts": [int(n) for n in counts],
    }
