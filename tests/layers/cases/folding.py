"""Cases of `netbuilder.layers.folding`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.folding import Fold
from tests.layers.cases.common import Case, Generator, batch, one, size, some


def windows(r: Random) -> dict[str, Any]:
    return {
        "kernel_size": size(r, 2, 1, 3),
        **some(r, dilation=size(r, 2, 1, 2), padding=size(r, 2, 0, 1), stride=size(r, 2, 1, 3)),
    }


def fold(r: Random) -> Case:
    params = {"output_size": size(r, 2, 5, 8), **windows(r)}
    layer = Fold.model_validate(params)
    kernel = params["kernel_size"]
    pixels = kernel * kernel if isinstance(kernel, int) else kernel[0] * kernel[1]
    return one(batch(r.randint(1, 3) * pixels, layer.windows()), **params)


def unfold(r: Random) -> Case:
    return one(batch(r.randint(1, 3), r.randint(5, 8), r.randint(5, 8)), **windows(r))


CASES: Mapping[str, Generator] = {"torch.nn.Fold": fold, "torch.nn.Unfold": unfold}
