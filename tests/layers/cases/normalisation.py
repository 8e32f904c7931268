"""Cases of `netbuilder.layers.normalisation`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, shape, some


def layer_norm(r: Random) -> Case:
    sizes = tuple(r.randint(2, 6) for _ in range(r.randint(1, 3)))
    params = some(r, normalized_shape=sizes, eps=1e-3, elementwise_affine=False, bias=False)
    return one(batch(*sizes), **params)


def group_norm(r: Random) -> Case:
    groups = r.randint(1, 3)
    tensor = batch(groups * r.randint(2, 3), *shape(r, 0, 2))
    return one(tensor, num_groups=groups, **some(r, eps=1e-3, affine=False, bias=False))


def rms_norm(r: Random) -> Case:
    sizes = tuple(r.randint(2, 6) for _ in range(r.randint(1, 3)))
    params = some(r, normalized_shape=sizes, eps=1e-3, elementwise_affine=False)
    return Case(params, {"x": batch(*sizes)})


def response_norm(r: Random) -> Case:
    sizes = [r.randint(2, 4) for _ in range(r.randint(1, 3))]
    more = some(r, alpha=0.1, beta=0.5, k=2.0)
    return one(batch(r.randint(3, 7), *sizes), size=r.randint(1, 5), **more)


CASES: Mapping[str, Generator] = {
    "torch.nn.LayerNorm": layer_norm,
    "torch.nn.RMSNorm": rms_norm,
    "torch.nn.GroupNorm": group_norm,
    "torch.nn.LocalResponseNorm": response_norm,
}
