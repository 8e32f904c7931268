"""Cases of `netbuilder.layers.pooling`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, batch, one, size, some


def pool(spatial: int, **more: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.randint(6, 9) for _ in range(spatial)]
        params = some(r, stride=size(r, spatial, 1, 3), padding=1, ceil_mode=True, **more)
        return one(batch(r.randint(1, 3), *sizes), kernel_size=size(r, spatial, 2, 3), **params)

    return make


def lp_pool(spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.randint(5, 8) for _ in range(spatial)]
        step = r.randint(1, 3) if spatial == 1 else size(r, spatial, 1, 3)
        window = r.randint(2, 3) if spatial == 1 else size(r, spatial, 2, 3)
        params = some(r, stride=step, ceil_mode=True)
        return one(
            batch(r.randint(1, 3), *sizes),
            norm_type=r.choice([1, 2.0]),
            kernel_size=window,
            **params,
        )

    return make


CASES: Mapping[str, Generator] = {
    "torch.nn.MaxPool1d": pool(1, dilation=2, return_indices=True),
    "torch.nn.MaxPool2d": pool(2, dilation=2, return_indices=True),
    "torch.nn.MaxPool3d": pool(3, dilation=2, return_indices=True),
    "torch.nn.AvgPool1d": pool(1, count_include_pad=False),
    "torch.nn.AvgPool2d": pool(2, count_include_pad=False, divisor_override=3),
    "torch.nn.AvgPool3d": pool(3, count_include_pad=False, divisor_override=3),
    "torch.nn.LPPool1d": lp_pool(1),
    "torch.nn.LPPool2d": lp_pool(2),
    "torch.nn.LPPool3d": lp_pool(3),
}
