"""What lies in a folder that somebody proposes: classes, what is left out. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from netbuilder.data.reading import file_listing
from netbuilder.data.reading.file_listing import File, Listing
from netbuilder.errors import Problem

PARTS = ("train", "training", "val", "valid", "validation", "test", "testing")
FEW = 5
LOOKED_AT = 64
"""Files that are opened, to tell sizes and the like."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The folder that holds the samples, their classes, and what a person should know of it."""

    path: Path
    listing: Listing
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def count(self) -> int:
        """The samples: with classes, those that are in a folder of one."""
        if not self.classes:
            return self.listing.count
        return sum(len(self.listing.files[name]) for name in self.classes)

    def some(self) -> list[File]:
        """Some of the files, of all classes."""
        names = self.classes or sorted(self.listing.files)
        files = [file for name in names for file in self.listing.files[name]]
        return files[:: max(1, len(files) // LOOKED_AT)][:LOOKED_AT]

    def title(self, what: str) -> str:
        """A line about it."""
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return f"{self.path.name}: {self.count:,} {what}{classes}"


def survey(path: Path, suffixes: frozenset[str], what: str) -> Survey | None:
    """What a folder holds of files with these endings, which are called `what`; None if nothing.

    Where somebody parted it already (train, test), the training part is taken. One folder alone
    teaches no difference: then all are samples without labels.
    """
    if not path.is_dir():
        return None
    listing = file_listing.look(path, suffixes)
    if not listing.count:
        return None
    notes: list[str] = []
    parts = [name for name in listing.files if name.lower() in PARTS]
    if parts and all(name in parts or not files for name, files in listing.files.items()):
        first = next((name for name in parts if name.lower().startswith("train")), parts[0])
        inner = file_listing.look(path / first, suffixes)
        if inner.count:
            others = " and ".join(f"'{name}'" for name in parts if name != first)
            notes.append(f"Only '{first}' is used" + (f": {others} stay aside." if others else "."))
            path, listing = path / first, inner
    classes = tuple(name for name, files in listing.files.items() if name and files)
    classes = classes if len(classes) > 1 else ()
    notes += _notes(listing, what, with_classes=bool(classes))
    return Survey(path, listing, classes, tuple(notes), tuple(_problems(listing, classes, what)))


def _notes(listing: Listing, what: str, *, with_classes: bool) -> list[str]:
    notes = []
    loose = len(listing.files.get("", ()))
    empty = [name for name, files in listing.files.items() if name and not files]
    if loose and with_classes:
        notes.append(f"{loose} {what} lie beside the folders of the classes: they are left out.")
    if empty:
        shown = ", ".join(empty[:5]) + (", ..." if len(empty) > 5 else "")
        notes.append(f"No {what} in {len(empty)} folders: {shown}.")
    if listing.others:
        notes.append(f"Files that are no {what}, left out: {listing.others}.")
    if listing.outside:
        notes.append(f"Links that lead elsewhere, left out: {listing.outside}.")
    if listing.full:
        notes.append(f"Only the first {file_listing.MAX_FILES:,} files are used.")
    return notes


def _problems(listing: Listing, classes: tuple[str, ...], what: str) -> list[Problem]:
    few = [name for name in classes if len(listing.files[name]) < FEW]
    if not few:
        return []
    shown = ", ".join(f"'{name}'" for name in few[:5])
    text = f"Fewer than {FEW} {what} of {shown}."
    return [Problem("warning", "data.few", text, "More of these would help.")]
