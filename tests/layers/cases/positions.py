"""Cases of `netbuilder.layers.positions`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.dims import Dim, symbol
from tests.layers.cases.common import Case, Generator, batch, one, some

T = symbol("T")


def length(r: Random) -> Dim:
    return T if r.random() < 0.5 else r.randint(1, 6)


def sinusoidal(r: Random) -> Case:
    return one(batch(length(r), 2 * r.randint(1, 4)), **some(r, base=100.0, add=False))


def learned(r: Random) -> Case:
    tensor = batch(length(r), r.randint(1, 6))
    return one(tensor, max_length=r.randint(6, 20), **some(r, add=False))


def rotary(r: Random) -> Case:
    heads, size = r.randint(1, 3), 2 * r.randint(1, 3)
    inputs = {"query": batch(heads, length(r), size), "key": batch(heads, length(r), size)}
    return Case(some(r, base=100.0, interleaved=True), inputs)


def timestep(r: Random) -> Case:
    tensor = batch(dtype=r.choice(["float32", "int64"]))
    return one(tensor, channels=2 * r.randint(1, 5), **some(r, base=100.0))


def mask(r: Random) -> Case:
    kinds = some(r, kind=["blocked", "allowed"])
    if r.random() < 0.3:
        return Case({**kinds, "dim": 2}, {"reference": batch(2, length(r), 3)})
    return Case(kinds, {"reference": batch(length(r), dtype="int64", high=9)})


def positions(r: Random) -> Case:
    tensor = batch(length(r), 3, dtype=r.choice(["float32", "int64"]))
    return Case(some(r, dim=[2, -2]), {"reference": tensor})


def alibi(r: Random) -> Case:
    params = {"num_heads": r.randint(1, 12), **some(r, dim=[1, -2], causal=False)}
    return Case(params, {"reference": batch(length(r), 4)})


def relative(r: Random) -> Case:
    window = r.choice([1, 3, (2, 3)])
    return Case({"window_size": window, "num_heads": r.randint(1, 3)})


CASES: Mapping[str, Generator] = {
    "netbuilder.SinusoidalPositions": sinusoidal,
    "netbuilder.LearnedPositions": learned,
    "netbuilder.RotaryEmbedding": rotary,
    "netbuilder.TimestepEmbedding": timestep,
    "netbuilder.Positions": positions,
    "netbuilder.CausalMask": mask,
    "netbuilder.AlibiBias": alibi,
    "netbuilder.RelativePositionBias": relative,
}
