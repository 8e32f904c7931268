"""Cases of `netbuilder.layers.slicing`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, one

T = symbol("T")


def index(r: Random) -> Case:
    chosen = [":, 1:", ":, ::2", "..., 0", ":, :3", "..., -2:", ":, None, 1", ":, :, [0, 2, 2]"]
    fixed = [":, 1:-1, ::2", "..., 0, 1:3", ":, -1", ":, [0, -1], None, 1:", ":, 2, 3"]
    if r.random() < 0.5:
        return one(batch(T, 4), index=r.choice(chosen))
    return one(batch(4, 5), index=r.choice(fixed))


CASES: Mapping[str, Generator] = {"torch.Tensor.__getitem__": index}
