"""Cases of `netbuilder.layers.elementwise`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, elementwise, one, shape, some

PLAIN = (
    *("neg", "abs", "sign", "square", "sqrt", "rsqrt", "reciprocal", "exp", "exp2", "expm1"),
    *("log", "log2", "log10", "log1p", "sin", "cos", "tan", "atan", "sinh", "cosh", "erf"),
    *("floor", "ceil", "trunc"),
)


def clamp(r: Random) -> Case:
    params = some(r, min=[-1, -0.5], max=[1, 0.5]) or {"min": 0}
    return one(batch(*shape(r)), **params)


CASES: Mapping[str, Generator] = {
    **{f"torch.{name}": elementwise() for name in PLAIN},
    "torch.round": elementwise(decimals=[1, -1]),
    "torch.clamp": clamp,
    "torch.nan_to_num": elementwise(nan=[0.0, 2.0], posinf=[1e4], neginf=[-1e4]),
}
