"""Cases of `netbuilder.layers.noise`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, elementwise, shape, some


def noise(r: Random) -> Case:
    params = {"shape": shape(r, 0), **some(r, distribution="uniform")}
    return Case(params, {"reference": batch(*shape(r, 0))})


def gumbel(r: Random) -> Case:
    params = some(r, tau=0.5, hard=True, dim=[1, -1])
    return Case(params, {"logits": batch(*shape(r))})


def reparametrised(r: Random) -> Case:
    tensor = batch(*shape(r))
    return Case(some(r, sample="always"), {"mean": tensor, "logvar": tensor})


def divergence(r: Random) -> Case:
    tensor = batch(*shape(r))
    return Case(some(r, reduction=["sum", "none"]), {"mean": tensor, "logvar": tensor})


CASES: Mapping[str, Generator] = {
    "netbuilder.GaussianNoise": elementwise(std=0.5),
    "netbuilder.StochasticDepth": elementwise(p=[0.0, 0.3], mode="batch"),
    "netbuilder.Noise": noise,
    "torch.randn_like": elementwise(),
    "torch.rand_like": elementwise(),
    "torch.nn.functional.gumbel_softmax": gumbel,
    "netbuilder.ReparametrisedNormal": reparametrised,
    "netbuilder.KLToStandardNormal": divergence,
}
