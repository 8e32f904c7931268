"""Cases of `netbuilder.layers.extremes`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.layers.cases.common import Generator
from tests.layers.cases.reduction import reduce

CASES: Mapping[str, Generator] = {
    "torch.max": reduce(dims=(1, -1)),
    "torch.min": reduce(dims=(1, -1)),
    "torch.median": reduce(dims=(1, -1)),
    "torch.amax": reduce(),
    "torch.amin": reduce(),
    "torch.argmax": reduce(dims=(1, -1)),
    "torch.argmin": reduce(dims=(1, -1)),
}
