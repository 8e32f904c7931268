"""Cases of `netbuilder.layers.adaptive`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, batch, one, size, some


def adaptive(spatial: int, **more: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.choice([4, 8]) for _ in range(spatial)]
        wanted: Any = r.choice([1, 2, 4, (2,) * spatial])
        if spatial >= 2 and r.random() < 0.3:
            wanted = (None, 2, 1)[:spatial]
        return one(batch(r.randint(1, 3), *sizes), output_size=wanted, **some(r, **more))

    return make


def fractional(spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.randint(6, 8) for _ in range(spatial)]
        params: dict[str, Any] = {"kernel_size": size(r, spatial, 1, 2)}
        if r.random() < 0.5:
            params["output_size"] = size(r, spatial, 2, 4)
        else:
            params["output_ratio"] = r.choice([0.5, (0.6, 0.7, 0.4)[:spatial]])
        return one(batch(r.randint(1, 3), *sizes), **params, **some(r, return_indices=True))

    return make


CASES: Mapping[str, Generator] = {
    "torch.nn.AdaptiveAvgPool1d": adaptive(1),
    "torch.nn.AdaptiveAvgPool2d": adaptive(2),
    "torch.nn.AdaptiveAvgPool3d": adaptive(3),
    "torch.nn.AdaptiveMaxPool1d": adaptive(1, return_indices=True),
    "torch.nn.AdaptiveMaxPool2d": adaptive(2, return_indices=True),
    "torch.nn.AdaptiveMaxPool3d": adaptive(3, return_indices=True),
    "torch.nn.FractionalMaxPool2d": fractional(2),
    "torch.nn.FractionalMaxPool3d": fractional(3),
}
