"""Other shapes for the same numbers, parts of them, and other dtypes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from netbuilder.layers import code, dims
from netbuilder.layers.base import (
    MAX_SIZE,
    Complaint,
    Dtype,
    Family,
    Index,
    Layer,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    BATCH,
    at_dim,
    bad_parameter,
    check_dim,
    first_of,
    set_to,
)


class _Reshape(Layer):
    family = Family.RESHAPE
    is_view = True
    keeps_values = ("input",)


class Flatten(_Reshape):
    """Makes one dim of several: N×32×4×4 becomes N×512. Goes before a Linear.

    `start_dim` and `end_dim` are the first and the last dim that are joined; dim 0 is the
    batch, which stays.
    """

    id = "torch.nn.Flatten"
    title = "Flatten"
    keywords = "vector reshape view"

    start_dim: Index = 1
    end_dim: Index = -1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_dim(self, "start_dim", inputs),
            check_dim(self, "end_dim", inputs),
            self._order(inputs),
        )

    def _order(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        start, end = self.start_dim % tensor.rank, self.end_dim % tensor.rank
        if start > end:
            yield bad_parameter(
                f"start_dim {self.start_dim} comes after end_dim {self.end_dim}.",
                "Exchange them.",
            )
        elif start == 0 and end > 0 and tensor.shape[0] == BATCH:
            yield Complaint(
                f"Flatten from dim 0 joins the samples of the batch of {tensor}.",
                "Set start_dim to 1 to keep samples apart.",
                "input",
                code="shape.batch",
                severity="warning",
                fixes=(set_to("start_dim", 1),),
            )

    def subtitle(self) -> str:
        plain = (self.start_dim, self.end_dim) == (1, -1)
        return "" if plain else f"dims {self.start_dim} to {self.end_dim}"


def _one_free(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if any(size < 1 and size != -1 for size in sizes):
        raise ValueError("sizes are 1 or more; one may be -1 for what is left")
    if sizes.count(-1) > 1:
        raise ValueError("only one size may be -1")
    return sizes


Sizes = Annotated[
    tuple[Annotated[int, Field(ge=-1, le=MAX_SIZE)], ...],
    Field(max_length=16),
    AfterValidator(_one_free),
]
"""Sizes of a new shape, one of them -1 for what is left."""


class Unflatten(_Reshape):
    """Splits one dim into several: N×T×512 with dim -1 into 8, 64 becomes N×T×8×64.

    One of the sizes may be -1 for what is left. Undoes a Flatten.
    """

    id = "torch.nn.Unflatten"
    title = "Unflatten"
    keywords = "split dim reshape heads"
    positional = ("dim", "unflattened_size")
    starting = start_with(dim=1, unflattened_size=(1, -1))

    dim: Index
    unflattened_size: Annotated[Sizes, Field(min_length=1)]

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_dim(self, "dim", inputs), self._fits(inputs))

    def _fits(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        size = None if tensor is None else at_dim(tensor, self.dim)
        fixed = dims.product(abs(part) for part in self.unflattened_size)
        if size is None or not isinstance(fixed, int):
            return
        if not _divides(size, fixed) if -1 in self.unflattened_size else size != fixed:
            yield Complaint(
                f"Unflatten can't split {size} into {times(self.unflattened_size)}.",
                f"The sizes must multiply to {size}; -1 stands for what is left.",
                "input",
            )

    def subtitle(self) -> str:
        return f"dim {self.dim} to {times(self.unflattened_size)}"


def times(sizes: tuple[int, ...]) -> str:
    """`·×8×8`: sizes as people write them, a dot for what is left."""
    return "×".join("·" if size == -1 else str(size) for size in sizes) or "scalar"


class _NewShape(_Reshape):
    """Layers whose one parameter is the whole new shape."""

    @property
    def wanted(self) -> tuple[int, ...]:
        """The new shape."""
        shape: tuple[int, ...] = getattr(self, self.positional[0])
        return shape

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        count = dims.product(tensor.shape)
        fixed = dims.product(abs(size) for size in self.wanted)
        assert isinstance(fixed, int)
        exact = count == fixed if -1 not in self.wanted else _divides(count, fixed)
        if tensor.rank and tensor.shape[0] == BATCH:
            yield from self._batched(tensor.shape[1:], str(tensor), fixed, exact)
        elif not exact and isinstance(count, int):
            yield Complaint(
                f"{self.title} can't make {times(self.wanted)} of {tensor} ({count} numbers).",
                "The sizes must multiply to as many numbers as come in.",
                "input",
            )

    def _batched(
        self, sample: dims.Shape, shown: str, fixed: int, exact: bool
    ) -> Iterator[Complaint]:
        if -1 not in self.wanted:
            yield Complaint(
                f"{self.title} makes {times(self.wanted)} of {shown}: that fits one batch size "
                "only.",
                "Put -1 first, in the place of the batch.",
                "input",
                fixes=(set_to(self.positional[0], (-1, *self.wanted[1:])),),
            )
            return
        count = dims.product(sample)
        if self.wanted[0] != -1 or not isinstance(count, int) or count == fixed:
            return
        if exact or fixed % count == 0:
            fate = "mixes the samples of a batch"
        else:
            fate = "does not come out even"
        yield Complaint(
            f"{shown} has {count} numbers a sample, {times(self.wanted)} has {fixed}: "
            f"{self.title} {fate}.",
            f"Choose sizes after the -1 that multiply to {count}.",
            "input",
            code="shape.batch",
            severity="warning" if exact else "error",
        )

    def subtitle(self) -> str:
        return times(self.wanted)


class Reshape(_NewShape):
    """The same numbers in another shape, in the same order.

    `shape` is the whole new shape with the batch first: -1, 1, 8, 8 makes images of
    N×64. The -1 is worked out by PyTorch, so that any batch size fits.
    """

    id = "torch.reshape"
    title = "reshape"
    keywords = "view resize unflatten"
    starting = start_with(shape=(-1, 1, 8, 8))
    positional = ("shape",)

    shape: Sizes


class View(_NewShape):
    """The same numbers in another shape without a copy, which fails after permute and the like.

    `size` is the whole new shape with the batch first, one of its sizes -1. Use reshape if in
    doubt: it copies where it must.
    """

    id = "torch.Tensor.view"
    title = "view"
    keywords = "reshape resize without copy"
    starting = start_with(size=(-1, 1, 8, 8))
    positional = ("size",)

    size: Sizes

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        given = self.arguments()["size"]
        parts = given if isinstance(given, tuple | list) else (given,)
        return code.method(inputs["input"], "view", *(code.const(part) for part in parts))


def _divides(count: dims.Dim, part: int) -> bool:
    if isinstance(count, int):
        return count % part == 0
    return all(factor % part == 0 for _, factor in count.terms)


class Squeeze(_Reshape):
    """Removes a dim of size 1: N×1 with dim 1 becomes N."""

    id = "torch.squeeze"
    title = "squeeze"
    keywords = "remove dim singleton"
    starting = start_with(dim=1)

    dim: Index | tuple[Index, ...]

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_dim(self, "dim", inputs), self._does_nothing(inputs))

    def _does_nothing(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        for dim in self.dim if isinstance(self.dim, tuple) else (self.dim,):
            if at_dim(tensor, dim) != 1:
                yield Complaint(
                    f"Dim {dim} of {tensor} is not 1, so squeeze leaves it.",
                    "Choose a dim of size 1.",
                    "input",
                    severity="warning",
                )

    def subtitle(self) -> str:
        return f"dim {self.dim}"


class Unsqueeze(_Reshape):
    """Adds a dim of size 1 at `dim`: N×8×8 with dim 1 becomes the image N×1×8×8."""

    id = "torch.unsqueeze"
    title = "unsqueeze"
    keywords = "add dim expand channel"
    starting = start_with(dim=1)

    dim: Index

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_dim(self, "dim", inputs, extra=1)

    def subtitle(self) -> str:
        return f"dim {self.dim}"


class To(_Reshape):
    """The same numbers in another dtype, for example ids as float32."""

    id = "torch.Tensor.to"
    title = "to dtype"
    keywords = "cast convert float int64 long type"
    starting = start_with(dtype="float32")

    dtype: Literal[Dtype, "int8"]

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return code.method(inputs["input"], "to", code.dotted(f"torch.{self.dtype}"))

    def bound(self, port: str, inputs: Types) -> int | None:
        tensor = inputs.get("input")
        return 2 if tensor is not None and tensor.dtype == "bool" else super().bound(port, inputs)

    def subtitle(self) -> str:
        return self.dtype
