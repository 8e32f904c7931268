"""Inputs to try a network on: real ones where there are any, random ones elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

import torch
from torch import Tensor, nn

from netbuilder.errors import ExportError
from netbuilder.exchange.specs import TensorSpec, symbols

BATCH_SIZES = (1, 2, 7)
LENGTHS = (19, 24, 32, 48)
"""Sizes to try for every other symbol. Some networks refuse some (a length that must be
even, or at least the kernel); at least two must work."""
TIMES = (1, 2, 4, 8, 16, 32, 64)
"""What they are multiplied by, one after the other, until two work: sound is shortened some
hundred times, and a picture that is halved five times has sides of 32, 64, 96."""
MOST_NUMBERS = 2**18
"""Numbers in an input at longer lengths: a network that takes none is not asked for hours."""

Sizes = Mapping[str, int]


def random_inputs(specs: Sequence[TensorSpec], sizes: Sizes, seed: int = 0) -> tuple[Tensor, ...]:
    """Inputs of these sizes: normal numbers, ids below `high`."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for spec in specs:
        shape = [dim if isinstance(dim, int) else sizes[dim] for dim in spec.shape]
        dtype: torch.dtype = getattr(torch, spec.dtype)
        if dtype.is_floating_point or dtype.is_complex:
            made.append(torch.randn(shape, generator=generator).to(dtype))
        else:
            high = 2 if dtype is torch.bool else spec.high or 2
            made.append(torch.randint(0, high, shape, generator=generator).to(dtype))
    return tuple(made)


def real_inputs(
    specs: Sequence[TensorSpec], samples: Mapping[str, Tensor], batch: int
) -> tuple[Tensor, ...] | None:
    """The first `batch` samples of the project's data, or None where they don't cover it.

    An input without a batch takes what it is given whole.
    """
    made = []
    for spec in specs:
        tensor = samples.get(spec.name)
        batched = spec.shape[:1] == ("N",)
        if tensor is None or (batched and len(tensor) < batch):
            return None
        fits = len(spec.shape) == tensor.dim() and all(
            isinstance(dim, str) or dim == size
            for dim, size in zip(spec.shape, tensor.shape, strict=True)
        )
        if not fits:
            return None
        chosen = tensor[:batch] if batched else tensor
        made.append(chosen.to(getattr(torch, spec.dtype)))
    return tuple(made)


def lengths(module: nn.Module, specs: Sequence[TensorSpec]) -> list[dict[str, int]]:
    """Sizes for the symbols other than N that the network takes; all symbols differ."""
    names = [name for name in symbols(specs) if name != "N"]
    if not names:
        return [{}]
    few: list[dict[str, int]] = []
    for times in TIMES:
        found = [sizes for sizes in _choices(names, times) if _takes(module, specs, sizes, times)]
        if len(found) >= 2:
            # The first is what an export traces: of a short sound one step may be left, and a
            # size of one is taken for a constant.
            return found if times == 1 else found[::-1]
        few = few or found
    return few


def _choices(names: Sequence[str], times: int) -> Iterator[dict[str, int]]:
    for start in range(len(LENGTHS)):
        yield {
            name: times * LENGTHS[(start + place) % len(LENGTHS)]
            for place, name in enumerate(names)
        }


def _takes(module: nn.Module, specs: Sequence[TensorSpec], sizes: Sizes, times: int) -> bool:
    known = {"N": 2, **sizes}
    numbers = (
        prod(dim if isinstance(dim, int) else known[dim] for dim in spec.shape) for spec in specs
    )
    if times > 1 and max(numbers) > MOST_NUMBERS:
        return False
    return _runs(module, random_inputs(specs, known))


def require_lengths(module: nn.Module, specs: Sequence[TensorSpec]) -> None:
    """`ExportError` unless there are two lengths to try for every symbol other than N.

    One alone can't show that a length is free.
    """
    names = [name for name in symbols(specs) if name != "N"]
    if names and len(lengths(module, specs)) < 2:
        tried = ", ".join(map(str, LENGTHS))
        raise ExportError(
            f"The network takes less than two of the lengths {tried} for {', '.join(names)}, "
            f"and of those up to {TIMES[-1]} times as long.",
            "Give the input fixed sizes, or check the layers that depend on them.",
        )


def _runs(module: nn.Module, inputs: tuple[Tensor, ...]) -> bool:
    try:
        with torch.no_grad():
            module(*inputs)
    except (RuntimeError, IndexError):
        return False
    return True


def trials(
    module: nn.Module, specs: Sequence[TensorSpec], samples: Mapping[str, Tensor]
) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    """Inputs to compare on, each with words for them."""
    batches = BATCH_SIZES if "N" in symbols(specs) else (1,)
    for batch in batches:
        real = real_inputs(specs, samples, batch)
        if real is not None:
            many = f"{batch} real sample{'s' * (batch != 1)}"
            yield many if batches != (1,) else "the data", real
    for batch, sizes in product(batches, lengths(module, specs)):
        shown = {"N": batch, **sizes} if batches != (1,) else sizes
        text = ", ".join(f"{name}={size}" for name, size in shown.items())
        yield (
            "random inputs" + (f" with {text}" if text else ""),
            random_inputs(specs, {"N": batch, **sizes}, batch),
        )
