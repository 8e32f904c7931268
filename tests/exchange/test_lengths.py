"""Free sizes are tried at lengths that the network takes, however long these must be."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from netbuilder.exchange import samples
from netbuilder.exchange.specs import TensorSpec

SOUND = (TensorSpec("sound", ("N", 1, "T")),)
PICTURE = (TensorSpec("picture", ("N", 3, "H", "W")),)


class Refusing(nn.Module):
    """Takes what `takes` says of the last two sizes, and remembers what it was asked."""

    def __init__(self, takes: Callable[[int, int], bool]) -> None:
        super().__init__()
        self.takes, self.asked = takes, set[tuple[int, int]]()

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = x.shape[-2:]
        self.asked.add((rows, columns))
        if not self.takes(rows, columns):
            raise RuntimeError("not this size")
        return x


def test_lengths_are_those_that_the_network_takes() -> None:
    even = Refusing(lambda _, length: length % 2 == 0)
    assert samples.lengths(even, SOUND) == [{"T": 24}, {"T": 32}, {"T": 48}]
    assert max(even.asked) == (1, 48)


def test_they_are_doubled_until_two_fit() -> None:
    long = Refusing(lambda _, length: length >= 400)
    # The longest first: an export traces it, and of the shortest one step may be left.
    assert samples.lengths(long, SOUND) == [{"T": 768}, {"T": 512}]
    halved = Refusing(lambda rows, columns: rows % 32 == columns % 32 == 0)
    assert samples.lengths(halved, PICTURE) == [{"H": 128, "W": 192}, {"H": 96, "W": 128}]


def test_what_takes_no_size_is_asked_for_no_large_ones() -> None:
    none = Refusing(lambda _, __: False)
    assert samples.lengths(none, PICTURE) == []
    assert max(2 * 3 * rows * columns for rows, columns in none.asked) <= samples.MOST_NUMBERS
    one = Refusing(lambda _, length: length == 19)
    assert samples.lengths(one, SOUND) == [{"T": 19}]


def test_positions_beyond_a_table_are_refused_like_any_size() -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = nn.Embedding(40, 2)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.rows(torch.arange(x.shape[-1]))
            return found

    assert [each["T"] for each in samples.lengths(Positions(), SOUND)] == [19, 24, 32]
