"""Cases of `netbuilder.layers.sums`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, batch, shape


def weighted(r: Random) -> Case:
    count = r.randint(2, 4)
    whole = batch(*shape(r, 0))
    terms = [r.choice([whole, TensorType(())]) for _ in range(count)]
    weights = tuple(r.choice([0.5, -1.0, 2.0]) for _ in range(r.randint(0, count)))
    return Case({"weights": weights}, {f"tensors_{i}": term for i, term in enumerate(terms)})


CASES: Mapping[str, Generator] = {"netbuilder.WeightedSum": weighted}
