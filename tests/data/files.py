"""Samples in .npy files, and readers that misbehave, for tests of streaming."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from netbuilder.data import places
from netbuilder.data.files import NumpyFiles
from netbuilder.data.loading import Dataset
from netbuilder.data.reading import numpy_reading, opening
from netbuilder.data.reading.npy import Array, CorruptSample
from netbuilder.data.settings import read, source_of
from netbuilder.data.streaming import Chance

CLASSES = 3

CONTENTS = {
    "x": {"shape": (4,)},
    "label": {"dtype": "int64", "high": CLASSES},
}


def write(folder: Path, count: int = 60) -> Path:
    """Three classes in two files."""
    random = np.random.default_rng(7)
    label = np.arange(count) % CLASSES
    x = random.standard_normal((count, 4)).astype(np.float32)
    x[:, 0] += label
    folder.mkdir(exist_ok=True)
    np.save(folder / "x.npy", x)
    np.save(folder / "label.npy", label.astype(np.uint8))
    return folder


def settings(folder: Path, **values: Any) -> dict[str, Any]:
    """Data settings of a project on these files."""
    params = {"folder": str(folder), "contents": values.pop("contents", CONTENTS)}
    return {"source": "netbuilder.NumpyFiles", "params": params, **values}


def dataset(folder: Path, **values: Any) -> Dataset:
    """The files, read while one trains; with `in_memory` bytes, loaded if they are not more."""
    in_memory = values.pop("in_memory", 0)
    chosen = read(settings(folder, **values))
    source = source_of(chosen)
    assert isinstance(source, NumpyFiles)
    with places.given(places.Places(folder)):
        return opening.prepare(source, chosen, in_memory=in_memory)


class Chancy(numpy_reading.NumpyReader):
    """Adds noise to every sample, as augmentation does."""

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        row = dict(super().read(index, chance))
        row["x"] = row["x"] + chance().standard_normal(4).astype(np.float32)
        return row


class Deadly(numpy_reading.NumpyReader):
    """A process that reads sample 20 dies, as long as there are files that say so."""

    folder: Path

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        if index == 20:
            for name in ("first", "second"):
                if (self.folder / name).exists():
                    (self.folder / name).unlink()
                    os.kill(os.getpid(), signal.SIGKILL)
        return super().read(index, chance)


class Stalling(numpy_reading.NumpyReader):
    """Sample 20 comes out of a pipe: whenever somebody writes into it."""

    folder: Path

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        if index == 20:
            (self.folder / "pipe").read_bytes()
        return super().read(index, chance)


class Corrupt(numpy_reading.NumpyReader):
    """Some samples can't be read."""

    bad: frozenset[int] = frozenset()

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        if index in self.bad:
            raise CorruptSample(f"sample {index}")
        return super().read(index, chance)
