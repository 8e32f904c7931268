"""Cases of `netbuilder.layers.dropout`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, elementwise, one, some


def channels(*spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.randint(1, 4) for _ in range(r.choice(spatial) + 1)]
        return one(batch(*sizes), **some(r, p=[0.1, 0.3], inplace=True))

    return make


CASES: Mapping[str, Generator] = {
    "torch.nn.Dropout": elementwise(p=[0.0, 0.3], inplace=True),
    "torch.nn.Dropout1d": channels(1),
    "torch.nn.Dropout2d": channels(2),
    "torch.nn.Dropout3d": channels(3),
    "torch.nn.AlphaDropout": elementwise(p=[0.0, 0.3], inplace=True),
    "torch.nn.FeatureAlphaDropout": channels(1, 2, 3),
}
