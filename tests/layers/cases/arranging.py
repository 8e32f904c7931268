"""Cases of `netbuilder.layers.arranging`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, one, shape, some

T = symbol("T")


def permute(r: Random) -> Case:
    sizes = shape(r, 1, 3)
    order = list(range(len(sizes) + 1))
    r.shuffle(order)
    return one(batch(*sizes), dims=tuple(order))


def transpose(r: Random) -> Case:
    return one(batch(*shape(r, 2, 3)), dim0=r.randint(0, 2), dim1=r.choice([1, -1, -2]))


def movedim(r: Random) -> Case:
    tensor = batch(either(r, T, 2), 3, 4)
    if r.random() < 0.5:
        return one(tensor, source=r.choice([1, -1]), destination=r.choice([1, 2, -2]))
    return one(tensor, source=(1, 2), destination=r.choice([(2, 1), (-1, 1)]))


def flip(r: Random) -> Case:
    return one(batch(either(r, T, 3), 2), dims=r.choice([(1,), (-1,), (1, 2), ()]))


def roll(r: Random) -> Case:
    tensor = batch(either(r, T, 3), 4)
    if r.random() < 0.3:
        return one(tensor, shifts=r.choice([1, -2]))
    shifts, dims = r.choice([(1, 1), (-2, 2), ((1, 2), (1, -1)), (7, 1)])
    return one(tensor, shifts=shifts, dims=dims)


def rot90(r: Random) -> Case:
    return one(
        batch(2, either(r, T, 3), 4), dims=r.choice([(2, 3), (-1, -2)]), **some(r, k=[-1, 2, 5])
    )


CASES: Mapping[str, Generator] = {
    "torch.permute": permute,
    "torch.transpose": transpose,
    "torch.movedim": movedim,
    "torch.flip": flip,
    "torch.roll": roll,
    "torch.rot90": rot90,
    "torch.Tensor.contiguous": lambda r: one(batch(*shape(r))),
}
