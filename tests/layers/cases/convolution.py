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
        sizes = [r.randint(5, 9) for _ in range(spatial)]
        return one(batch(groups * r.randint(1, 2), *sizes), **params)

    return make


def conv_transpose(spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        groups = r.choice([1, 2])
        params: dict[str, Any] = {
            "out_channels": groups * r.randint(1, 3),
            "kernel_size": size(r, spatial, 2, 4),
            **some(r, bias=False, groups=groups, padding=1),
        }
        if r.random() < 0.5:
            params |= {"stride": r.randint(2, 3), "output_padding": r.randint(0, 1)}
        if r.random() < 0.3:
            params["dilation"] = 2
        sizes = [r.randint(3, 6) for _ in range(spatial)]
        return one(batch(groups * r.randint(1, 2), *sizes), **params)

    return make


CASES: Mapping[str, Generator] = {
    "torch.nn.Conv1d": conv(1),
    "torch.nn.Conv2d": conv(2),
    "torch.nn.ConvTranspose1d": conv_transpose(1),
    "torch.nn.ConvTranspose2d": conv_transpose(2),
}
