"""The previews of a run so far, in bounded memory: to look back at how it grew. No Qt here."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 16 * 2**20
MAX_ENTRIES = 400


@dataclass(frozen=True, slots=True)
class Moment:
    """The previews after so many epochs and steps, packed; `number` counts all that came."""

    number: int
    epoch: int
    step: int
    packed: bytes


class PreviewHistory:
    """Keeps the first and the latest, and between them every so many-th.

    When there are too many only every second of those is kept on, so that they are spread
    evenly over the run.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES) -> None:
        self._max_bytes, self._max_entries = max_bytes, max_entries
        self._moments: list[Moment] = []
        self._bytes = 0
        self._came = 0
        self._every = 1

    def __len__(self) -> int:
        return len(self._moments)

    def clear(self) -> None:
        """Forget all."""
        self._moments.clear()
        self._bytes = self._came = 0
        self._every = 1

    def add(self, epoch: int, step: int, previews: Any) -> None:
        """The latest previews; what was told of later steps is forgotten."""
        while self._moments and self._moments[-1].step >= step:
            self._drop_latest()
        if self._moments and self._moments[-1].number % self._every:
            # It was there for being the latest.
            self._drop_latest()
        packed = zlib.compress(json.dumps(previews, separators=(",", ":")).encode(), 1)
        self._moments.append(Moment(self._came, epoch, step, packed))
        self._came += 1
        self._bytes += len(packed)
        while len(self) > 2 and (self._bytes > self._max_bytes or len(self) > self._max_entries):
            self._every *= 2
            latest = self._moments.pop()
            kept = [moment for moment in self._moments if moment.number % self._every == 0]
            self._moments = [*kept, latest]
            self._bytes = sum(len(moment.packed) for moment in self._moments)

    def _drop_latest(self) -> None:
        self._bytes -= len(self._moments.pop().packed)

    def moment(self, index: int) -> Moment:
        """The moment at an index, from the first on."""
        return self._moments[index]

    def previews(self, index: int) -> Any:
        """The previews at an index."""
        return json.loads(zlib.decompress(self._moments[index].packed))
