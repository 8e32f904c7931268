"""One tensor into many: each part has an output of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from netbuilder.graph.model import Json
from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Index,
    Layer,
    Port,
    Ports,
    Size,
    Targets,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import at_dim, check_dim, check_over_batch, first_of, set_to
from netbuilder.layers.dims import Dim

MOST = 256
Parts = Annotated[int, Field(ge=1, le=MOST)]
"""How many parts come out, each at a port of its own."""


class _Parting(Layer):
    """Layers with an output port for each part."""

    family = Family.INDEXING
    is_view = True
    keeps_values = ("input",)
    outputs = (Port("output_0"), Port("output_1"))

    @property
    def along(self) -> int:
        """The parameter `dim`, which stands last in most of them."""
        return int(getattr(self, "dim", 0))

    def parts(self) -> int:
        """The number of ports."""
        raise NotImplementedError

    def ports(self) -> Ports:
        return Ports(self.inputs, tuple(Port(f"output_{i}") for i in range(self.parts())))

    def targets(self) -> Targets:
        return tuple(f"output_{i}" for i in range(self.parts()))

    def saves_output(self) -> bool:
        # PyTorch lets nobody overwrite one of several views.
        return True

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        size = None if tensor is None else at_dim(tensor, self.along)
        return first_of(
            check_dim(self, "dim", inputs),
            () if tensor is None or size is None else self._fits(tensor, size),
            check_over_batch(self, inputs, "dim", "takes the batch apart"),
        )

    def _fits(self, tensor: TensorType, size: Dim) -> Iterator[Complaint]:
        """Complains if a dim of this size does not give as many parts as there are ports."""
        raise NotImplementedError

    def _varies(self, tensor: TensorType) -> Complaint:
        return Complaint(
            f"{self.title} needs a fixed size, dim {self.along} of {tensor} varies: so would the "
            "number of parts.",
            "Choose a dim of fixed size.",
            "input",
            code="shape.varies",
        )

    def _count(self, tensor: TensorType, size: int, count: int, parameter: str) -> Complaint:
        fits = 1 <= count <= 256
        return Complaint(
            f"{self.title} makes {count} parts of dim {self.along} of {tensor}, "
            f"not {self.parts()}.",
            f"Set {parameter} to {count}." if fits else "Choose another dim.",
            "input",
            fixes=(set_to(parameter, count),) if fits else (),
        )


class Split(_Parting):
    """Cuts a tensor along `dim` into parts of given sizes, each at its own output.

    `split_size_or_sections`: the sizes one by one, which add up to that of the dim, or one
    size for all parts (the last may be smaller), whose number is `count`.
    """

    id = "torch.split"
    title = "split"
    keywords = "cut divide part sections chunk heads branches"
    starting = start_with(split_size_or_sections=(1, 1), dim=1)
    positional = ("split_size_or_sections",)

    split_size_or_sections: (
        Size | Annotated[tuple[Count, ...], Field(min_length=1, max_length=MOST)]
    )
    dim: Index = 0
    count: Parts = 2

    def parts(self) -> int:
        sizes = self.split_size_or_sections
        return len(sizes) if isinstance(sizes, tuple) else self.count

    def _fits(self, tensor: TensorType, size: Dim) -> Iterator[Complaint]:
        sizes = self.split_size_or_sections
        if not isinstance(size, int):
            yield self._varies(tensor)
        elif isinstance(sizes, int):
            count = -(-size // sizes)
            if count != self.count:
                yield self._count(tensor, size, count, "count")
        elif sum(sizes) != size:
            first = sizes[:-1]
            left = size - sum(first)
            yield Complaint(
                f"split has parts of {sum(sizes)} in sum, dim {self.dim} of {tensor} has {size}.",
                "The sizes must add up to that of the dim.",
                "input",
                fixes=(set_to("split_size_or_sections", (*first, left)),) if left > 0 else (),
            )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        named = self.arguments()
        named.pop("count", None)
        sizes = code.const(named.pop("split_size_or_sections"))
        return code.call(self.id, inputs["input"], sizes, **_written(named))

    def subtitle(self) -> str:
        sizes = self.split_size_or_sections
        shown = ", ".join(map(str, sizes)) if isinstance(sizes, tuple) else f"{sizes} each"
        return _short(shown, f"{self.parts()} parts")


class Chunk(_Parting):
    """Cuts a tensor along `dim` into `chunks` parts of the same size, each at its own output.

    The last may be smaller. For queries, keys and values of one Linear, and for gates.
    """

    id = "torch.chunk"
    title = "chunk"
    keywords = "cut divide split part equal gate qkv"
    positional = ("chunks",)
    starting = start_with(chunks=2, dim=1)

    chunks: Parts
    dim: Index = 0

    def parts(self) -> int:
        return self.chunks

    def _fits(self, tensor: TensorType, size: Dim) -> Iterator[Complaint]:
        if not isinstance(size, int):
            yield self._varies(tensor)
            return
        count = -(-size // max(1, -(-size // self.chunks)))
        if count != self.chunks:
            yield self._count(tensor, size, count, "chunks")

    def subtitle(self) -> str:
        return f"{self.chunks} parts"


class TensorSplit(_Parting):
    """Cuts a tensor along `dim` into parts as even as can be, or at given indices.

    `indices_or_sections`: a number of parts, or the indices where parts begin (the first
    begins at 0).
    """

    id = "torch.tensor_split"
    title = "tensor_split"
    keywords = "cut divide part even uneven indices"
    positional = ("indices_or_sections",)
    starting = start_with(indices_or_sections=2, dim=1)

    indices_or_sections: Parts | Annotated[tuple[Index, ...], Field(max_length=MOST - 1)]
    dim: Index = 0

    def parts(self) -> int:
        cuts = self.indices_or_sections
        return len(cuts) + 1 if isinstance(cuts, tuple) else cuts

    def _fits(self, tensor: TensorType, size: Dim) -> Iterator[Complaint]:
        cuts = self.indices_or_sections
        if not isinstance(size, int):
            if isinstance(cuts, tuple):
                yield self._varies(tensor)
            return
        if isinstance(cuts, int):
            if cuts > size:
                yield self._count(tensor, size, size, "indices_or_sections")
            return
        places = [0, *(cut + size if cut < 0 else cut for cut in cuts), size]
        if any(end <= start for start, end in pairwise(places)):
            shown = ", ".join(map(str, cuts))
            yield Complaint(
                f"tensor_split at {shown} leaves an empty part of dim {self.dim} of {tensor}.",
                f"Give rising indices between 1 and {size - 1}.",
                "input",
                code="index.range",
            )

    def subtitle(self) -> str:
        cuts = self.indices_or_sections
        if isinstance(cuts, int):
            return f"{cuts} parts"
        return _short(f"at {', '.join(map(str, cuts))}", f"{len(cuts) + 1} parts")


class Unbind(_Parting):
    """The slices of a tensor along `dim`, which goes away: each at its own output.

    `count` is the size of the dim, and the number of outputs.
    """

    id = "torch.unbind"
    title = "unbind"
    keywords = "unstack slices split take apart qkv"
    starting = start_with(dim=1, count=2)

    dim: Index = 0
    count: Parts = 2

    def parts(self) -> int:
        return self.count

    def _fits(self, tensor: TensorType, size: Dim) -> Iterator[Complaint]:
        if not isinstance(size, int):
            yield self._varies(tensor)
        elif size != self.count:
            yield self._count(tensor, size, size, "count")

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        named = self.arguments()
        named.pop("count", None)
        return code.call(self.id, inputs["input"], **_written(named))

    def subtitle(self) -> str:
        return f"{self.count} parts"


def _written(named: Mapping[str, Json]) -> dict[str, ast.expr]:
    return {name: code.const(value) for name, value in named.items()}


def _short(text: str, otherwise: str) -> str:
    return text if len(text) < 24 else otherwise
