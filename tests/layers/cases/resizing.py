"""Cases of `netbuilder.layers.resizing`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, one, shape

T = symbol("T")


def interpolate(r: Random) -> Case:
    spatial = r.randint(1, 3)
    smooth = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}[spatial]
    mode = r.choice(["nearest", "area", "nearest-exact", *smooth, *smooth])
    params: dict[str, Any] = {} if mode == "nearest" else {"mode": mode}
    if mode in smooth and r.random() < 0.5:
        params["align_corners"] = r.choice([True, False])
    if mode in ("bilinear", "bicubic") and r.random() < 0.3:
        params["antialias"] = True
    if r.random() < 0.5:
        params["size"] = r.choice([r.randint(1, 6), tuple(r.randint(1, 6) for _ in range(spatial))])
    else:
        params["scale_factor"] = r.choice([2.0, 0.5, 1.5, (2.0,) * spatial])
        if r.random() < 0.3:
            params["recompute_scale_factor"] = True
    places = (4,) * (spatial - 1) + (either(r, T, 6),)
    return one(batch(2, *places), **params)


def resize_like(r: Random) -> Case:
    spatial = r.randint(1, 3)
    smooth = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}[spatial]
    mode = r.choice(["nearest", "area", "nearest-exact", *smooth, *smooth])
    params: dict[str, Any] = {} if mode == "nearest" else {"mode": mode}
    if mode in smooth and r.random() < 0.5:
        params["align_corners"] = r.choice([True, False])
    places = (4,) * (spatial - 1)
    # No gradient goes to what gives the sizes alone.
    other = batch(3, *places, either(r, T, 5), dtype="int64")
    return Case(params, {"input": batch(2, *places, either(r, T, 6)), "other": other})


def pad(r: Random) -> Case:
    mode = r.choice(["constant", "constant", "reflect", "replicate", "circular"])
    params: dict[str, Any] = {} if mode == "constant" else {"mode": mode}
    if mode == "constant":
        amounts = r.choice([(1, 2), (0, 1, 2, 0), (-1, 1), (1, 1, 0, -1)])
        if r.random() < 0.5:
            params["value"] = r.choice([1, 0.5, -1])
        return one(batch(*shape(r, 0, 1), 3, either(r, T, 4)), pad=amounts, **params)
    if r.random() < 0.5:
        return one(batch(2, either(r, T, 4)), pad=(r.randint(0, 2), 1), **params)
    return one(batch(2, 4, either(r, T, 4)), pad=(1, 2, r.randint(0, 2), 1), **params)


CASES: Mapping[str, Generator] = {
    "torch.nn.functional.interpolate": interpolate,
    "netbuilder.ResizeLike": resize_like,
    "torch.nn.functional.pad": pad,
}
