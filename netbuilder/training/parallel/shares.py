"""Which samples of a batch each of several processes takes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from netbuilder.data.loading import size


class Share(dict[str, Tensor]):
    """A process's part of a batch: `counted` of its `whole` samples.

    Where a batch has fewer samples than there are processes, some have a sample that does not
    count (`counted` is 0): every process must take part in every exchange.
    """

    def __init__(self, tensors: Mapping[str, Tensor], counted: int, whole: int) -> None:
        super().__init__(tensors)
        self.counted = counted
        self.whole = whole


def bounds(count: int, rank: int, processes: int) -> tuple[int, int]:
    """From where to where the samples of one of several processes go, among `count`."""
    return count * rank // processes, count * (rank + 1) // processes


def held(count: int, rank: int, processes: int) -> tuple[int, int]:
    """As `bounds`, but never empty: who would get nothing holds one that does not count."""
    low, high = bounds(count, rank, processes)
    if low < high:
        return low, high
    low = min(low, count - 1)
    return low, low + 1


def counts(batch: Mapping[str, Tensor]) -> tuple[int, int]:
    """Of a batch, the samples that count here, and those of all processes together."""
    if isinstance(batch, Share):
        return batch.counted, batch.whole
    count = size(batch)
    return count, count


def smallest(sizes: list[int], processes: int) -> int:
    """The fewest samples that any process gets in any batch."""
    return min(count // processes for count in sizes)
