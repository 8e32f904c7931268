"""Cases of `netbuilder.layers.indexing`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, one, shape

T = symbol("T")


def select(r: Random) -> Case:
    return one(batch(4, *shape(r, 0, 2)), dim=1, index=r.choice([0, 3, -1, -4]))


def narrow(r: Random) -> Case:
    return one(batch(5, *shape(r, 0, 2)), dim=1, start=r.choice([0, 2, -3]), length=r.randint(1, 3))


def unfold(r: Random) -> Case:
    size, step = r.randint(1, 4), r.randint(1, 3)
    if r.random() < 0.5:
        return one(batch(T), dimension=1, size=size, step=step)
    return one(batch(6, 2), dimension=-2, size=size, step=step)


CASES: Mapping[str, Generator] = {
    "torch.select": select,
    "torch.narrow": narrow,
    "torch.Tensor.unfold": unfold,
}
