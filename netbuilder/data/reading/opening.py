"""From a source in files to a data set: open it, check it, split it, load or stream it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import singledispatch
from importlib import import_module

import numpy as np
from torch import Tensor

from netbuilder.data import augmenting, windowing
from netbuilder.data.files import FileSource
from netbuilder.data.loading import (
    Dataset,
    Part,
    augmented,
    by_classes,
    find_label_problems,
    make,
    refuse,
    split_of,
)
from netbuilder.data.reading.npy import Array
from netbuilder.data.settings import DataSettings
from netbuilder.data.sources import Field, Source, class_fields
from netbuilder.data.statistics import Statistics
from netbuilder.data.streaming import Feed, Reader, Streamed, fingerprint
from netbuilder.errors import Problem, ProblemsError, RunError

MEASURED = 10_000
"""Samples of which mean and deviation are taken."""
IN_MEMORY = 2**29
"""Bytes up to which all samples are loaded before the training, as tensors."""


@dataclass(frozen=True)
class Opened:
    """A source whose files were found.

    `reader` reads single samples. `labels` holds what is known of all samples at once: at least
    the fields with one class a sample, which decide the split. `notes` tell a person what
    was left aside, as code and sentence. Where `varies`, a sample has other values in every
    epoch, so that none can be kept. `extra` goes into the fingerprint: what tells these files
    from others without reading them. `contents` are all samples, where the files had to be read as
    a whole.
    """

    reader: Reader
    labels: Mapping[str, Array] = field(default_factory=dict)
    notes: tuple[tuple[str, str], ...] = ()
    varies: bool = False
    extra: bytes = b""
    contents: Mapping[str, Array] | None = None
    strata: Callable[[], Array] | None = None
    """A number a sample, where no field is a class, so that parts get each number in proportion; it
    is asked for where it is needed: it may have to read all samples."""


def open_source(source: Source) -> Opened:
    """Look at the files; `ProblemsError` lists all that is wrong with them."""
    import_module(source.contents_in)
    return opened(source)


@singledispatch
def opened(source: Source) -> Opened:
    """What `open_source` gives; a module registers its functions here and is imported by it."""
    raise TypeError(f"nothing opens {type(source).__name__}")


def prepare(source: FileSource, settings: DataSettings, *, in_memory: int = IN_MEMORY) -> Dataset:
    """Open, check and split; `ProblemsError` lists all that is wrong with the files.

    What needs at most `in_memory` bytes is loaded now, all else is read while one trains: both
    give the same bits.
    """
    found = open_source(source)
    fields = source.fields()
    count = len(found.reader)
    if not count:
        refuse([problem("data.empty", "The data has no samples.", "Choose other data.")])
    if found.contents is not None:
        return replace(make(fields, found.contents, settings), notes=found.notes)
    refuse(find_label_problems(fields, found.labels, settings))
    keys = _keys(found, fields, settings)
    classes = next(_labels(found, fields), None)
    if classes is None and found.strata is not None and by_classes(settings):
        classes = found.strata()
    parts = split_of(count, classes, settings, keys.get(settings.key))
    reader = found.reader
    if settings.windows is not None:
        order = windowing.order_of(settings, keys, count)
        series = keys.get(settings.windows.series)
        starts, parts = windowing.starts_of(settings.windows, order, parts, series)
        reader = windowing.WindowReader(reader, settings.windows, fields, order, starts)
        fields, count = settings.windows.of(fields), len(starts)
    indices = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    feed = Feed(reader, fields, indices, seed=settings.seed, workers=settings.workers)
    hash = fingerprint(reader, indices, extra=found.extra)
    if not found.varies and count * sample_bytes(fields) <= in_memory:
        data = _loaded(feed, fields, settings.normalise, hash, found.notes)
        return augmented(data, settings.augment, settings.seed)
    feed.statistics = _statistics(Streamed(feed, "train"), settings.normalise)
    augmenter = augmenting.make(settings.augment, fields, feed.statistics)
    if augmenter is not None:
        feed.vary(augmenter, settings.seed)
    train, validation, test = (Streamed(feed, name) for name in indices)
    data = Dataset(feed.fields, train, validation, test, feed.statistics, hash, notes=found.notes)
    return replace(data, augmenter=augmenter)


def _labels(found: Opened, fields: tuple[Field, ...]) -> Iterator[Array]:
    """The classes of all samples, where they have some."""
    named = [field.name for field in class_fields(fields)]
    return (found.labels[name] for name in named if name in found.labels)


def _keys(found: Opened, fields: tuple[Field, ...], settings: DataSettings) -> dict[str, Array]:
    """The values of all samples by which they are split or put in order."""
    wanted = set(settings.key_names())
    keys = {name: found.labels[name] for name in wanted if name in found.labels}
    if missing := sorted(wanted - keys.keys()):
        rows = (found.reader.read(at, np.random.default_rng) for at in range(len(found.reader)))
        values = np.array([[row[name] for name in missing] for row in rows])
        keys |= dict(zip(missing, values.T, strict=True))
    return keys


def sample_bytes(fields: Iterable[Field]) -> int:
    """What the tensors of one sample need."""
    sizes = {"float32": 4, "int64": 8}
    return sum(sizes[each.dtype] * int(np.prod(each.shape, dtype=np.int64)) for each in fields)


def _loaded(
    feed: Feed,
    fields: tuple[Field, ...],
    normalise: tuple[str, ...],
    hash: str,
    notes: tuple[tuple[str, str], ...],
) -> Dataset:
    """All samples as tensors. Those that can't be read have others in their place, as streamed."""
    told: dict[str, str] = {}
    feed.tell = told.__setitem__
    try:
        parts = [_whole(feed, name) for name in ("train", "validation", "test")]
    except RunError as error:
        raise problems([problem("data.corrupt", str(error), error.hint)]) from error
    statistics = _statistics(parts[0], normalise)
    for name, statistic in statistics.items():
        for part in parts:
            if name in part:
                part[name] = statistic.normalise(part[name])
    train, validation, test = parts
    return Dataset(fields, train, validation, test, statistics, hash, notes=(*notes, *told.items()))


def _whole(feed: Feed, name: str) -> dict[str, Tensor]:
    count = feed.count(name)
    part = Streamed(feed, name)
    return dict(part.rows(range(count))) if count else {}


def _statistics(part: Part, names: tuple[str, ...]) -> dict[str, Statistics]:
    if not names:
        return {}
    count = len(next(iter(part.values())))
    chosen = np.unique(np.linspace(0, count - 1, min(count, MEASURED)).astype(int)).tolist()
    if not isinstance(part, Streamed):
        return {name: Statistics.of(part[name][chosen]) for name in names}
    rows = part.rows(chosen)
    return {name: Statistics.of(rows[name]) for name in names}


def problem(code: str, message: str, hint: str) -> Problem:
    """An error about the data."""
    return Problem("error", code, message, hint)


def problems(found: list[Problem]) -> ProblemsError:
    """Errors about the data, to be raised."""
    return ProblemsError(found[0].message, found, found[0].hint)
