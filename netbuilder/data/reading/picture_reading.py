"""Opens the binary files of MNIST and CIFAR."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from netbuilder.data import places
from netbuilder.data.picture_files import CIFAR_SIDE, CifarPictures, IdxPictures
from netbuilder.data.reading import picture_bytes
from netbuilder.data.reading.npy import Array, CorruptSample
from netbuilder.data.reading.opening import Opened, opened, problem, problems
from netbuilder.data.reading.picture_bytes import CIFAR_PIXELS
from netbuilder.data.streaming import Chance
from netbuilder.errors import NetbuilderError


class IdxReader:
    """Pictures that are in memory as bytes."""

    def __init__(self, pixels: Array, labels: Array) -> None:
        self.pixels, self.labels = pixels, labels

    def __len__(self) -> int:
        return len(self.pixels)

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        image = self.pixels[index].astype(np.float32) / np.float32(255)
        return {"image": image[None], "label": self.labels[index]}

    def changed(self) -> str:
        return ""


class CifarReader:
    """Pictures that are read from their files one by one."""

    def __init__(self, paths: Sequence[Path], counts: Sequence[int], labels: int) -> None:
        self.paths, self.labels = list(paths), labels
        self.ends = np.cumsum(counts)
        self.identity = [_identity(path) for path in paths]
        self._files: list[int] = []

    def __len__(self) -> int:
        return int(self.ends[-1])

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        at = int(np.searchsorted(self.ends, index, side="right"))
        row = index - (int(self.ends[at - 1]) if at else 0)
        record = self.labels + CIFAR_PIXELS
        try:
            if not self._files:
                self._files = [os.open(path, os.O_RDONLY) for path in self.paths]
            data = os.pread(self._files[at], record, row * record)
        except OSError as error:
            raise CorruptSample(f"{self.paths[at].name}: {error.strerror}") from error
        if len(data) != record:
            raise CorruptSample(f"{self.paths[at].name}: it was cut")
        image = np.frombuffer(data, np.uint8, offset=self.labels).astype(np.float32)
        shape = (3, CIFAR_SIDE, CIFAR_SIDE)
        return {
            "image": (image / np.float32(255)).reshape(shape),
            "label": np.array(data[self.labels - 1], dtype=np.int64),
        }

    def changed(self) -> str:
        now = zip(self.paths, self.identity, strict=True)
        return next((path.name for path, before in now if _identity(path) != before), "")

    def __getstate__(self) -> dict[str, object]:
        # Another process opens the files anew.
        return {**self.__dict__, "_files": []}

    def __del__(self) -> None:
        for file in self._files:
            os.close(file)


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (-1, -1)
    return (status.st_size, status.st_mtime_ns)


@opened.register
def _(source: IdxPictures) -> Opened:
    if not source.images or not source.labels:
        raise problems([problem("data.files", "No files are chosen.", "Choose both files.")])
    images, labels = (places.resolve(path) for path in source.paths())
    try:
        shape, data = picture_bytes.idx(images, 3)
        (count,), numbers = picture_bytes.idx(labels, 1)
    except NetbuilderError as error:
        raise problems([problem("data.file", str(error), error.hint)]) from error
    if shape[1:] != (source.height, source.width):
        found = "×".join(map(str, shape[1:]))
        text = f"The pictures are {found}, not {source.height}×{source.width}."
        raise problems([problem("data.shape", text, "Choose the files again.")])
    if shape[0] != count:
        text = f"There are {shape[0]} pictures and {count} labels."
        raise problems([problem("data.lengths", text, "Choose files that belong together.")])
    pixels = np.frombuffer(data, np.uint8).reshape(shape)
    known = np.frombuffer(numbers, np.uint8).astype(np.int64)
    return Opened(IdxReader(pixels, known), {"label": known})


@opened.register
def _(source: CifarPictures) -> Opened:
    if not source.folder:
        raise problems([problem("data.files", "No folder is chosen.", "Choose one.")])
    root = places.resolve(source.folder)
    paths = [places.resolve(str(root / name)) for name in source.files]
    labels = 2 if source.kind == "cifar100" else 1
    try:
        counts = [picture_bytes.cifar_count(path, labels) for path in paths]
    except NetbuilderError as error:
        raise problems([problem("data.file", str(error), error.hint)]) from error
    reader = CifarReader(paths, counts, labels)
    record = labels + CIFAR_PIXELS
    numbers = [np.fromfile(path, np.uint8).reshape(-1, record)[:, labels - 1] for path in paths]
    return Opened(reader, {"label": np.concatenate(numbers).astype(np.int64)})
