"""The same numbers in another order, or several times."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Index,
    Layer,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    BATCH,
    bad_parameter,
    check_dim,
    check_over_batch,
    first_of,
    set_to,
)

Indices = Annotated[tuple[Index, ...], Field(max_length=16)]
Counts = Annotated[tuple[Count, ...], Field(max_length=16)]


class _Arranging(Layer):
    family = Family.RESHAPE
    keeps_values = ("input",)


class _View(_Arranging):
    is_view = True


class Permute(_View):
    """The same tensor with its dims in another order.

    `dims` lists them all: 0, 2, 3, 1 turns N×C×H×W into N×H×W×C.
    """

    id = "torch.permute"
    title = "permute"
    keywords = "transpose swap axes order channels last"
    starting = start_with(dims=(0, 2, 1))
    positional = ("dims",)

    dims: tuple[Index, ...]

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        rank = tensor.rank
        inside = all(-rank <= dim < rank for dim in self.dims)
        if not inside or sorted(dim % rank for dim in self.dims) != list(range(rank)):
            shown = ", ".join(map(str, self.dims))
            yield Complaint(
                f"permute needs each of the {rank} dims of {tensor} once, has {shown or 'none'}.",
                f"Give the numbers 0 to {rank - 1} in the order you want, 0 (the batch) first.",
                "input",
                code="shape.rank",
            )

    def subtitle(self) -> str:
        return ", ".join(map(str, self.dims))


class Transpose(_View):
    """Exchanges two dims: with 1 and 2, N×T×C becomes N×C×T, as Conv1d wants it."""

    id = "torch.transpose"
    title = "transpose"
    keywords = "swap axes permute"
    starting = start_with(dim0=1, dim1=2)
    positional = ("dim0", "dim1")

    dim0: Index
    dim1: Index

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_dim(self, "dim0", inputs), check_dim(self, "dim1", inputs))

    def subtitle(self) -> str:
        return f"{self.dim0} and {self.dim1}"


class Movedim(_View):
    """Moves dims to other places; the rest keeps its order: -1 to 1 turns N×H×W×C to N×C×H×W.

    `source` and `destination` are one dim, or as many of each.
    """

    id = "torch.movedim"
    title = "movedim"
    keywords = "moveaxis permute channels first last rollaxis"
    starting = start_with(source=-1, destination=1)
    positional = ("source", "destination")

    source: Index | Indices
    destination: Index | Indices

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._pairs(), check_dim(self, "source", inputs), check_dim(self, "destination", inputs)
        )

    def _pairs(self) -> Iterator[Complaint]:
        from_, to = as_tuple(self.source), as_tuple(self.destination)
        alike = isinstance(self.source, int) == isinstance(self.destination, int)
        if not alike or len(from_) != len(to):
            yield bad_parameter(
                f"movedim has {len(from_)} dims to move and {len(to)} places for them.",
                "Give one number each, or lists of the same length.",
            )

    def subtitle(self) -> str:
        return f"{_listed(self.source)} to {_listed(self.destination)}"


def as_tuple(value: int | tuple[int, ...]) -> tuple[int, ...]:
    """One number as a tuple of it."""
    return value if isinstance(value, tuple) else (value,)


def _listed(value: int | tuple[int, ...]) -> str:
    text = ", ".join(map(str, as_tuple(value)))
    return text if len(text) < 16 else f"{len(as_tuple(value))} dims"


class Flip(_Arranging):
    """The tensor turned round along `dims`: a sequence backwards, an image mirrored."""

    id = "torch.flip"
    title = "flip"
    keywords = "reverse mirror backwards"
    starting = start_with(dims=(-1,))
    positional = ("dims",)

    dims: Indices

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_dim(self, "dims", inputs),
            check_over_batch(self, inputs, "dims", "changes the order of the samples"),
        )

    def subtitle(self) -> str:
        return f"dims {_listed(self.dims)}"


class Roll(_Arranging):
    """Shifts the numbers along `dims`; what leaves at one end comes in at the other.

    `shifts` and `dims` are one number, or as many of each. Without `dims` the tensor is
    rolled as one long row.
    """

    id = "torch.roll"
    title = "roll"
    keywords = "shift cyclic circular shifted windows"
    starting = start_with(shifts=1, dims=1)
    positional = ("shifts",)

    shifts: Index | Annotated[Indices, Field(min_length=1)]
    dims: Index | Indices = ()

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._pairs(),
            check_dim(self, "dims", inputs),
            self._flat(inputs),
            check_over_batch(self, inputs, "dims", "moves numbers from sample to sample"),
        )

    def _pairs(self) -> Iterator[Complaint]:
        shifts, dims = as_tuple(self.shifts), as_tuple(self.dims)
        if len(shifts) != len(dims) and (dims or len(shifts) > 1):
            yield bad_parameter(
                f"roll has {len(shifts)} shifts for {len(dims)} dims.",
                "Give as many of each.",
            )

    def _flat(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and self.dims == () and tensor.rank > 1 and BATCH in tensor.shape:
            yield Complaint(
                f"roll without dims moves numbers of {tensor} from sample to sample.",
                "Set dims to the dim along which to shift.",
                "input",
                code="shape.batch",
                severity="warning",
                fixes=(set_to("dims", 1),) if isinstance(self.shifts, int) else (),
            )

    def subtitle(self) -> str:
        along = f" along {_listed(self.dims)}" if self.dims != () else ""
        return f"{_listed(self.shifts)}{along}"


class Rot90(_Arranging):
    """Turns images by `k` quarters of a circle in the plane of two `dims`.

    From the first of the two towards the second.
    """

    id = "torch.rot90"
    title = "rot90"
    keywords = "rotate quarter turn image augmentation"
    starting = start_with(dims=(-2, -1))

    k: Index = 1
    dims: tuple[Index, Index] = (0, 1)

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_dim(self, "dims", inputs), self._two(inputs))

    def _two(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and (self.dims[0] - self.dims[1]) % tensor.rank == 0:
            yield bad_parameter("rot90 needs two different dims.", "Choose another for one.")

    def subtitle(self) -> str:
        return f"{self.k} × 90°"


class Contiguous(_View):
    """The same tensor with its numbers in order in memory, as view needs it after permute."""

    id = "torch.Tensor.contiguous"
    title = "contiguous"
    keywords = "memory order copy view permute"

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return code.method(inputs["input"], "contiguous")
