"""Small files in the formats of MNIST and CIFAR."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def idx(array: Bytes) -> bytes:
    """The array as an IDX file of bytes."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


def digits(count: int = 60, side: int = 28, classes: int = 10) -> tuple[Bytes, Bytes]:
    """Pictures that tell their label: as many bright columns as it says."""
    labels = (np.arange(count) % classes).astype(np.uint8)
    chance = np.random.default_rng(0)
    images = chance.integers(0, 100, (count, side, side), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, : 2 * label] = 255
    return images, labels


def write_mnist(folder: Path, count: int = 60, *, packed: bool = True) -> Path:
    """Both parts, as they are published."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, number in (("train", count), ("t10k", 20)):
        images, labels = digits(number)
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            data = idx(array)
            path = folder / f"{part}-{name}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return folder


def cifar(count: int = 40, labels: int = 1, start: int = 0) -> bytes:
    """Records of CIFAR; the red plane of picture i is all i."""
    chance = np.random.default_rng(start)
    rows = chance.integers(0, 256, (count, labels + 3072), dtype=np.uint8)
    rows[:, labels - 1] = (np.arange(count) + start) % 10
    rows[:, labels : labels + 1024] = ((np.arange(count) + start) % 256)[:, None]
    return rows.tobytes()


def write_cifar(folder: Path, count: int = 8) -> Path:
    """Five files to train on and one aside, with the names of the classes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in cifar_files(count).items():
        (folder / name).write_bytes(data)
    (folder / "batches.meta.txt").write_text("\n".join(f"kind{i}" for i in range(10)) + "\n\n")
    return folder


def cifar_files(count: int = 8) -> dict[str, bytes]:
    """The files' bytes by name."""
    names = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
    return {name: cifar(count, start=count * at) for at, name in enumerate(names)}


def tar(files: dict[str, bytes], folder: str = "cifar-10-batches-bin/") -> bytes:
    """The files in a .tar.gz."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(folder + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
