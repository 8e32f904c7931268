"""Cases of `netbuilder.layers.vectors`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, one, some

T = symbol("T")


def normalize(r: Random) -> Case:
    return one(batch(3, either(r, T, 4)), **some(r, p=[1.0, 3.0], dim=[-1, 2], eps=1e-6))


def similarity(r: Random) -> Case:
    params = some(r, dim=[-1, 2], eps=1e-6)
    return Case(params, {"x1": batch(3, either(r, T, 4)), "x2": batch(r.choice([1, 3]), 1)})


CASES: Mapping[str, Generator] = {
    "torch.nn.functional.normalize": normalize,
    "torch.nn.functional.cosine_similarity": similarity,
}
