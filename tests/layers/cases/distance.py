"""Cases of `netbuilder.layers.distance`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, shape, some


def cosine(r: Random) -> Case:
    tensor = batch(*shape(r))
    params = some(r, dim=r.randrange(-tensor.rank, tensor.rank), eps=1e-4)
    return Case(params, {"x1": tensor, "x2": tensor})


def pairwise(r: Random) -> Case:
    tensor = batch(*shape(r))
    return Case(some(r, p=[1.0, 3.0], eps=1e-4, keepdim=True), {"x1": tensor, "x2": tensor})


CASES: Mapping[str, Generator] = {
    "torch.nn.CosineSimilarity": cosine,
    "torch.nn.PairwiseDistance": pairwise,
}
