"""Cases of `netbuilder.layers.capsules`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, shape, size, some


def primary(r: Random) -> Case:
    params = {"num_capsules": r.randint(1, 3), "capsule_size": r.randint(2, 4)}
    params |= {"kernel_size": size(r, 2, 1, 3), **some(r, stride=size(r, 2, 1, 3), padding=1)}
    return one(batch(r.randint(1, 3), r.randint(3, 6), r.randint(3, 6)), **params)


def routing(r: Random) -> Case:
    params = {"num_capsules": r.randint(1, 4), "capsule_size": r.randint(2, 4)}
    return one(batch(r.randint(1, 6), r.randint(2, 4)), **params, **some(r, iterations=[1, 2]))


def squash(r: Random) -> Case:
    return one(batch(*shape(r)), **some(r, dim=[1, -1], eps=1e-6))


def length(r: Random) -> Case:
    return one(batch(r.randint(1, 4), r.randint(1, 4)))


CASES: Mapping[str, Generator] = {
    "netbuilder.PrimaryCapsules": primary,
    "netbuilder.CapsuleRouting": routing,
    "netbuilder.Squash": squash,
    "netbuilder.CapsuleLength": length,
}
