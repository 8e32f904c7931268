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
    """The previews after so many epochs and steps, packed."""

    epoch: int
    step: int
    packed: bytes


class PreviewHistory:
    """Keeps the first and the latest, and between them as many as there is room for.

    When there are too many every second one is let go, so that what is left is spread
    evenly over the run.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES) -> None:
        self._max_bytes, self._max_entries = max_bytes, max_entries
        self._moments: list[Moment] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._moments)

    def clear(self) -> None:
        """Forget all."""
        self._moments.clear()
        self._bytes = 0

    def add(self, epoch: int, step: int, previews: Any) -> None:
        """The latest previews; what was told of later steps is forgotten."""
        while self._moments and self._moments[-1].step >= step:
            self._bytes -= len(self._moments.pop().packed)
        packed = zlib.compress(json.dumps(previews, separators=(",", ":")).encode(), 1)
        self._moments.append(Moment(epoch, step, packed))
        self._bytes += len(packed)
        while len(self) > 2 and (self._bytes > self._max_bytes or len(self) > self._max_entries):
            self._moments = [*self._moments[:-1:2], self._moments[-1]]
            self._bytes = sum(len(moment.packed) for moment in self._moments)

    def moment(self, index: int) -> Moment:
        """The moment at an index, from the first on."""
        return self._moments[index]

    def previews(self, index: int) -> Any:
        """The previews at an index."""
        return json.loads(zlib.decompress(self._moments[index].packed))
