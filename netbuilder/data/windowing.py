"""From rows to windows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from netbuilder.data.settings import DataSettings
from netbuilder.data.sources import Field
from netbuilder.data.splits import Indices, Split
from netbuilder.data.windows import NEXT, WINDOW, Windows
from netbuilder.errors import NetbuilderError

Array = np.ndarray[Any, np.dtype[Any]]
MAX_BYTES = 2**32
"""What all windows together may need in memory."""


def order_of(settings: DataSettings, known: Mapping[str, Array], count: int) -> Indices:
    """The rows of each series behind each other, by time; in the order of the data without."""
    windows = settings.windows or Windows()
    time = windows.time or (settings.key if settings.split_by == "time" else "")
    keys = [np.arange(count), *(known[name] for name in (time, windows.series) if name)]
    return np.lexsort(keys)


def starts_of(
    windows: Windows, order: Indices, parts: Split, series: Array | None = None
) -> tuple[Indices, Split]:
    """Where windows begin in the order, and which of them are in which part.

    All rows of a window and the row to find are of one part and of one series.
    """
    part = np.full(len(order), -1)
    for number, indices in enumerate((parts.train, parts.validation, parts.test)):
        part[indices] = number
    part = part[order]
    changes = np.flatnonzero(part[1:] != part[:-1]) + 1
    if series is not None:
        changes = np.union1d(changes, np.flatnonzero(np.diff(series[order])) + 1)
    borders = np.concatenate([[0], changes, [len(order)]]).astype(np.int64)
    span = windows.length + windows.ahead
    begins = [
        np.arange(low, high - span + 1, windows.stride) for low, high in pairwise(borders.tolist())
    ]
    starts = np.concatenate([np.empty(0, np.int64), *begins]).astype(np.int64)
    which = [np.flatnonzero(part[starts] == number) for number in range(3)]
    if not len(which[0]):
        raise NetbuilderError(
            f"The training part has no {span} rows behind each other.",
            "Make the windows shorter, or the other parts smaller.",
        )
    return starts, Split(*which)


def cut(
    windows: Windows,
    fields: Sequence[Field],
    contents: Mapping[str, Array],
    order: Indices,
    starts: Indices,
) -> dict[str, Array]:
    """All windows as arrays."""
    inside = windows.inputs(fields)
    width = sum(int(np.prod(field.shape, dtype=np.int64)) for field in inside)
    if 4 * width * windows.length * len(starts) > MAX_BYTES:
        raise NetbuilderError(
            f"{len(starts):,} windows of {windows.length} rows do not fit in memory.",
            "Set a larger stride.",
        )
    rows = order[starts[:, None] + np.arange(windows.length)]
    after = order[starts + windows.length - 1 + windows.ahead]
    found = {
        WINDOW: _join([contents[field.name][rows] for field in inside], rows.ndim),
        NEXT: _join([contents[field.name][after] for field in windows.outputs(fields)], 1),
    }
    return found | {field.name: contents[field.name][after] for field in windows.classes(fields)}


def _join(parts: Sequence[Array], lead: int) -> Array:
    parts = [part[..., None] if part.ndim == lead else part for part in parts]
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
    return joined.astype(np.float32, copy=False)


class WindowReader:
    """Windows over the samples of another reader, which are its rows."""

    def __init__(
        self,
        reader: Any,
        windows: Windows,
        fields: Sequence[Field],
        order: Indices,
        starts: Indices,
    ) -> None:
        self.reader, self.windows, self.fields = reader, windows, tuple(fields)
        self.order, self.starts = order, starts

    def __len__(self) -> int:
        return len(self.starts)

    def read(self, index: int, chance: Any) -> Mapping[str, Array]:
        """One window; `CorruptSample` if one of its rows is unusable."""
        begin, length = int(self.starts[index]), self.windows.length
        places = [*range(begin, begin + length), begin + length - 1 + self.windows.ahead]
        rows = [self.reader.read(int(self.order[place]), chance) for place in places]
        names = {f.name for f in (*self.windows.inputs(self.fields), *self.fields)}
        held = {name: np.stack([np.asarray(row[name]) for row in rows]) for name in names}
        count = np.arange(length + self.windows.ahead)
        # Between the window and the row to find nothing is read.
        whole = {name: values[np.minimum(count, length)] for name, values in held.items()}
        found = cut(self.windows, self.fields, whole, count, np.zeros(1, np.int64))
        return {name: values[0] for name, values in found.items()}

    def changed(self) -> str:
        """Which file is not the one any more that was begun with."""
        name: str = self.reader.changed()
        return name
