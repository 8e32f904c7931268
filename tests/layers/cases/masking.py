"""Cases of `netbuilder.layers.masking`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.layers.cases.arithmetic import operands
from tests.layers.cases.common import Case, Generator, batch, either, one, shape, some

T = symbol("T")


def masked_fill(r: Random) -> Case:
    inputs = operands(r, "input", "mask")
    inputs["mask"] = TensorType(inputs["mask"].shape, "bool")
    return Case({"value": r.choice(["-inf", "inf", 0, 0.5, -1])}, inputs)


def triangle(r: Random) -> Case:
    return one(batch(*shape(r, 0, 1), either(r, T, 4), 5), **some(r, diagonal=[-1, 1, 2]))


def diagonal(r: Random) -> Case:
    params = {"dim1": r.choice([1, -2]), "dim2": r.choice([2, -1]), **some(r, offset=[1, -1])}
    return one(batch(either(r, T, 3), 4), **params)


def diag_embed(r: Random) -> Case:
    params = some(r, offset=[1, -2])
    if r.random() < 0.5:
        params |= {"dim1": 0, "dim2": 2}
    return one(batch(either(r, T, 3)), **params)


def one_hot(r: Random) -> Case:
    high = r.randint(1, 6)
    known = r.random() < 0.5
    tensor = batch(*shape(r, 0, 1), dtype="int64", high=high)
    return one(tensor) if known else one(tensor, num_classes=high + r.randint(0, 3))


CASES: Mapping[str, Generator] = {
    "torch.masked_fill": masked_fill,
    "torch.tril": triangle,
    "torch.triu": triangle,
    "torch.diagonal": diagonal,
    "torch.diag_embed": diag_embed,
    "torch.nn.functional.one_hot": one_hot,
}
