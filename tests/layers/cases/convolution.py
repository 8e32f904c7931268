"""Cases of `netbuilder.layers.convolution`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, batch, one, size, some


def conv(spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        groups = r.choice([1, 1, 2, 3])
        edge = r.choice(["zeros", "reflect", "replicate", "circular"])
        same = r.random() < 0.25
        params: dict[str, Any] = {
            "out_channels": groups * r.randint(1, 3),
            "kernel_size": size(r, spatial, 1, 3),
            **some(r, bias=False, dilation=size(r, spatial, 1, 2), padding_mode=edge),
            **some(r, padding=size(r, spatial, 0, 2), groups=groups),
        }
        if same:
            params["padding"] = r.choice(["same", "valid"])
        else:
            params |= some(r, stride=size(r, spatial, 1, 3))
        sizes = [r.randint(5, 9 if spatial < 3 else 6) for _ in range(spatial)]
        return one(batch(groups * r.randint(1, 2), *sizes), **params)

    return make


CASES: Mapping[str, Generator] = {
    "torch.nn.Conv1d": conv(1),
    "torch.nn.Conv2d": conv(2),
    "torch.nn.Conv3d": conv(3),
}
