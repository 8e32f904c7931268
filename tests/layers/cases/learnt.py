"""Cases of `netbuilder.layers.learnt`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, shape, some

SCHEMES = ["zeros", "ones", "normal", "uniform", "xavier_normal", "kaiming_uniform", "orthogonal"]


def own(r: Random) -> Case:
    sizes = shape(r, 2)
    inputs = {"reference": batch(*shape(r, 0))} if r.random() < 0.6 else {}
    return Case({"shape": sizes, **some(r, init=SCHEMES, scale=[0.5, 2.0])}, inputs)


def class_token(r: Random) -> Case:
    return one(batch(r.randint(1, 5), r.randint(1, 6)), **some(r, count=[1, 3]))


def layer_scale(r: Random) -> Case:
    tensor = batch(*(r.randint(1, 6) for _ in range(r.randint(1, 3))))
    return one(tensor, **some(r, init=[0.5, 1e-3], dim=[1, -1]))


CASES: Mapping[str, Generator] = {
    "netbuilder.LearnableParameter": own,
    "netbuilder.Buffer": own,
    "netbuilder.ClassToken": class_token,
    "netbuilder.LayerScale": layer_scale,
}
