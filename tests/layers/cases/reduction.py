"""Cases of `netbuilder.layers.reduction`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, batch, one, some


def reduce(r: Random) -> Case:
    params: dict[str, Any] = some(r, dim=[1, -1, (1, 2)])
    if params:
        params |= some(r, keepdim=True)
    return one(batch(r.randint(1, 4), r.randint(1, 4)), **params)


CASES: Mapping[str, Generator] = {
    "torch.mean": reduce,
    "torch.sum": reduce,
}
