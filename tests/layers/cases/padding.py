"""Cases of `netbuilder.layers.padding`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, batch, one


def padding(spatial: int, low: int, **more: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.randint(3, 5) for _ in range(spatial)]
        pads: Any = r.randint(low, 2)
        if r.random() < 0.6:
            pads = tuple(r.randint(low, 2) for _ in range(2 * spatial))
        return one(batch(r.randint(1, 3), *sizes), padding=pads, **more)

    return make


KINDS: Mapping[str, dict[str, Any]] = {
    "ZeroPad": {"low": -1},
    "ConstantPad": {"low": -1, "value": 2.5},
    "ReflectionPad": {"low": 0},
    "ReplicationPad": {"low": 0},
    "CircularPad": {"low": 0},
}

CASES: Mapping[str, Generator] = {
    f"torch.nn.{kind}{spatial}d": padding(spatial, **how)
    for kind, how in KINDS.items()
    for spatial in (1, 2, 3)
}
