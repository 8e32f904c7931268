"""Proposals for NumPy files. Torch-free."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from netbuilder.data.files import FileField, NumpyFiles
from netbuilder.data.proposals.proposing import Proposal, Task
from netbuilder.data.reading.npy import CorruptSample, Rows
from netbuilder.errors import NetbuilderError, Problem

_NAME = re.compile(r"[A-Za-z_]\w{0,63}")
MOST_FILES = 64
MOST_CLASSES = 1000
MOST_IDS = 2**28
"""Bytes of whole numbers that are read to find the largest."""
TARGETS = ("target", "targets", "y", "value", "values", "output", "outputs")
KEYS = ("time", "date", "group", "series", "key", "id")
"""Names of what parts and orders samples rather than being learned."""


def propose(path: Path) -> Proposal | None:
    """A folder with .npy files of the same samples, or one of these files."""
    if path.suffix.lower() == ".npz":
        hint = "Write each array by itself: numpy.save('x.npy', x), numpy.save('label.npy', label)."
        raise NetbuilderError(f"'{path.name}' is an archive of arrays, which is not read.", hint)
    folder = path if path.is_dir() else path.parent
    if path.is_file() and path.suffix.lower() != ".npy":
        return None
    files = sorted(each for each in folder.glob("*.npy") if not each.name.startswith("."))
    if not files:
        return None
    arrays, notes = _headers(files)
    count = _count(arrays, path)
    for name in [name for name, rows in arrays.items() if len(rows) != count]:
        notes.append(f"'{name}.npy' has {len(arrays[name])} samples, not {count}: it is left out.")
        del arrays[name]
    contents = {name: _as_row(name, _field(name, rows)) for name, rows in arrays.items()}
    # What is to be found comes last, as in tables.
    found = _targets(contents)
    contents = {name: contents[name] for name in sorted(contents, key=lambda n: n in found)}
    source = NumpyFiles(folder=str(folder), contents=contents)
    labels = [
        name for name, field in contents.items() if field.high is not None and not field.shape
    ]
    return Proposal(
        source=source.id,
        params=source.model_dump(mode="json", exclude_defaults=True),
        title=f"{folder.name}: {count:,} samples, {', '.join(contents)}",
        count=count,
        fields=source.fields(),
        task=_task(contents, labels),
        settings={"normalise": [name for name, f in contents.items() if f.dtype == "float32"]},
        notes=tuple(notes),
        problems=_problems(contents, labels),
    )


def _problems(contents: Mapping[str, FileField], labels: list[str]) -> tuple[Problem, ...]:
    if len(contents) > len(labels):
        return ()
    text = f"There are classes alone ({', '.join(labels)}), and nothing to tell them by."
    return (Problem("error", "data.features", text, "Add a .npy file of what belongs to each."),)


def _headers(files: list[Path]) -> tuple[dict[str, Rows], list[str]]:
    """The files that can be streamed, by field; why others can't."""
    arrays: dict[str, Rows] = {}
    notes = []
    for file in files[:MOST_FILES]:
        if _NAME.fullmatch(file.stem) is None:
            notes.append(f"'{file.name}' is left out: no field can be called so.")
            continue
        try:
            arrays[file.stem] = Rows(file)
        except NetbuilderError as error:
            notes.append(f"{error} {error.hint}".strip())
    if not arrays:
        raise NetbuilderError(notes[0], "Write arrays of numbers with numpy.save.")
    return arrays, notes


def _count(arrays: Mapping[str, Rows], path: Path) -> int:
    """How many samples: as many as the file has that was chosen, else as most files have."""
    if path.stem in arrays and path.is_file():
        return len(arrays[path.stem])
    return Counter(map(len, arrays.values())).most_common(1)[0][0]


def _field(name: str, rows: Rows) -> FileField:
    """Whole numbers that are not a picture's are ids; a single one a sample is a class."""
    shape = rows.shape[1:]
    whole = rows.dtype.kind in "iub"
    picture = rows.dtype.itemsize == 1 and bool(shape)
    if not whole or picture or len(rows) * rows.row > MOST_IDS or not len(rows):
        return FileField(shape=shape)
    try:
        values = rows.stretch(0, len(rows))
    except CorruptSample:
        return FileField(shape=shape)
    low, high = int(np.min(values, initial=0)), int(np.max(values, initial=0))
    if low < 0 or (not shape and (high >= MOST_CLASSES or name.lower() in TARGETS[3:])):
        return FileField(shape=shape)
    return FileField(shape=shape, dtype="int64", high=high + 1)


def _targets(contents: Mapping[str, FileField]) -> list[str]:
    """The files of numbers to be found: by name, else the only one with one number a sample."""
    named = [name for name in contents if name.lower() in TARGETS]
    single = [name for name, each in contents.items() if each.shape == (1,)]
    return named or (single if len(single) == 1 else [])


def _as_row(name: str, single: FileField) -> FileField:
    """A number a sample as a row of one, as layers take and give it."""
    if single.shape or single.high is not None or name.lower() in KEYS:
        return single
    return single.model_copy(update={"shape": (1,)})


def _task(contents: Mapping[str, FileField], labels: list[str]) -> Task:
    if labels:
        return "classification"
    return "regression" if _targets(contents) and len(contents) > 1 else "reconstruction"
