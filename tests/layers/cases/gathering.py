"""Cases of `netbuilder.layers.gathering`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, N, batch

T = symbol("T")


def ids(*shape: Any, high: int) -> TensorType:
    return TensorType(shape, "int64", high)


def index_select(r: Random) -> Case:
    size = r.randint(1, 5)
    tensor = batch(size, T) if r.random() < 0.5 else batch(3, size)
    dim = 1 if tensor.shape[1] == size else 2
    return Case({"dim": dim}, {"input": tensor, "index": ids(r.randint(1, 4), high=size)})


def gather(r: Random) -> Case:
    size, other = r.randint(1, 5), r.randint(1, 4)
    count = r.randint(1, 6)
    index = ids(N, count, r.randint(1, other), high=size)
    return Case({"dim": 1}, {"input": batch(size, other), "index": index})


def take_along_dim(r: Random) -> Case:
    size = r.randint(1, 5)
    indices = ids(N, r.randint(1, 6), r.choice([1, 3]), high=size)
    return Case({"dim": r.choice([1, -2])}, {"input": batch(size, 3), "indices": indices})


def scatter(r: Random) -> Case:
    # One index a row: where several write to one place it is not said which one stays.
    size, count = r.randint(1, 5), r.randint(1, 3)
    inputs = {"input": batch(size, 3), "index": ids(N, 1, count, high=size)}
    if r.random() < 0.5:
        return Case({"dim": 1, "src": r.choice([1, 0.5])}, inputs)
    return Case({"dim": 1}, {**inputs, "src": batch(1, count)})


def scatter_add(r: Random) -> Case:
    size, count = r.randint(1, 5), r.randint(1, 5)
    index = ids(N, count, 3, high=size)
    return Case({"dim": 1}, {"input": batch(size, 3), "index": index, "src": batch(count, 3)})


def scatter_reduce(r: Random) -> Case:
    case = scatter_add(r)
    params: dict[str, Any] = {"reduce": r.choice(["sum", "prod", "mean", "amax", "amin"])}
    if r.random() < 0.5:
        params["include_self"] = False
    return Case({**case.params, **params}, case.inputs)


def index_add(r: Random) -> Case:
    size, count = r.randint(1, 5), r.randint(1, 5)
    params: dict[str, Any] = {"dim": 1}
    if r.random() < 0.5:
        params["alpha"] = 0.5
    index = ids(count, high=size)
    return Case(params, {"input": batch(size, 3), "index": index, "source": batch(count, 3)})


CASES: Mapping[str, Generator] = {
    "torch.index_select": index_select,
    "torch.gather": gather,
    "torch.take_along_dim": take_along_dim,
    "torch.scatter": scatter,
    "torch.scatter_add": scatter_add,
    "torch.scatter_reduce": scatter_reduce,
    "torch.index_add": index_add,
}
