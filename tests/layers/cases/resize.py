"""Cases of `netbuilder.layers.resize`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.resize import ANY, MODES
from tests.layers.cases.common import Case, Generator, batch, one, size, some


def target(r: Random, spatial: int) -> dict[str, Any]:
    """Either a size or a factor."""
    if r.random() < 0.5:
        return {"size": size(r, spatial, 2, 7)}
    factors = [0.5, 1.5, 2.0, 2.5]
    single = r.random() < 0.5
    each = tuple(r.choice(factors) for _ in range(spatial))
    return {"scale_factor": r.choice(factors) if single else each}


def sides(r: Random, spatial: int) -> list[int]:
    return [r.randint(3, 5) for _ in range(spatial)]


def upsample(r: Random) -> Case:
    spatial = r.randint(1, 3)
    mode = r.choice([*ANY, *MODES[spatial]])
    params: dict[str, Any] = {"mode": mode, **target(r, spatial)}
    if mode not in ANY:
        params |= some(r, align_corners=[True, False])
    if "scale_factor" in params:
        params |= some(r, recompute_scale_factor=[True, False])
    return one(batch(r.randint(1, 3), *sides(r, spatial)), **params)


def upsampling(r: Random) -> Case:
    return one(batch(r.randint(1, 3), *sides(r, 2)), **target(r, 2))


def shuffle(r: Random) -> Case:
    factor = r.randint(1, 3)
    more = [2] if r.random() < 0.3 else []
    channels = r.randint(1, 2) * factor**2
    return one(batch(*more, channels, *sides(r, 2)), upscale_factor=factor)


def unshuffle(r: Random) -> Case:
    factor = r.randint(1, 3)
    more = [2] if r.random() < 0.3 else []
    made = [r.randint(1, 3) * factor for _ in range(2)]
    return one(batch(*more, r.randint(1, 2), *made), downscale_factor=factor)


def channel_shuffle(r: Random) -> Case:
    groups = r.randint(1, 3)
    return one(batch(groups * r.randint(1, 3), *sides(r, r.randint(1, 3))), groups=groups)


CASES: Mapping[str, Generator] = {
    "torch.nn.Upsample": upsample,
    "torch.nn.UpsamplingNearest2d": upsampling,
    "torch.nn.UpsamplingBilinear2d": upsampling,
    "torch.nn.PixelShuffle": shuffle,
    "torch.nn.PixelUnshuffle": unshuffle,
    "torch.nn.ChannelShuffle": channel_shuffle,
}
