"""Proposals for folders of images. Torch-free."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from netbuilder.data import image_listing, pictures
from netbuilder.data.image_listing import Listing
from netbuilder.data.images import ImageFolder
from netbuilder.data.npy import CorruptSample
from netbuilder.data.proposing import Proposal
from netbuilder.errors import NetbuilderError, Problem

LOOKED_AT = 64
"""Images whose headers are read, to tell sizes and colour."""
SIZES = (8, 16, 28, 32, 48, 64)
"""Of images of many sizes the proposal takes one of these: large ones train slowly."""
AS_IT_IS = 128
PARTS = ("train", "training", "val", "valid", "validation", "test", "testing")


def propose(path: Path) -> Proposal | None:
    """A folder with images, or with folders of images."""
    if not path.is_dir():
        return None
    listing = image_listing.look(path)
    if not listing.count:
        return None
    notes = []
    parts = [name for name in listing.files if name.lower() in PARTS]
    if parts and all(name in parts or not files for name, files in listing.files.items()):
        first = next((name for name in parts if name.lower().startswith("train")), parts[0])
        inner = image_listing.look(path / first)
        if inner.count:
            others = " and ".join(f"'{name}'" for name in parts if name != first)
            notes.append(f"Only '{first}' is used" + (f": {others} stay aside." if others else "."))
            path, listing = path / first, inner
    classes = [name for name, files in listing.files.items() if name and files]
    empty = [name for name, files in listing.files.items() if name and not files]
    notes += _notes(listing, empty)
    if len(classes) < 2:
        # One folder alone teaches no difference: its images are samples without labels.
        count, classes = listing.count, []
    else:
        count = listing.count - len(listing.files.get("", ()))
    shape, colour, bad = _headers(path, listing)
    if bad:
        notes.append(f"{bad} of {min(LOOKED_AT, listing.count)} images looked at can't be read.")
    source = ImageFolder(
        folder=str(path),
        classes=tuple(classes),
        height=shape[0],
        width=shape[1],
        colour=colour,
    )
    return Proposal(
        source=source.id,
        params=source.model_dump(mode="json", exclude_defaults=True),
        title=f"{path.name}: {count:,} images" + (f", {len(classes)} classes" if classes else ""),
        count=count,
        fields=source.fields(),
        task="classification" if classes else "reconstruction",
        settings={"normalise": ["image"]} if classes else {},
        notes=tuple(notes),
        problems=tuple(_problems(listing, classes)),
    )


def _notes(listing: Listing, empty: list[str]) -> list[str]:
    notes = []
    loose = len(listing.files.get("", ()))
    if loose and len(listing.files) > 1:
        notes.append(f"{loose} images lie beside the folders of the classes: they are left out.")
    if empty:
        shown = ", ".join(empty[:5]) + (", ..." if len(empty) > 5 else "")
        notes.append(f"No images in {len(empty)} folders: {shown}.")
    if listing.others:
        notes.append(f"{listing.others} files are no images: they are left out.")
    if listing.outside:
        notes.append(f"{listing.outside} links lead elsewhere: they are left out.")
    return notes


def _problems(listing: Listing, classes: list[str]) -> list[Problem]:
    few = [name for name in classes if len(listing.files[name]) < 5]
    if not few:
        return []
    shown = ", ".join(f"'{name}'" for name in few[:5])
    text = f"Fewer than 5 images of {shown}."
    return [Problem("warning", "data.few", text, "More images of these would help.")]


def _headers(root: Path, listing: Listing) -> tuple[tuple[int, int], bool, int]:
    """The size to bring images to (height, width), whether any has colour, how many are bad."""
    files = [file for name in sorted(listing.files) for file in listing.files[name]]
    step = max(1, len(files) // LOOKED_AT)
    sizes: Counter[tuple[int, int]] = Counter()
    colour, bad = False, 0
    for file in files[::step][:LOOKED_AT]:
        try:
            image = pictures.opened(pictures.content(root / file.path))
        except CorruptSample:
            bad += 1
            continue
        sizes[(image.size[1], image.size[0])] += 1
        colour = colour or (image.mode not in ("1", "L", "LA", "I", "F") and image.mode[:2] != "I;")
    if not sizes:
        raise NetbuilderError(
            f"None of the images in '{root.name}' can be read.",
            "They may be damaged, or no images in spite of their names.",
        )
    (height, width), _ = sizes.most_common(1)[0]
    if len(sizes) == 1 and max(height, width) <= AS_IT_IS:
        return (height, width), colour, bad
    sides = sorted(min(size) for size in sizes.elements())
    side = max([size for size in SIZES if size <= sides[len(sides) // 2]], default=SIZES[0])
    return (side, side), colour, bad
