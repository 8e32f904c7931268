"""Cases of `netbuilder.layers.gating`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, shape, some


def glu(r: Random) -> Case:
    return one(batch(*shape(r)), hidden_features=r.randint(2, 6), **some(r, bias=True))


def highway(r: Random) -> Case:
    return one(batch(*shape(r), 5), **some(r, gate_bias=[0.5, -2.0]))


def residual(r: Random) -> Case:
    tensor = batch(*shape(r))
    return Case({}, {"input": tensor, "residual": tensor})


def lora(r: Random) -> Case:
    choices = some(r, rank=[1, 2], alpha=[1.0, 8.0], dropout=0.2, bias=False)
    return one(batch(*shape(r, 0, 2), 9), out_features=8, **choices)


def film(r: Random) -> Case:
    return Case({}, {"input": batch(*shape(r)), "condition": batch(r.randint(1, 5))})


def adain(r: Random) -> Case:
    image = batch(r.randint(1, 4), r.randint(1, 4), r.randint(2, 4))
    return Case(some(r, eps=1e-3), {"input": image, "style": batch(r.randint(1, 5))})


def modulated(r: Random) -> Case:
    params = {"out_channels": r.randint(1, 4), "kernel_size": r.choice([1, 3, 5])}
    image = batch(r.randint(1, 4), r.randint(1, 4), r.randint(2, 4))
    inputs = {"input": image, "style": batch(r.randint(1, 5))}
    return Case({**params, **some(r, demodulate=False, eps=1e-6)}, inputs)


CASES: Mapping[str, Generator] = {
    "netbuilder.SwiGLU": glu,
    "netbuilder.GEGLU": glu,
    "netbuilder.Highway": highway,
    "netbuilder.GatedResidual": residual,
    "netbuilder.LoRALinear": lora,
    "netbuilder.FiLM": film,
    "netbuilder.AdaIN": adain,
    "netbuilder.ModulatedConv2d": modulated,
}
