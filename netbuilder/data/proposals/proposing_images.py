"""Proposals for folders of images. Torch-free."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from netbuilder.data import pictures
from netbuilder.data.images import ImageFolder
from netbuilder.data.proposals import surveying
from netbuilder.data.proposals.proposing import Proposal
from netbuilder.data.proposals.surveying import Survey
from netbuilder.data.reading.npy import CorruptSample
from netbuilder.errors import NetbuilderError

SIZES = (8, 16, 28, 32, 48, 64)
"""Of images of many sizes the proposal takes one of these: large ones train slowly."""
AS_IT_IS = 128


def propose(path: Path) -> Proposal | None:
    """A folder with images, or with folders of images."""
    found = surveying.survey(path, pictures.SUFFIXES, "images")
    if found is None:
        return None
    (height, width), colour, bad = headers(found)
    notes = list(found.notes)
    if bad:
        notes.append(f"{bad} of {len(found.some())} images looked at can't be read.")
    source = ImageFolder(
        folder=str(found.path), classes=found.classes, height=height, width=width, colour=colour
    )
    return Proposal(
        source=source.id,
        params=source.model_dump(mode="json", exclude_defaults=True),
        title=found.title("images"),
        count=found.count,
        fields=source.fields(),
        task="classification" if found.classes else "reconstruction",
        settings={"normalise": ["image"]} if found.classes else {},
        notes=tuple(notes),
        problems=found.problems,
    )


def headers(found: Survey) -> tuple[tuple[int, int], bool, int]:
    """The size to bring images to (height, width), whether any has colour, how many are bad."""
    sizes: Counter[tuple[int, int]] = Counter()
    colour, bad = False, 0
    for file in found.some():
        try:
            image = pictures.opened(pictures.content(found.path / file.path))
        except CorruptSample:
            bad += 1
            continue
        sizes[(image.size[1], image.size[0])] += 1
        colour = colour or (image.mode not in ("1", "L", "LA", "F") and image.mode[0] != "I")
    if not sizes:
        raise NetbuilderError(
            f"None of the images in '{found.path.name}' can be read.",
            "They may be damaged, or no images in spite of their names.",
        )
    (height, width), _ = sizes.most_common(1)[0]
    if len(sizes) == 1 and max(height, width) <= AS_IT_IS:
        return (height, width), colour, bad
    sides = sorted(min(size) for size in sizes.elements())
    side = max([size for size in SIZES if size <= sides[len(sides) // 2]], default=SIZES[0])
    return (side, side), colour, bad
