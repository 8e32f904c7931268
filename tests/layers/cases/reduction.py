"""Cases of `netbuilder.layers.reduction`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, one, some

T = symbol("T")


def reduce(
    *,
    dims: tuple[Any, ...] = (1, -1, (1, 2), 0),
    keepdim: bool = True,
    required: bool = False,
    dtype: str = "float32",
    **choices: Any,
) -> Generator:
    """Along some dims, or of all numbers."""

    def make(r: Random) -> Case:
        params: dict[str, Any] = {}
        if required or r.random() < 0.7:
            params["dim"] = r.choice(dims)
            params |= some(r, keepdim=True) if keepdim else {}
        tensor = TensorType(batch(r.randint(3, 4), either(r, T, 3)).shape, dtype)
        return one(tensor, **params, **some(r, **choices))

    return make


CASES: Mapping[str, Generator] = {
    "torch.mean": reduce(),
    "torch.sum": reduce(),
    "torch.prod": reduce(dims=(1, -1)),
    "torch.std": reduce(correction=[0, 2.0]),
    "torch.var": reduce(correction=[0, 2.0]),
    "torch.logsumexp": reduce(required=True),
    "torch.linalg.vector_norm": reduce(ord=[1, 3.0, -2.0]),
    "torch.count_nonzero": reduce(keepdim=False),
    "torch.any": reduce(dtype="bool"),
    "torch.all": reduce(dtype="bool"),
    "torch.cumsum": reduce(dims=(1, 2, -1), keepdim=False, required=True),
    "torch.cumprod": reduce(dims=(1, 2, -1), keepdim=False, required=True),
    "torch.logcumsumexp": reduce(dims=(1, 2, -1), keepdim=False, required=True),
}
