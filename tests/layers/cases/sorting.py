"""Cases of `netbuilder.layers.sorting`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, one, some

T = symbol("T")


def topk(r: Random) -> Case:
    size = r.randint(1, 5)
    more = some(r, largest=False, sorted=True)
    if r.random() < 0.5:
        return one(batch(size, T), k=r.randint(1, size), dim=1, **more)
    return one(batch(T, size), k=r.randint(1, size), **more)


def sort(r: Random) -> Case:
    return one(batch(either(r, T, 4), 3), **some(r, dim=[1, 2], descending=True, stable=True))


def kthvalue(r: Random) -> Case:
    return one(batch(4, T), k=r.randint(1, 4), dim=1, **some(r, keepdim=True))


def cummax(r: Random) -> Case:
    return one(batch(either(r, T, 4), 3), dim=r.choice([1, -1]))


CASES: Mapping[str, Generator] = {
    "torch.topk": topk,
    "torch.sort": sort,
    "torch.argsort": sort,
    "torch.kthvalue": kthvalue,
    "torch.cummax": cummax,
}
