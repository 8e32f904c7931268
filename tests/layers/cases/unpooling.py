"""Cases of `netbuilder.layers.unpooling`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, batch, some


def unpool(spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.randint(2, 4) for _ in range(spatial)]
        kernel = r.randint(2, 3)
        params: dict[str, Any] = {"kernel_size": kernel, **some(r, stride=[2, 3], padding=1)}
        step, pad = params.get("stride", kernel), params.get("padding", 0)
        made = [(size - 1) * step - 2 * pad + kernel for size in sizes]
        if r.random() < 0.3:
            made = [size + r.choice([0, 1]) for size in made]
            params["output_size"] = tuple(made)
        channels = r.randint(1, 3)
        numbers = batch(channels, *sizes)
        places = batch(channels, *sizes, dtype="int64", high=prod(made))
        return Case(params, {"input": numbers, "indices": places})

    return make


CASES: Mapping[str, Generator] = {
    "torch.nn.MaxUnpool1d": unpool(1),
    "torch.nn.MaxUnpool2d": unpool(2),
    "torch.nn.MaxUnpool3d": unpool(3),
}
