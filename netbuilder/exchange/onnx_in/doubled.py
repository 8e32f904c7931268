"""Equal weights in several places of a file: what was one tensor, and what may have been one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from netbuilder.exchange.bring.program import Program, Ref


def notes(weights: Mapping[str, Tensor]) -> Iterator[str]:
    """A line for each matrix of numbers that is there more than once."""
    for first, same in _alike(weights):
        count = len(same) + 1
        yield (
            f"{', '.join([first, *same[:4]])}: the same numbers {count} times. If they were "
            "one tensor, here each node has its own, and training tells them apart."
        )


def join(program: Program) -> None:
    """Let the table of an Embedding and the equal matrix of a product be one tensor again.

    Exporters turn a matrix round once for all, which makes two of one. Equal numbers alone say
    little, as layers that are copied begin alike; those are of one kind.
    """
    reading: dict[str, set[str]] = {}
    for operation in program.operations:
        weight = operation.args.get("weight")
        if isinstance(weight, Ref) and weight.name in program.states:
            reading.setdefault(program.states[weight.name].key, set()).add(operation.base)
    known = {key: tensor for key, tensor in program.tensors.items() if key in reading}
    joined = {
        key: first
        for first, same in _alike(known)
        for key in same
        if reading[first] != reading[key]
    }
    program.tied = {**program.tied, **joined}


def _alike(weights: Mapping[str, Tensor]) -> Iterator[tuple[str, list[str]]]:
    """Matrices that are there more than once: the first key, and the others."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for key, tensor in weights.items():
        if tensor.dim() < 2 or not tensor.is_floating_point() or tensor.numel() < 2:
            continue
        ends = tensor.reshape(-1)[[0, 1, -2, -1]].tolist()
        # What was never trained is one number all over in many places.
        if len(set(ends)) > 1:
            alike.setdefault((tensor.shape, tensor.dtype, *ends), []).append(key)
    for keys in alike.values():
        first, *rest = keys
        same = [key for key in rest if torch.equal(weights[first], weights[key])]
        if same:
            yield first, same
