"""Cases of `netbuilder.layers.normalisation`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, shape, some


def batch_norm(*ranks: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        count = r.choice(ranks) - 1
        params = some(r, eps=1e-3, momentum=[0.2, None], affine=False, bias=False)
        return one(
            batch(*(r.randint(2, 5) for _ in range(count))),
            **params,
            **some(r, track_running_stats=False),
        )

    return make


def layer_norm(r: Random) -> Case:
    sizes = tuple(r.randint(2, 6) for _ in range(r.randint(1, 3)))
    params = some(r, normalized_shape=sizes, eps=1e-3, elementwise_affine=False, bias=False)
    return one(batch(*sizes), **params)


def group_norm(r: Random) -> Case:
    groups = r.randint(1, 3)
    tensor = batch(groups * r.randint(2, 3), *shape(r, 0, 2))
    return one(tensor, num_groups=groups, **some(r, eps=1e-3, affine=False, bias=False))


CASES: Mapping[str, Generator] = {
    "torch.nn.BatchNorm1d": batch_norm(2, 3),
    "torch.nn.BatchNorm2d": batch_norm(4),
    "torch.nn.LayerNorm": layer_norm,
    "torch.nn.GroupNorm": group_norm,
}
