"""Opens folders with one folder a class, whatever the files in them are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from netbuilder.data import places
from netbuilder.data.reading import file_listing
from netbuilder.data.reading.file_listing import File
from netbuilder.data.reading.npy import Array, CorruptSample
from netbuilder.data.reading.opening import Opened, problem, problems
from netbuilder.data.streaming import Chance

Read = Callable[[Path], Mapping[str, Array]]
"""The fields of the sample in a file, without its class; `CorruptSample` if it can't be used."""


class FolderReader:
    """Samples by number. A file that was changed since it was listed can't be used any more."""

    def __init__(self, root: Path, files: Sequence[File], labels: Array | None, read: Read) -> None:
        """`read` is sent to processes with the reader: a function of a module, or a partial."""
        self.root, self.labels, self.of = root, labels, read
        self.files = list(files)

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        file = self.files[index]
        path = self.root / file.path
        try:
            status = os.stat(path)
        except OSError as error:
            raise CorruptSample(f"{file.path}: it is gone") from error
        if (status.st_size, status.st_mtime_ns) != (file.bytes, file.changed_ns):
            raise CorruptSample(f"{file.path}: it was changed since the training began")
        try:
            row = self.of(path)
        except CorruptSample as error:
            raise CorruptSample(f"{file.path}: {error}") from error
        return row if self.labels is None else {**row, "label": self.labels[index]}

    def changed(self) -> str:
        return "" if self.root.is_dir() else self.root.name


def open_folder(
    named: str, classes: Sequence[str], suffixes: frozenset[str], what: str, read: Read
) -> Opened:
    """The files with these endings in the folder that a project names, read by `read`.

    `what` they are called in messages: images. Without classes all are samples without labels.
    """
    if not named:
        hint = f"Choose one with {what}."
        raise problems([problem("data.files", "No folder is chosen.", hint)])
    root = places.resolve(named)
    if not root.is_dir():
        hint = "Put it back, or choose the folder again."
        raise problems([problem("data.file", f"There is no folder '{root}'.", hint)])
    listing = file_listing.look(root, suffixes)
    notes: list[tuple[str, str]] = []
    if classes:
        _refuse_missing(listing, classes, root, what)
        chosen = [(file, at) for at, name in enumerate(classes) for file in listing.files[name]]
        aside = listing.count - len(chosen)
        if aside:
            text = f"{aside} {what} are in no folder of a class: they are left out."
            notes.append(("aside", text))
    else:
        chosen = [(file, 0) for name in sorted(listing.files) for file in listing.files[name]]
    if listing.outside:
        text = f"{listing.outside} links lead outside of '{root.name}': they are left out."
        notes.append(("outside", text))
    if listing.full:
        text = f"Only the first {file_listing.MAX_FILES:,} files of '{root.name}' are used."
        notes.append(("full", text))
    files = [file for file, _ in chosen]
    labels = np.array([label for _, label in chosen], dtype=np.int64) if classes else None
    known = {} if labels is None else {"label": labels}
    reader = FolderReader(root, files, labels, read)
    return Opened(reader, known, tuple(notes), extra=digest(files))


def digest(files: Iterable[File]) -> bytes:
    """What tells these files from others without reading them."""
    found = hashlib.sha256()
    for file in files:
        found.update(f"{file.path}\0{file.bytes}\n".encode(errors="surrogateescape"))
    return found.digest()


def _refuse_missing(
    listing: file_listing.Listing, classes: Sequence[str], root: Path, what: str
) -> None:
    missing = [name for name in classes if not listing.files.get(name)]
    if missing:
        shown = ", ".join(f"'{name}'" for name in missing[:5])
        hint = "Look at the folder again in the Data panel, or put the files back."
        of = "the class" if len(missing) == 1 else "the classes"
        text = f"There are no {what} of {of} {shown} in '{root.name}'."
        raise problems([problem("data.classes", text, hint)])
