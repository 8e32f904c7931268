"""Random inputs on which a drawing is held against its original."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from netbuilder.exchange.bring import running
from netbuilder.exchange.bring.functions import SAME
from netbuilder.exchange.bring.program import Program, Ref
from netbuilder.exchange.bring.proof import Reference, Trial, batch_axes

BATCHES = (2, 3)
_HANDED_ON = SAME | {"cat", "clamp", "expand", "flatten", "masked_fill", "permute", "reshape"}
_HANDED_ON |= {"_to_copy", "slice", "select", "squeeze", "to", "transpose", "unflatten"}
_HANDED_ON |= {"unsqueeze", "view", "where"}
"""What gives whole numbers that it gets."""


def of_program(program: Program) -> Reference:
    """The program as the reference, on random inputs of two batch sizes."""
    return Reference(lambda inputs: running.run(program, inputs), tuple(trials(program)))


def trials(program: Program) -> list[Trial]:
    """Random inputs as the program describes them."""
    axes = dict(zip(program.inputs, batch_axes(program), strict=True))
    free = any(axis is not None for axis in axes.values())
    generator = torch.Generator().manual_seed(0)
    made: list[Trial] = []
    for batch in BATCHES if free else BATCHES[:1]:

        def shape(value: str, batch: int = batch) -> list[int]:
            sizes = [program.number(size) for size in program.types[value].shape]
            axis = axes[value]
            return sizes if axis is None else [*sizes[:axis], batch, *sizes[axis + 1 :]]

        text = f"random inputs, a batch of {batch}" if free else "random inputs"
        made.append((text, inputs(program, shape, generator)))
    return made


def inputs(
    program: Program, shape: Callable[[str], list[int]], generator: torch.Generator
) -> tuple[Tensor, ...]:
    """A tensor for each input, of the shape that `shape` says."""
    rows = _rows(program)
    return tuple(
        _random(shape(value), program.types[value].dtype, rows.get(value), generator)
        for value in program.inputs
    )


def blind(program: Program, given: Sequence[Tensor]) -> tuple[Tensor, ...] | None:
    """The same with truths that are all alike in the first and in the last row, each of one kind.

    Whichever way a mask is meant, some place may look at nothing then. None where nothing is one.
    """
    rows, found = _rows(program), False
    made = []
    for value, tensor in zip(program.inputs, given, strict=True):
        mask = tensor.dtype is torch.bool or (_is_whole(tensor.dtype) and value not in rows)
        if mask and tensor.dim() > 1 and len(tensor) > 1:
            tensor, found = tensor.clone(), True
            tensor[0], tensor[-1] = 1, 0
        made.append(tensor)
    return tuple(made) if found else None


def _rows(program: Program) -> Mapping[str, int]:
    """For inputs that choose rows of tables, how many rows the smallest of those has."""
    makers = {name: each for each in program.operations for name in each.outputs}
    found: dict[str, int] = {}

    def follow(names: Iterator[str], rows: int, seen: set[str]) -> None:
        for name in names:
            if name in seen or name not in program.types:
                continue
            seen.add(name)
            maker = makers.get(name)
            if name in program.inputs:
                found[name] = min(found.get(name, rows), rows)
            elif maker is not None and maker.base in _HANDED_ON:
                follow(maker.refs(), rows, seen)

    for operation in program.operations:
        weight, places = operation.args.get("weight"), operation.args.get("indices")
        known = program.states.get(weight.name) if isinstance(weight, Ref) else None
        if operation.base == "embedding" and known is not None and isinstance(places, Ref):
            follow(iter([places.name]), int(program.tensors[known.key].shape[0]), set())
    return found


def _is_whole(dtype: torch.dtype) -> bool:
    return not (dtype.is_floating_point or dtype.is_complex)


def _random(shape: list[int], dtype: str, rows: int | None, generator: torch.Generator) -> Tensor:
    """Random numbers of a dtype: rows of a table, or truths, as 0 and 1 where they are numbers.

    Truths are of both kinds in each row.
    """
    running.check_size(shape)
    kind: torch.dtype = getattr(torch, dtype)
    if not _is_whole(kind):
        return torch.randn(shape, generator=generator).to(kind)
    if rows is not None and kind is not torch.bool:
        return torch.randint(0, max(1, rows), shape, generator=generator).to(kind)
    made = torch.randint(0, 2, shape, generator=generator).to(kind)
    if made.dim() and made.shape[-1] > 1:
        # Numbers say what is to be looked at, and what comes first always is; truths may be
        # meant either way.
        made[..., 0], made[..., -1] = (False, True) if kind is torch.bool else (1, 0)
    return made
