"""Which files of a folder are samples, and of which class. Torch-free; opens none of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from netbuilder.data import places

MAX_FILES = 5_000_000
"""More files than these are not listed."""
MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class File:
    """A file below a folder: its path from there, and what tells whether it is still the same."""

    path: str
    bytes: int
    changed_ns: int


@dataclass(slots=True)
class Listing:
    """The files below a folder by what comes first in their path: a class, or "" for none.

    `others` counts files that are none of those looked for, `outside` links that lead away,
    `seen` all entries; `full` tells that there are too many.
    """

    files: dict[str, list[File]] = field(default_factory=dict)
    others: int = 0
    outside: int = 0
    seen: int = 0
    full: bool = False

    @property
    def count(self) -> int:
        """All files together."""
        return sum(map(len, self.files.values()))


def look(folder: Path, suffixes: frozenset[str]) -> Listing:
    """The files with one of these endings, by name. Folders that can't be read count as empty.

    Hidden files are left out. Links to folders are followed for classes alone, links to files
    where they stay inside or lead to where the person allowed it.
    """
    found = Listing()
    root = os.path.realpath(folder)
    for entry in _entries(root):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if entry.is_symlink() and not _allowed(entry.path, root):
                found.outside += 1
                continue
            inside = list(_walk(entry.path, entry.name, root, suffixes, found, 1))
            found.files[entry.name] = sorted(inside, key=lambda file: file.path)
        else:
            file = _file(entry, entry.name, root, suffixes, found)
            if file is not None:
                found.files.setdefault("", []).append(file)
    return found


def pairs(images: list[File], masks: list[File]) -> list[tuple[File, File]]:
    """Images with the masks of the same name, whatever it ends in, below their folders."""

    def key(file: File) -> str:
        return str(Path(*Path(file.path).parts[1:]).with_suffix(""))

    named = {key(mask): mask for mask in masks}
    return [(image, named[key(image)]) for image in images if key(image) in named]


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _walk(
    folder: str, path: str, root: str, suffixes: frozenset[str], found: Listing, depth: int
) -> Iterator[File]:
    for entry in _entries(folder):
        if entry.name.startswith("."):
            continue
        name = f"{path}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if depth < MAX_DEPTH:
                yield from _walk(entry.path, name, root, suffixes, found, depth + 1)
            continue
        file = _file(entry, name, root, suffixes, found)
        if file is not None:
            yield file


def _file(
    entry: os.DirEntry[str], name: str, root: str, suffixes: frozenset[str], found: Listing
) -> File | None:
    found.seen += 1
    if found.seen > MAX_FILES:
        found.full = True
        return None
    if os.path.splitext(entry.name)[1].lower() not in suffixes:
        found.others += 1
        return None
    try:
        if entry.is_symlink() and not _allowed(entry.path, root):
            found.outside += 1
            return None
        if not entry.is_file():
            found.others += 1
            return None
        status = entry.stat()
    except OSError:
        found.others += 1
        return None
    return File(name, status.st_size, status.st_mtime_ns)


def _allowed(path: str, root: str) -> bool:
    real = os.path.realpath(path)
    return real.startswith(root + os.sep) or places.current().allows(Path(real))
