"""Cases of `netbuilder.layers.sampling`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, some

T = symbol("T")


def grid_sample(r: Random) -> Case:
    params: dict[str, Any] = {"align_corners": r.choice([True, False])}
    params |= some(r, padding_mode=["border", "reflection"])
    if r.random() < 0.3:
        image, grid = batch(2, 3, 4, 5), batch(2, 3, 4, 3)
        return Case({**params, **some(r, mode="nearest")}, {"input": image, "grid": grid})
    image, grid = batch(2, either(r, T, 4), 5), batch(3, either(r, T, 4), 2)
    more = some(r, mode=["nearest", "bicubic"])
    return Case({**params, **more}, {"input": image, "grid": grid})


def affine_grid(r: Random) -> Case:
    points = r.choice([2, 3])
    sizes = (-1, *(r.randint(2, 4) for _ in range(points + 1)))
    params = {"size": sizes, "align_corners": r.choice([True, False])}
    return Case(params, {"theta": batch(points, points + 1)})


CASES: Mapping[str, Generator] = {
    "torch.nn.functional.grid_sample": grid_sample,
    "torch.nn.functional.affine_grid": affine_grid,
}
