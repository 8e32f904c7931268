"""The same numbers several times."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Port,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    BATCH,
    bad_parameter,
    check_dim,
    check_over_batch,
    differ,
    first_of,
    set_to,
)
from netbuilder.layers.dims import Dim

Times = Annotated[
    tuple[Annotated[int, Field(ge=1, le=2**31)], ...], Field(min_length=1, max_length=16)
]
"""How often for each dim."""


class _Repeating(Layer):
    family = Family.RESHAPE
    keeps_values = ("input",)


class _Method(_Repeating):
    """Methods of tensors that take their sizes one by one: `x.expand(-1, 8, -1)`."""

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        given = self.arguments()[self.positional[0]]
        parts = given if isinstance(given, tuple | list) else (given,)
        name = self.id.rpartition(".")[2]
        return code.method(inputs["input"], name, *(code.const(part) for part in parts))


class Expand(_Method):
    """Dims of size 1 stretched to `size` without a copy; -1 leaves a dim as it is.

    New dims may come first. Of N×1×8 with -1, 4, -1 comes N×4×8.
    """

    id = "torch.Tensor.expand"
    title = "expand"
    keywords = "broadcast stretch repeat tile"
    is_view = True
    starting = start_with(size=(-1, 8))
    positional = ("size",)

    size: Annotated[
        tuple[Annotated[int, Field(ge=-1, le=2**31)], ...], Field(min_length=1, max_length=16)
    ]

    def saves_output(self) -> bool:
        # Its numbers share memory: PyTorch lets nobody overwrite them.
        return True

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        new = len(self.size) - tensor.rank
        if new < 0:
            yield Complaint(
                f"expand gets {tensor} and {len(self.size)} sizes.",
                f"Give a size for each of the {tensor.rank} dims; -1 leaves one as it is.",
                "input",
                code="shape.rank",
            )
            return
        if -1 in self.size[:new]:
            yield bad_parameter(
                "A new dim can't be -1: there is no size to keep.",
                f"The first {new} of the sizes are new dims of {tensor}.",
            )
            return
        for dim, (have, wanted) in enumerate(zip(tensor.shape, self.size[new:], strict=True)):
            if wanted not in (-1, have) and have != 1:
                yield self._stretched(str(tensor), dim, have, wanted, new + dim)
                return

    def _stretched(self, tensor: str, dim: int, have: Dim, wanted: int, at: int) -> Complaint:
        size = (*self.size[:at], -1, *self.size[at + 1 :])
        return Complaint(
            f"expand can't make {wanted} of dim {dim} of {tensor}, which is {have}.",
            "Only a size of 1 can be stretched; -1 leaves a dim as it is.",
            "input",
            fixes=(set_to("size", size),),
        )

    def subtitle(self) -> str:
        return "×".join("·" if size == -1 else str(size) for size in self.size)


class ExpandAs(_Repeating):
    """Dims of size 1 stretched to the sizes of `other`, without a copy."""

    id = "torch.Tensor.expand_as"
    title = "expand as"
    keywords = "broadcast stretch like same size"
    is_view = True
    inputs = (Port("input"), Port("other", "What has the sizes."))

    def saves_output(self) -> bool:
        return True

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        tensor, other = inputs.get("input"), inputs.get("other")
        if tensor is None or other is None:
            return
        wanted = other.shape[other.rank - tensor.rank :] if tensor.rank else ()
        pairs = zip(tensor.shape, wanted, strict=False)
        if tensor.rank > other.rank or any(a != 1 and differ(a, b) for a, b in pairs):
            yield Complaint(
                f"expand as can't stretch {tensor} to {other}.",
                "Sizes must be equal or 1, counted from the last dim.",
                "input",
            )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return code.method(inputs["input"], "expand_as", inputs["other"])


class _Copies(_Repeating):
    def several(self, inputs: Types, counts: tuple[int, ...]) -> Iterator[Complaint]:
        """Warns if the batch is repeated: `counts` are for the last dims."""
        tensor = inputs.get("input")
        if tensor is None or len(counts) < tensor.rank or tensor.shape[:1] != (BATCH,):
            return
        if counts[len(counts) - tensor.rank] != 1:
            yield Complaint(
                f"{self.title} puts copies of the batch of {tensor} behind one another.",
                "Use 1 for the batch, the first of the dims that come in.",
                "input",
                code="shape.batch",
                severity="warning",
            )


class Repeat(_Copies, _Method):
    """Copies of the tensor along each dim: 1, 4 of N×8 gives N×32.

    `repeats` is a number for each dim; further ones at the front make new dims.
    """

    id = "torch.Tensor.repeat"
    title = "repeat"
    keywords = "tile copy several times"
    starting = start_with(repeats=(1, 2))
    positional = ("repeats",)

    repeats: Times

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._each(inputs), self.several(inputs, self.repeats))

    def _each(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and len(self.repeats) < tensor.rank:
            missing = tensor.rank - len(self.repeats)
            yield Complaint(
                f"repeat has {len(self.repeats)} numbers for the {tensor.rank} dims of {tensor}.",
                "Give a number for each dim, 1 for those that stay.",
                "input",
                code="shape.rank",
                fixes=(set_to("repeats", (*(1,) * missing, *self.repeats)),),
            )

    def subtitle(self) -> str:
        return "×".join(map(str, self.repeats))


class Tile(_Copies):
    """Copies of the tensor along its last dims: 2 of N×8 gives N×16.

    `dims` is a number for each dim; with fewer numbers the first dims stay.
    """

    id = "torch.tile"
    title = "tile"
    keywords = "repeat copy several times"
    starting = start_with(dims=(1, 2))
    positional = ("dims",)

    dims: Times

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return self.several(inputs, self.dims)

    def subtitle(self) -> str:
        return "×".join(map(str, self.dims))


class RepeatInterleave(_Repeating):
    """Each element along `dim` several times in a row: a, b with 2 becomes a, a, b, b.

    Without a `dim` the tensor is flattened first.
    """

    id = "torch.repeat_interleave"
    title = "repeat interleave"
    keywords = "upsample nearest copy each element grouped query"
    starting = start_with(repeats=2, dim=1)
    positional = ("repeats",)

    repeats: Size
    dim: Index | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_dim(self, "dim", inputs),
            check_over_batch(self, inputs, "dim", "repeats each sample"),
        )

    def subtitle(self) -> str:
        return f"{self.repeats} times" + ("" if self.dim is None else f" along {self.dim}")
