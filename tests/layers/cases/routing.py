"""Cases of `netbuilder.layers.routing`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one


def squeeze_excite(r: Random) -> Case:
    # So many hidden channels that ReLU lets some of them through.
    tensor = batch(r.randint(8, 12), r.randint(1, 5), r.randint(1, 5))
    return one(tensor, reduction=r.choice([1, 2]))


CASES: Mapping[str, Generator] = {"netbuilder.SqueezeExcite": squeeze_excite}
