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


def adaptive(spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.choice([4, 8]) for _ in range(spatial)]
        wanted: Any = r.choice([1, 2, 4, (2,) * spatial])
        if spatial == 2 and r.random() < 0.3:
            wanted = (None, 2)
        return one(batch(r.randint(1, 3), *sizes), output_size=wanted)

    return make


CASES: Mapping[str, Generator] = {
    "torch.nn.MaxPool1d": pool(1, dilation=2, return_indices=True),
    "torch.nn.MaxPool2d": pool(2, dilation=2, return_indices=True),
    "torch.nn.AvgPool1d": pool(1, count_include_pad=False),
    "torch.nn.AvgPool2d": pool(2, count_include_pad=False, divisor_override=3),
    "torch.nn.AdaptiveAvgPool1d": adaptive(1),
    "torch.nn.AdaptiveAvgPool2d": adaptive(2),
}
