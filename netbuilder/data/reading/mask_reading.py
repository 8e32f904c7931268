"""Opens folders of images with masks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from netbuilder.data import pictures, places
from netbuilder.data.masks import MaskFolder
from netbuilder.data.proposals import class_folders
from netbuilder.data.proposals.class_folders import FolderReader
from netbuilder.data.reading import file_listing
from netbuilder.data.reading.file_listing import File
from netbuilder.data.reading.npy import Array, CorruptSample
from netbuilder.data.reading.opening import Opened, opened, problem, problems
from netbuilder.data.streaming import Chance

READ_FIRST = 5000
"""So many masks are read before the parts are drawn, to give each part all classes."""


class MaskReader:
    """Pairs by number. A file that was changed since it was listed can't be used any more."""

    def __init__(self, source: MaskFolder, root: Path, found: list[tuple[File, File]]) -> None:
        self.source, self.found = source, found
        self.images = FolderReader(root, [image for image, _ in found], None, self._image)
        self.masks = FolderReader(root, [mask for _, mask in found], None, self._mask)

    def __len__(self) -> int:
        return len(self.found)

    def _image(self, path: Path) -> Mapping[str, Array]:
        size = (self.source.height, self.source.width)
        return {"image": pictures.read(path, size, self.source.colour, self.source.fit)}

    def _mask(self, path: Path) -> Mapping[str, Array]:
        size = (self.source.height, self.source.width)
        return {"mask": pictures.read_ids(path, size, self.source.values, self.source.fit)}

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        return {**self.images.read(index, chance), **self.masks.read(index, chance)}

    def changed(self) -> str:
        return self.images.changed()

    def rarest(self) -> Array:
        """For each mask the class in it that is in the fewest masks, so that parts get those too;
        one more than all classes where a mask can't be read."""
        count = len(self.source.values)
        inside = np.zeros((len(self), count), dtype=bool)
        for index in range(len(self)):
            with suppress(CorruptSample):
                mask = self.masks.read(index, np.random.default_rng)["mask"]
                inside[index, np.unique(mask)] = True
        masks = np.where(inside, inside.sum(axis=0), len(self) + 1)
        found: Array = np.where(inside.any(axis=1), masks.argmin(axis=1), count)
        return found


@opened.register
def _(source: MaskFolder) -> Opened:
    if not source.folder:
        raise problems([problem("data.files", "No folder is chosen.", "Choose one with images.")])
    root = places.resolve(source.folder)
    if not root.is_dir():
        hint = "Put it back, or choose the folder again."
        raise problems([problem("data.file", f"There is no folder '{root}'.", hint)])
    listing = file_listing.look(root, pictures.SUFFIXES)
    images, masks = (listing.files.get(name, []) for name in (source.images, source.masks))
    found = file_listing.pairs(images, masks)
    if not found:
        text = f"'{root.name}' has no images with masks of the same name."
        hint = f"Put images into '{source.images}' and their masks into '{source.masks}'."
        raise problems([problem("data.empty", text, hint)])
    notes = []
    if len(found) < len(images):
        text = f"{len(images) - len(found)} images have no mask: they are left out."
        notes.append(("aside", text))
    reader = MaskReader(source, root, found)
    strata = None
    if len(found) <= READ_FIRST:
        strata = reader.rarest
    else:
        text = f"Parts are drawn at random: {len(found):,} masks are too many to read before."
        notes.append(("strata", text))
    extra = class_folders.digest(file for pair in found for file in pair)
    return Opened(reader, notes=tuple(notes), extra=extra, strata=strata)
