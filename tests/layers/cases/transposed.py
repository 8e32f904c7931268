"""Cases of `netbuilder.layers.transposed`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import Layer
from netbuilder.layers.catalogue import layers
from netbuilder.layers.checks import spread
from tests.layers.cases.common import Case, Generator, batch, one, size, some


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
        sizes = [r.randint(3, 6 if spatial < 3 else 4) for _ in range(spatial)]
        if "stride" in params and r.random() < 0.3:
            kind = layers()[f"torch.nn.ConvTranspose{spatial}d"]
            params["output_size"] = reachable(r, kind.model_validate(params), sizes)
        return one(batch(groups * r.randint(1, 2), *sizes), **params)

    return make


def reachable(r: Random, layer: Layer, sizes: list[int]) -> tuple[int, ...]:
    """Spatial sizes that a transposed convolution may be asked for."""
    values = dict(layer)
    step, dilation = values["stride"], values["dilation"]
    kernel = spread(values["kernel_size"], len(sizes))
    return tuple(
        (size - 1) * step - 2 * values["padding"] + dilation * (k - 1) + 1 + r.randrange(step)
        for size, k in zip(sizes, kernel, strict=True)
    )


CASES: Mapping[str, Generator] = {
    "torch.nn.ConvTranspose1d": conv_transpose(1),
    "torch.nn.ConvTranspose2d": conv_transpose(2),
    "torch.nn.ConvTranspose3d": conv_transpose(3),
}
