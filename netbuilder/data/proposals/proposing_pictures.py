"""Proposals for the binary files of MNIST and CIFAR. Torch-free."""

from __future__ import annotations

from pathlib import Path

from netbuilder.data.picture_files import (
    CIFAR_10,
    CIFAR_FILES,
    CLOTHES,
    DIGITS,
    CifarPictures,
    IdxPictures,
)
from netbuilder.data.proposals.proposing import Proposal
from netbuilder.data.reading import picture_bytes
from netbuilder.errors import NetbuilderError

IMAGES, LABELS = "-images-idx3-ubyte", "-labels-idx1-ubyte"
NAMES = {"cifar10": "batches.meta.txt", "cifar100": "fine_label_names.txt"}
MAX_NAMES = 10_000
"""Bytes of the file with the classes' names."""


def propose(path: Path) -> Proposal | None:
    """For a folder with such files, or one of the files."""
    root = path if path.is_dir() else path.parent
    if path.is_file() and IMAGES not in path.name and path.suffix != ".bin":
        return None
    return _idx(path, root) or _cifar(path, root)


def _idx(path: Path, root: Path) -> Proposal | None:
    found = [path] if path.is_file() else sorted(root.glob(f"*{IMAGES}*"))
    # The part to train on, where the test part lies beside it.
    found.sort(key=lambda each: not each.name.startswith("train"))
    pairs = [(each, labels) for each in found if (labels := _labels_of(each)) is not None]
    if not pairs:
        return None
    images, labels = pairs[0]
    shape = picture_bytes.idx_shape(images, 3)
    if shape is None:
        raise NetbuilderError(f"'{images.name}' is no IDX file.", "Fetch it again.")
    _, numbers = picture_bytes.idx(labels, 1)
    count = max(numbers, default=0) + 1
    named = CLOTHES if "fashion" in str(root).lower() else DIGITS
    classes = named if count <= len(named) else tuple(map(str, range(count)))
    source = IdxPictures(
        images=str(images), labels=str(labels), height=shape[1], width=shape[2], classes=classes
    )
    others = [each.name for each, _ in pairs[1:]]
    notes = [f"'{name}' stays aside." for name in others]
    if named is CLOTHES and classes is CLOTHES:
        notes.append("The classes are named as those of Fashion-MNIST.")
    title = f"{root.name}: {shape[0]:,} pictures, {len(classes)} classes"
    return _proposal(source, title, shape[0], notes)


def _labels_of(images: Path) -> Path | None:
    name = images.name.replace(IMAGES, LABELS)
    for each in (name, f"{name}.gz", name.removesuffix(".gz")):
        if name != images.name and (labels := images.with_name(each)).is_file():
            return labels
    return None


def _cifar(path: Path, root: Path) -> Proposal | None:
    files = tuple(name for name in CIFAR_FILES if (root / name).is_file())
    kind = "cifar10"
    if not files and (root / "train.bin").is_file():
        files, kind = ("train.bin",), "cifar100"
    if not files:
        inner = root / "cifar-10-batches-bin"
        return _cifar(inner, inner) if path.is_dir() and inner.is_dir() else None
    labels = 2 if kind == "cifar100" else 1
    count = sum(picture_bytes.cifar_count(root / name, labels) for name in files)
    usual = CIFAR_10 if kind == "cifar10" else tuple(str(number) for number in range(100))
    names = _names(root / NAMES[kind]) or usual
    source = CifarPictures.model_validate(
        {"folder": str(root), "files": files, "kind": kind, "classes": names}
    )
    notes = [
        f"'{name}' stays aside."
        for name in ("test_batch.bin", "test.bin")
        if (root / name).is_file()
    ]
    title = f"{root.name}: {count:,} pictures, {len(names)} classes"
    return _proposal(source, title, count, notes)


def _names(path: Path) -> tuple[str, ...]:
    """The lines of a file of names; none if it is no such file."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_NAMES:
            return ()
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(name for line in lines if (name := line.strip())[:255])


def _proposal(
    source: IdxPictures | CifarPictures, title: str, count: int, notes: list[str]
) -> Proposal:
    return Proposal(
        source.id,
        source.model_dump(mode="json", exclude_defaults=True),
        title,
        count,
        source.fields(),
        "classification",
        notes=tuple(notes),
    )
