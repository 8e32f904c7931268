"""Cases of `netbuilder.layers.parting`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, one

T = symbol("T")


def split(r: Random) -> Case:
    sizes = tuple(r.randint(1, 3) for _ in range(r.randint(1, 4)))
    if r.random() < 0.5:
        return one(batch(3, sum(sizes)), split_size_or_sections=sizes, dim=-1)
    each, count = r.randint(1, 3), r.randint(1, 4)
    size = each * count - (r.randint(0, each - 1) if each > 1 else 0)
    return one(batch(size, T), split_size_or_sections=each, dim=1, count=count)


def chunk(r: Random) -> Case:
    count = r.randint(1, 4)
    return one(batch(count * r.randint(1, 3), T), chunks=count, dim=1)


def tensor_split(r: Random) -> Case:
    if r.random() < 0.3:
        return one(batch(T), indices_or_sections=2, dim=1)
    cuts = r.choice([1, 3, (2,), (1, 4), (2, -1)])
    return one(batch(3, 6), indices_or_sections=cuts, dim=-1)


def unbind(r: Random) -> Case:
    count = r.randint(1, 4)
    return one(batch(T, count), dim=r.choice([2, -1]), count=count)


CASES: Mapping[str, Generator] = {
    "torch.split": split,
    "torch.chunk": chunk,
    "torch.tensor_split": tensor_split,
    "torch.unbind": unbind,
}
