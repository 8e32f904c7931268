"""Opens folders of images."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from netbuilder.data import pictures
from netbuilder.data.images import ImageFolder
from netbuilder.data.proposals import class_folders
from netbuilder.data.reading.npy import Array
from netbuilder.data.reading.opening import Opened, opened


@opened.register
def _(source: ImageFolder) -> Opened:
    read = partial(_image, source)
    suffixes = pictures.SUFFIXES
    return class_folders.open_folder(source.folder, source.classes, suffixes, "images", read)


def _image(source: ImageFolder, path: Path) -> Mapping[str, Array]:
    size = (source.height, source.width)
    return {"image": pictures.read(path, size, source.colour, source.fit)}
