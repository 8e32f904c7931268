"""A look at data in files before any training: some samples, counts, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from netbuilder.data import places
from netbuilder.data.files import FileSource
from netbuilder.data.loading import find_label_problems, find_problems, split_of
from netbuilder.data.reading import opening
from netbuilder.data.reading.npy import Array, CorruptSample
from netbuilder.data.settings import DataSettings
from netbuilder.data.sources import class_fields
from netbuilder.data.streaming import Reader
from netbuilder.errors import Problem, ProblemsError

MOST = 256
"""Samples that are read at most, and their bytes."""
MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Look:
    """What was seen. `contents` are samples of the training part, spread over it.

    `labels` holds the classes of all samples. `wanted` are places that the person has not
    allowed to be read yet: then all else is empty.
    """

    count: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)
    contents: Mapping[str, Array] = field(default_factory=dict)
    labels: Mapping[str, Array] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    wanted: tuple[Path, ...] = ()


def look(source: FileSource, settings: DataSettings) -> Look:
    """Read some of the data, where the person chose it before.

    That it lies beside the project is not enough: a project that came with its data is only
    looked at.
    """
    here = places.current()
    wanted = places.wanting(source, replace(here, folder=None), here)
    if wanted:
        return Look(wanted=tuple(wanted))
    try:
        found = opening.open_source(source)
    except ProblemsError as error:
        return Look(problems=error.problems)
    count = len(found.reader)
    fields = source.fields()
    if not count:
        empty = opening.problem("data.empty", "The data has no samples.", "Choose other data.")
        return Look(problems=(empty,))
    if found.contents is None:
        problems = find_label_problems(fields, found.labels, settings)
    else:
        problems = find_problems(fields, found.contents, settings)
    known = found.contents if found.contents is not None else found.labels
    labels = {each.name: known[each.name] for each in class_fields(fields) if each.name in known}
    parts = split_of(count, next(iter(labels.values()), None), settings, known.get(settings.key))
    most = min(MOST, max(1, MOST_BYTES // max(1, opening.sample_bytes(fields))))
    contents, unread = _some(found.reader, parts.train, most)
    contents |= {each.name: known[each.name] for each in fields if not each.batched}
    if unread:
        text = f"{unread} of {most if unread < most else unread} samples looked at can't be read."
        hint = "Up to 1 % of the samples are passed over."
        problems = [*problems, Problem("warning", "data.corrupt", text, hint)]
    return Look(
        count,
        {name: len(getattr(parts, name)) for name in ("train", "validation", "test")},
        contents,
        labels,
        tuple(text for _, text in found.notes),
        tuple(problems),
    )


def _some(reader: Reader, numbers: Array, most: int) -> tuple[dict[str, Array], int]:
    """So many samples from the first to the last of these, and how many can't be read."""
    if len(numbers) > most:
        numbers = numbers[np.linspace(0, len(numbers) - 1, most).astype(np.int64)]
    rows, unread = [], 0
    for index in numbers.tolist():
        try:
            rows.append(reader.read(index, lambda: np.random.default_rng(0)))
        except CorruptSample:
            unread += 1
    if not rows:
        return {}, unread
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}, unread
