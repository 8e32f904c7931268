"""Cases of `netbuilder.layers.softmax`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, shape, some


def softmax(r: Random) -> Case:
    sizes = shape(r)
    return one(batch(*sizes), dim=r.choice([-1, *range(1, len(sizes) + 1)]))


def glu(r: Random) -> Case:
    sizes = [2 * size for size in shape(r)]
    return one(batch(*sizes), **some(r, dim=[-1, *range(1, len(sizes) + 1)]))


CASES: Mapping[str, Generator] = {
    "torch.nn.Softmax": softmax,
    "torch.nn.LogSoftmax": softmax,
    "torch.nn.Softmin": softmax,
    "torch.nn.Softmax2d": lambda r: one(batch(*(r.randint(1, 4) for _ in range(3)))),
    "torch.nn.GLU": glu,
}
