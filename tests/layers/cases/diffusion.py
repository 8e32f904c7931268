"""Cases of `netbuilder.layers.diffusion`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, shape, some


def _params(r: Random) -> dict[str, object]:
    return {"steps": r.randint(2, 50), **some(r, schedule="cosine")}


def timestep(r: Random) -> Case:
    return Case(some(r, steps=r.randint(2, 50)), {"reference": batch(*shape(r, 0))})


def signal_level(r: Random) -> Case:
    params = _params(r)
    return Case(params, {"timestep": batch(dtype="int64", high=params["steps"])})  # type: ignore[arg-type]


def add_noise(r: Random) -> Case:
    params, tensor = _params(r), batch(*shape(r))
    time = batch(dtype="int64", high=params["steps"])  # type: ignore[arg-type]
    return Case(params, {"input": tensor, "noise": tensor, "timestep": time})


CASES: Mapping[str, Generator] = {
    "netbuilder.Timestep": timestep,
    "netbuilder.SignalLevel": signal_level,
    "netbuilder.AddNoise": add_noise,
}
