"""Cases of `netbuilder.layers.routing`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, shape, some


def squeeze_excite(r: Random) -> Case:
    # So many hidden channels that ReLU lets some of them through.
    tensor = batch(r.randint(8, 12), r.randint(1, 5), r.randint(1, 5))
    return one(tensor, reduction=r.choice([1, 2]))


def mixture(r: Random) -> Case:
    # With one expert there is nothing to choose, and the router learns nothing.
    params = {"hidden_features": r.randint(2, 5), "num_experts": r.randint(3, 5)}
    return one(batch(*shape(r)), **params, **some(r, top_k=[1, 3]))


CASES: Mapping[str, Generator] = {
    "netbuilder.SqueezeExcite": squeeze_excite,
    "netbuilder.MixtureOfExperts": mixture,
}
