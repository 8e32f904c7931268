"""Cases of `netbuilder.layers.dropout`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.layers.cases.common import Generator, batch, elementwise, one, some

CASES: Mapping[str, Generator] = {
    "torch.nn.Dropout": elementwise(p=[0.0, 0.3], inplace=True),
    "torch.nn.Dropout2d": lambda r: one(batch(2, 3, 4), **some(r, p=[0.1, 0.3], inplace=True)),
}
