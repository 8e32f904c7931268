"""Cases of `netbuilder.layers.sequences`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, some


def next_token(r: Random) -> Case:
    tensor = batch(either(r, symbol("T"), r.randint(4, 7)), dtype="int64", high=9)
    return Case(some(r, shift=[2, 3]), {"input": tensor})


def mask_tokens(r: Random) -> Case:
    tensor = batch(either(r, symbol("T"), r.randint(4, 7)), dtype="int64", high=9)
    return Case({"mask_id": 3, **some(r, first_id=4, probability=0.5)}, {"input": tensor})


CASES: Mapping[str, Generator] = {
    "netbuilder.NextToken": next_token,
    "netbuilder.MaskTokens": mask_tokens,
}
