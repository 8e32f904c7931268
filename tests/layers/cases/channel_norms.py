"""Cases of `netbuilder.layers.channel_norms`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, some


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


def instance_norm(spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.randint(2, 4) for _ in range(spatial)]
        params = some(r, eps=1e-3, momentum=[0.2, None], affine=True, bias=False)
        return one(batch(r.randint(1, 5), *sizes), **params, **some(r, track_running_stats=True))

    return make


CASES: Mapping[str, Generator] = {
    "torch.nn.BatchNorm1d": batch_norm(2, 3),
    "torch.nn.BatchNorm2d": batch_norm(4),
    "torch.nn.BatchNorm3d": batch_norm(5),
    "torch.nn.SyncBatchNorm": batch_norm(2, 3, 4, 5),
    "torch.nn.InstanceNorm1d": instance_norm(1),
    "torch.nn.InstanceNorm2d": instance_norm(2),
    "torch.nn.InstanceNorm3d": instance_norm(3),
}
