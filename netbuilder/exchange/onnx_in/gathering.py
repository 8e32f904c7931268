"""Operators that choose numbers by their places, and put numbers in places."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Call, Function, Numbers, Unsupported, op


def _lane(x: Tensor, dim: int) -> Tensor:
    """The tensor along one dim, at the first place of all others."""
    for other in range(x.dim() - 1, -1, -1):
        if other != dim % x.dim():
            x = x.select(other, 0)
    return x


def counted(x: Tensor, dim: int) -> Tensor:
    """0, 1, 2 … as many as the dim has; where that is free it is counted."""
    size: Any = x.shape[dim]
    if isinstance(size, int):
        return torch.arange(size)
    return torch.cumsum(torch.ones_like(_lane(x, dim)).long(), 0) - 1


def places(index: Tensor, x: Tensor, dim: int) -> Tensor:
    """Places in a dim from the front, as int64: negative ones count from the end."""
    index = index.long() if index.dtype is not torch.int64 else index
    size: Any = x.shape[dim]
    if not isinstance(size, int):
        size = torch.sum(torch.ones_like(_lane(x, dim)).long())
    return torch.where(index < 0, index + size, index)


def taken(call: Call, at: int = 1) -> Function:
    """Slices of a dim at places that are given."""
    axis, fixed = call.attr("axis", 0), call.constant(at)
    if fixed is not None and fixed.dim() == 0:
        call.only(0)
        number = int(fixed)
        return lambda x: x.select(axis, number)
    if fixed is not None and bool((fixed >= 0).all()):
        return lambda x, index: _chosen(x, axis, index.long())
    return lambda x, index: _chosen(x, axis, places(index, x, axis))


def _chosen(x: Tensor, axis: int, index: Tensor) -> Tensor:
    dim = axis % x.dim()
    if index.dim() == 1:
        return x.index_select(dim, index)
    made = x.index_select(dim, index.reshape(-1))
    return made.reshape(*x.shape[:dim], *index.shape, *x.shape[dim + 1 :])


@op("GatherElements")
def gather_elements(call: Call) -> Function:
    """A number for each index."""
    axis = call.attr("axis", 0)
    return lambda x, index: torch.gather(x, axis, places(index, x, axis))


def _numbered(index: Tensor, x: Tensor, first: int) -> Tensor:
    """Rows of places in dims from the first on as places in these dims flattened."""
    total = places(index.select(-1, 0), x, first)
    for at in range(1, index.shape[-1]):
        total = total * x.shape[first + at] + places(index.select(-1, at), x, first + at)
    return total


@op("GatherND")
def gather_nd(call: Call) -> Function:
    """A slice for each row of places."""
    batch = call.attr("batch_dims", 0)

    def run(x: Tensor, index: Tensor) -> Tensor:
        depth = index.shape[-1]
        if depth > 1 and not batch:
            return x[tuple(index.select(-1, at).long() for at in range(depth))]
        sizes = x.shape[batch : batch + depth]
        rest = x.shape[batch + depth :]
        rows = _numbered(index, x, batch)
        if batch:
            # The samples lie one after the other: each has its own rows.
            samples, each = x.flatten(0, batch - 1), math.prod(sizes)
            rows = rows.flatten(0, batch - 1)
            rows = rows.unsqueeze(1) if rows.dim() == 1 else rows.flatten(1)
            rows = rows + counted(samples, 0).unsqueeze(1) * each
        flat = x.reshape(-1, *rest).index_select(0, rows.reshape(-1))
        return flat.reshape(*index.shape[:-1], *rest)

    return run


_REDUCE = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def _scattered(x: Tensor, dim: int, index: Tensor, updates: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return torch.scatter(x, dim, index, updates)
    if reduction == "add":
        return torch.scatter_add(x, dim, index, updates)
    return torch.scatter_reduce(x, dim, index, updates, _REDUCE[reduction], include_self=True)


@op("ScatterElements", "Scatter")
def scatter_elements(call: Call) -> Function:
    """Numbers put, or added, in a place for each."""
    axis, reduction = call.attr("axis", 0), call.attr("reduction", "none")

    def run(x: Tensor, index: Tensor, updates: Tensor) -> Tensor:
        return _scattered(x, axis, places(index, x, axis), updates, reduction)

    return run


@op("ScatterND")
def scatter_nd(call: Call) -> Function:
    """Slices put, or added, in a row of places for each."""
    reduction = call.attr("reduction", "none")

    def run(x: Tensor, index: Tensor, updates: Tensor) -> Tensor:
        depth = index.shape[-1]
        rest = x.shape[depth:]
        rows = _numbered(index, x, 0).reshape(-1, 1)
        width = math.prod(rest)
        flat, given = x.reshape(-1, width), updates.reshape(-1, width)
        made = _scattered(flat, 0, rows.expand(-1, width), given, reduction)
        return made.reshape(x.shape)

    return run


@op("TensorScatter")
def tensor_scatter(call: Call) -> Function:
    """A cache of keys or values with new ones from a place on, for each sample."""
    axis, around = call.attr("axis", -2), call.attr("mode", "linear") == "circular"

    def run(past: Tensor, update: Tensor, starts: Tensor | None = None) -> Tensor:
        dim = axis % past.dim()
        count = update.shape[dim]
        at = counted(update, dim).unsqueeze(0)
        at = at + starts.unsqueeze(1) if starts is not None else at.expand(past.shape[0], -1)
        at = torch.remainder(at, past.shape[dim]) if around else at
        shape = [1] * past.dim()
        shape[0], shape[dim] = past.shape[0], count
        return torch.scatter(past, dim, at.reshape(shape).expand(update.shape), update)

    return run


@op("OneHot", known=(1,))
def one_hot(call: Call) -> Function:
    """One of two numbers for each class."""
    axis = call.attr("axis", -1)

    def run(index: Tensor, depth: Numbers, values: Tensor) -> Tensor:
        count = int(depth[0]) if isinstance(depth[0], int | float) else depth[0]
        at = axis % (index.dim() + 1)
        shape = [1] * (index.dim() + 1)
        shape[at] = count
        index = index.long()
        index = torch.where(index < 0, index + count, index)
        here = index.unsqueeze(at) == torch.arange(count).reshape(shape)
        return torch.where(here, values[1], values[0])

    return run


@op("NonZero")
def non_zero(call: Call) -> Function:
    """The places of what isn't 0: how many there are follows from the numbers."""
    raise Unsupported("the size of the result depends on the numbers that come in")


@op("Compress", known=(1,))
def compress(call: Call) -> Function:
    """Slices that a known condition chooses."""
    axis = call.attr("axis")

    def run(x: Tensor, condition: Numbers) -> Tensor:
        chosen = torch.tensor([at for at, yes in enumerate(condition) if yes], dtype=torch.int64)
        return x.flatten().index_select(0, chosen) if axis is None else x.index_select(axis, chosen)

    return run


@op("ReverseSequence")
def reverse_sequence(call: Call) -> Function:
    """The first steps of each sequence, as many as it has, backwards."""
    time, batch = call.attr("time_axis", 0), call.attr("batch_axis", 1)

    def run(x: Tensor, lengths: Tensor) -> Tensor:
        shape = [1] * x.dim()
        shape[time] = x.shape[time]
        at = counted(x, time).reshape(shape)
        shape = [1] * x.dim()
        shape[batch] = x.shape[batch]
        length = lengths.long().reshape(shape)
        back = torch.where(at < length, length - 1 - at, at)
        return torch.gather(x, time, back.expand(x.shape))

    return run
