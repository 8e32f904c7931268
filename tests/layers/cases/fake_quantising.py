"""Cases of `netbuilder.layers.fake_quantising`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, shape, some


def fake_quantize(r: Random) -> Case:
    if r.random() < 0.3:
        return one(batch(*shape(r)), integer="uint8", measured=True)
    sizes = shape(r)
    choices = some(r, scale=0.1, zero_point=[3, 100], integer=["uint8", "int8"])
    if r.random() < 0.5:
        choices |= r.choice([{"channels": sizes[0]}, {"channels": sizes[-1], "dim": -1}])
    return one(batch(*sizes), **choices)


CASES: Mapping[str, Generator] = {"netbuilder.FakeQuantize": fake_quantize}
