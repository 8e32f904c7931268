"""Cases of `netbuilder.layers.repeating`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, one, some

T = symbol("T")


def expand(r: Random) -> Case:
    wanted = r.randint(1, 5)
    tensor, size = r.choice(
        [
            (batch(1, 4), (-1, wanted, -1)),
            (batch(1, T), (-1, wanted, -1)),
            (batch(1, 1), (wanted, -1, 3, -1)),
            (batch(3, 1), (-1, 3, wanted)),
        ]
    )
    return one(tensor, size=size)


def expand_as(r: Random) -> Case:
    last = r.choice([1, 4])
    # No gradient goes to what gives the sizes alone.
    other = batch(either(r, T, 3), 4, dtype="int64")
    return Case({}, {"input": batch(1, last), "other": other})


def repeat(r: Random) -> Case:
    repeats = r.choice([(1, 2, 1), (1, 1, 3), (2, 1, 2, 1), (2, 1, 1)])
    return one(batch(either(r, T, 3), 2), repeats=repeats)


def tile(r: Random) -> Case:
    return one(batch(either(r, T, 3), 2), dims=r.choice([(2,), (3, 1), (1, 2, 2), (2, 1, 1, 2)]))


def repeat_interleave(r: Random) -> Case:
    tensor = batch(either(r, T, 3), 2)
    return one(tensor, repeats=r.randint(1, 3), **some(r, dim=[1, -1, 0]))


CASES: Mapping[str, Generator] = {
    "torch.Tensor.expand": expand,
    "torch.Tensor.expand_as": expand_as,
    "torch.Tensor.repeat": repeat,
    "torch.tile": tile,
    "torch.repeat_interleave": repeat_interleave,
}
