"""Cases of `netbuilder.layers.callers`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, shape, some


def penalty(r: Random) -> Case:
    params = {"network": "main", **some(r, at="real", norm=0.0)}
    tensor = batch(*shape(r))
    return Case(params, {"real": tensor, "fake": tensor})


def text(r: Random) -> Case:
    chosen = some(r, count=2, length=7, temperature=[0.0, 0.7], top_k=3, context=5)
    return Case({"network": "main", **chosen}, {"prompt": batch(4, dtype="int64", high=9)})


def diffusion(r: Random) -> Case:
    chosen = some(
        r,
        count=3,
        steps=20,
        schedule="cosine",
        prediction=["sample", "velocity"],
        jumps=5,
        eta=0.0,
        limit=1.0,
    )
    params = {"network": "main", "shape": shape(r), **chosen}
    return Case(params, {"reference": batch(*shape(r, 0))})


CASES: Mapping[str, Generator] = {
    "netbuilder.GradientPenalty": penalty,
    "netbuilder.TextSampler": text,
    "netbuilder.DiffusionSampler": diffusion,
}
