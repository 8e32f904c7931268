"""Cases of `netbuilder.layers.contrast`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, shape, some


def pairs(**choices: object) -> Generator:
    def make(r: Random) -> Case:
        tensor = batch(r.randint(1, 6))
        return Case(some(r, **choices), {"input": tensor, "target": tensor})

    return make


def clouds(r: Random) -> Case:
    tensor = batch(*shape(r))
    return Case({}, {"input": tensor, "target": tensor})


def distillation(r: Random) -> Case:
    tensor = batch(r.randint(2, 5), *shape(r, 0, 2))
    return Case(some(r, temperature=2.0), {"input": tensor, "target": tensor})


CASES: Mapping[str, Generator] = {
    "netbuilder.InfoNCELoss": pairs(temperature=0.5, symmetric=False),
    "netbuilder.NTXentLoss": pairs(temperature=0.2),
    "netbuilder.PairAccuracy": pairs(top_k=2),
    "netbuilder.EnergyDistance": clouds,
    "netbuilder.DistillationLoss": distillation,
}
