"""Cases of `netbuilder.layers.activation`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, elementwise, one, shape


def softmax(r: Random) -> Case:
    sizes = shape(r)
    return one(batch(*sizes), dim=r.choice([-1, *range(1, len(sizes) + 1)]))


CASES: Mapping[str, Generator] = {
    "torch.nn.ReLU": elementwise(inplace=True),
    "torch.nn.LeakyReLU": elementwise(negative_slope=0.2, inplace=True),
    "torch.nn.ELU": elementwise(alpha=0.5, inplace=True),
    "torch.nn.GELU": elementwise(approximate=["none", "tanh"]),
    "torch.nn.SiLU": elementwise(inplace=True),
    "torch.nn.Sigmoid": elementwise(),
    "torch.nn.Tanh": elementwise(),
    "torch.nn.Softmax": softmax,
    "torch.nn.LogSoftmax": softmax,
}
