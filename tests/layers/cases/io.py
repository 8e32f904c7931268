"""Cases of `netbuilder.layers.io`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, elementwise, some


def network_input(r: Random) -> Case:
    params = {"shape": r.choice([(), (3,), (1, 8, 8), ("T", 4)]), **some(r, batched=False)}
    return Case({**params, **r.choice([{}, {"dtype": "int64", "high": 7}, {"dtype": "bool"}])})


CASES: Mapping[str, Generator] = {
    "netbuilder.Input": network_input,
    "netbuilder.Output": elementwise(),
    "netbuilder.Reroute": elementwise(),
}
