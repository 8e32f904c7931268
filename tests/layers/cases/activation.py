"""Cases of `netbuilder.layers.activation`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, elementwise, one, shape, some


def prelu(r: Random) -> Case:
    sizes = shape(r)
    return one(batch(*sizes), **some(r, num_parameters=[1, sizes[0]], init=0.1))


def threshold(r: Random) -> Case:
    return one(batch(*shape(r)), threshold=0.1, value=r.choice([0, -2.0]), **some(r, inplace=True))


CASES: Mapping[str, Generator] = {
    "torch.nn.ReLU": elementwise(inplace=True),
    "torch.nn.LeakyReLU": elementwise(negative_slope=0.2, inplace=True),
    "torch.nn.PReLU": prelu,
    "torch.nn.RReLU": elementwise(lower=0.1, upper=0.4, inplace=True),
    "torch.nn.ReLU6": elementwise(inplace=True),
    "torch.nn.Threshold": threshold,
    "torch.nn.ELU": elementwise(alpha=0.5, inplace=True),
    "torch.nn.CELU": elementwise(alpha=0.5, inplace=True),
    "torch.nn.SELU": elementwise(inplace=True),
    "torch.nn.GELU": elementwise(approximate=["none", "tanh"]),
    "torch.nn.SiLU": elementwise(inplace=True),
    "torch.nn.Mish": elementwise(inplace=True),
    "torch.nn.Hardswish": elementwise(inplace=True),
    "torch.nn.Softplus": elementwise(beta=2.0, threshold=0.5),
}
