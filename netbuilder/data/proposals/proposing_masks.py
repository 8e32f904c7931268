"""Proposals for folders of images with masks. Torch-free."""

from __future__ import annotations

from pathlib import Path

from netbuilder.data import pictures
from netbuilder.data.masks import MaskFolder
from netbuilder.data.proposals import proposing_images
from netbuilder.data.proposals.proposing import Proposal
from netbuilder.data.proposals.surveying import LOOKED_AT, Survey
from netbuilder.data.reading import file_listing
from netbuilder.data.reading.npy import CorruptSample
from netbuilder.errors import NetbuilderError

IMAGES = ("images", "image", "imgs", "img", "jpegimages")
MASKS = ("masks", "mask", "labels", "annotations", "segmentation", "segmentationclass", "trimaps")


def propose(path: Path) -> Proposal | None:
    """A folder with one of images and one of masks."""
    if not path.is_dir():
        return None
    listing = file_listing.look(path, pictures.SUFFIXES)
    named = {name.lower(): name for name, files in listing.files.items() if name and files}
    images = next((named[name] for name in IMAGES if name in named), None)
    masks = next((named[name] for name in MASKS if name in named), None)
    if images is None or masks is None:
        return None
    found = file_listing.pairs(listing.files[images], listing.files[masks])
    if not found:
        raise NetbuilderError(
            f"The images in '{images}' have no masks of the same name in '{masks}'.",
            "Call each mask like its image.",
        )
    seen: set[int] = set()
    bad = 0
    chosen = found[:: max(1, len(found) // LOOKED_AT)][:LOOKED_AT]
    for _, mask in chosen:
        try:
            seen |= {int(value) for value in pictures.ids(path / mask.path)}
        except CorruptSample:
            bad += 1
    if not 2 <= len(seen) <= 256:
        raise NetbuilderError(
            f"The masks in '{masks}' have {len(seen)} values.",
            "A mask has one channel, with a value for each class: 0 and 255, or 0, 1, 2, ...",
        )
    notes = []
    if len(found) < len(listing.files[images]):
        notes.append(f"{len(listing.files[images]) - len(found)} images have no mask.")
    if bad:
        notes.append(f"{bad} of {len(chosen)} masks looked at can't be read.")
    only = file_listing.Listing(files={"": [image for image, _ in found]})
    (height, width), colour, _ = proposing_images.headers(Survey(path, only, (), (), ()))
    source = MaskFolder(
        folder=str(path),
        images=images,
        masks=masks,
        values=tuple(sorted(seen)),
        height=height,
        width=width,
        colour=colour,
    )
    return Proposal(
        source=source.id,
        params=source.model_dump(mode="json", exclude_defaults=True),
        title=f"{path.name}: {len(found):,} images with masks, {len(seen)} classes",
        count=len(found),
        fields=source.fields(),
        task="segmentation",
        settings={"normalise": ["image"]},
        notes=tuple(notes),
    )
