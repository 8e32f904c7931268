"""Opens folders of images."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from netbuilder.data import image_listing, pictures, places
from netbuilder.data.image_listing import File
from netbuilder.data.images import ImageFolder
from netbuilder.data.npy import Array, CorruptSample
from netbuilder.data.opening import Opened, opened, problem, problems
from netbuilder.data.streaming import Chance


class ImageReader:
    """Images by number. A file that was changed since it was listed can't be used any more."""

    def __init__(self, source: ImageFolder, root: Path, files: Sequence[File], labels: Array):
        self.source, self.root, self.labels = source, root, labels
        self.files = list(files)

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        source, file = self.source, self.files[index]
        path = self.root / file.path
        try:
            status = os.stat(path)
        except OSError as error:
            raise CorruptSample(f"{file.path}: it is gone") from error
        if (status.st_size, status.st_mtime_ns) != (file.bytes, file.changed_ns):
            raise CorruptSample(f"{file.path}: it was changed since the training began")
        try:
            size = (source.height, source.width)
            image = pictures.read(path, size, source.colour, source.fit)
        except CorruptSample as error:
            raise CorruptSample(f"{file.path}: {error}") from error
        if not source.classes:
            return {"image": image}
        return {"image": image, "label": self.labels[index]}

    def changed(self) -> str:
        return "" if self.root.is_dir() else self.root.name


@opened.register
def _(source: ImageFolder) -> Opened:
    if not source.folder:
        raise problems([problem("data.files", "No folder is chosen.", "Choose one with images.")])
    root = places.resolve(source.folder)
    if not root.is_dir():
        hint = "Put it back, or choose the folder again."
        raise problems([problem("data.file", f"There is no folder '{root}'.", hint)])
    listing = image_listing.look(root)
    notes: list[tuple[str, str]] = []
    if source.classes:
        missing = [name for name in source.classes if not listing.files.get(name)]
        if missing:
            shown = ", ".join(f"'{name}'" for name in missing[:5])
            hint = "Look at the folder again in the Data panel, or put the images back."
            what = "the class" if len(missing) == 1 else "the classes"
            text = f"There are no images of {what} {shown} in '{root.name}'."
            raise problems([problem("data.classes", text, hint)])
        chosen = [
            (file, at) for at, name in enumerate(source.classes) for file in listing.files[name]
        ]
        aside = listing.count - len(chosen)
        if aside:
            notes.append(
                ("aside", f"{aside} images are in no folder of a class: they are left out.")
            )
    else:
        chosen = [(file, 0) for name in sorted(listing.files) for file in listing.files[name]]
    if listing.outside:
        text = f"{listing.outside} links lead outside of '{root.name}': they are left out."
        notes.append(("outside", text))
    files = [file for file, _ in chosen]
    labels = np.array([label for _, label in chosen], dtype=np.int64)
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path}\0{file.bytes}\n".encode(errors="surrogateescape"))
    known = {"label": labels} if source.classes else {}
    return Opened(
        ImageReader(source, root, files, labels), known, tuple(notes), extra=digest.digest()
    )
