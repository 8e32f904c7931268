"""Cases of `netbuilder.layers.squashing`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.layers.cases.common import Generator, elementwise

CASES: Mapping[str, Generator] = {
    "torch.nn.Sigmoid": elementwise(),
    "torch.nn.Tanh": elementwise(),
    "torch.nn.LogSigmoid": elementwise(),
    "torch.nn.Hardsigmoid": elementwise(inplace=True),
    "torch.nn.Hardtanh": elementwise(min_val=-0.5, max_val=0.7, inplace=True),
    "torch.nn.Softsign": elementwise(),
    "torch.nn.Tanhshrink": elementwise(),
    "torch.nn.Hardshrink": elementwise(lambd=0.2),
    "torch.nn.Softshrink": elementwise(lambd=0.2),
}
