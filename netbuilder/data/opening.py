"""From a source in files to a data set that is streamed: look at it, split it, check it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netbuilder.data.files import NumpyFiles
from netbuilder.data.loading import Dataset, find_label_problems, refuse, split_of
from netbuilder.data.npy import Array, Rows
from netbuilder.data.settings import DataSettings
from netbuilder.data.sources import Field
from netbuilder.data.statistics import Statistics
from netbuilder.data.streaming import Chance, Feed, Streamed, fingerprint
from netbuilder.errors import NetbuilderError, Problem, ProblemsError

MEASURED = 10_000
"""Samples of which mean and deviation are taken."""


class NumpyReader:
    """Samples of several .npy files, one a field."""

    def __init__(self, files: Mapping[str, Rows]) -> None:
        self.files = dict(files)

    def __len__(self) -> int:
        return min(map(len, self.files.values()))

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        return {name: rows.read(index) for name, rows in self.files.items()}

    def changed(self) -> str:
        return next((rows.path.name for rows in self.files.values() if rows.changed()), "")


def prepare(source: NumpyFiles, settings: DataSettings) -> Dataset:
    """Open, check and split; `ProblemsError` lists all that is wrong with the files."""
    fields = source.fields()
    if not fields or not source.folder:
        raise _problems(
            [_problem("data.files", "No files are chosen.", "Name a folder and fields.")]
        )
    found: list[Problem] = []
    files: dict[str, Rows] = {}
    for field in fields:
        try:
            files[field.name] = Rows(source.path(field.name))
            found += _mismatch(field, files[field.name])
        except NetbuilderError as error:
            found.append(_problem("data.file", str(error), error.hint))
    refuse(found)
    counts = {name: len(rows) for name, rows in files.items()}
    if min(counts.values()) == 0:
        refuse([_problem("data.empty", "The data has no samples.", "Choose other data.")])
    if len(set(counts.values())) > 1:
        text = ", ".join(f"{name} has {count}" for name, count in counts.items())
        hint = "Write all files of the same samples."
        refuse([_problem("data.lengths", f"The fields differ in length: {text}.", hint)])
    # Labels are small and decide the split; all else is read when it is needed.
    labels = {
        field.name: rows.stretch(0, len(rows)).astype(np.int64)
        for field, rows in zip(fields, files.values(), strict=True)
        if field.high is not None and not field.shape
    }
    refuse(find_label_problems(fields, labels, settings))
    count = min(counts.values())
    parts = split_of(count, next(iter(labels.values()), None), settings)
    indices = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    reader = NumpyReader(files)
    feed = Feed(reader, fields, indices, seed=settings.seed, workers=settings.workers)
    feed.statistics = _statistics(feed, settings.normalise)
    train, validation, test = (Streamed(feed, name) for name in indices)
    print_ = fingerprint(reader, indices)
    return Dataset(fields, train, validation, test, feed.statistics, print_)


def _statistics(feed: Feed, names: tuple[str, ...]) -> dict[str, Statistics]:
    if not names:
        return {}
    count = feed.count("train")
    chosen = np.unique(np.linspace(0, count - 1, min(count, MEASURED)).astype(int)).tolist()
    rows = Streamed(feed, "train").rows(chosen)
    return {name: Statistics.of(rows[name]) for name in names}


def _mismatch(field: Field, rows: Rows) -> list[Problem]:
    found = []
    if rows.shape[1:] != field.shape:
        message = f"Samples of '{field.name}' are {rows.shape[1:]}, not {field.shape}."
        found.append(_problem("data.shape", message, "Correct the shape in the data settings."))
    if field.dtype == "int64" and rows.dtype.kind not in "iub":
        message = f"'{field.name}' holds {rows.dtype}, not whole numbers."
        found.append(_problem("data.dtype", message, "Declare it as float32."))
    return found


def _problem(code: str, message: str, hint: str) -> Problem:
    return Problem("error", code, message, hint)


def _problems(found: list[Problem]) -> ProblemsError:
    return ProblemsError(found[0].message, found, found[0].hint)
