"""Cases of `netbuilder.layers.quantising`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, shape, some


def quantizer(r: Random) -> Case:
    choices = some(r, commitment=[0.0, 1.0], dim=[1, -1])
    return one(batch(*shape(r)), num_codes=r.randint(1, 6), **choices)


CASES: Mapping[str, Generator] = {"netbuilder.VectorQuantizer": quantizer}
