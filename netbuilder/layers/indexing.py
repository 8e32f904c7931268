"""Parts of a tensor, chosen by number."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    at_dim,
    check_dim,
    first_of,
    set_to,
)


class _Part(Layer):
    family = Family.INDEXING
    is_view = True
    keeps_values = ("input",)


class Select(_Part):
    """One slice along a dim, which goes away: dim 1, index -1 of N×T×C is the last step, N×C."""

    id = "torch.select"
    title = "select"
    keywords = "index slice last step take element"
    starting = start_with(dim=1, index=-1)

    dim: Index
    index: Index

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_dim(self, "dim", inputs), self._inside(inputs))

    def _inside(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        size = None if tensor is None else at_dim(tensor, self.dim)
        if isinstance(size, int) and not -size <= self.index < size:
            yield Complaint(
                f"Dim {self.dim} of {tensor} has no index {self.index}.",
                f"Choose an index from 0 to {size - 1}, or -1 for the last.",
                "input",
                code="index.range",
                fixes=(set_to("index", -1),),
            )

    def subtitle(self) -> str:
        return f"dim {self.dim}, index {self.index}"


class Narrow(_Part):
    """A stretch along a dim: `length` elements from `start` on."""

    id = "torch.narrow"
    title = "narrow"
    keywords = "slice crop range part"
    starting = start_with(dim=1, start=0, length=1)

    dim: Index
    start: Index
    length: Size

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_dim(self, "dim", inputs), self._inside(inputs))

    def _inside(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        size = None if tensor is None else at_dim(tensor, self.dim)
        if not isinstance(size, int):
            return
        start = self.start + size if self.start < 0 else self.start
        if not 0 <= start <= size - self.length:
            yield Complaint(
                f"Dim {self.dim} of {tensor} has no {self.length} elements from {self.start} on.",
                f"It has {size}: make start or length smaller.",
                "input",
                code="index.range",
            )

    def subtitle(self) -> str:
        return f"dim {self.dim}, {self.length} from {self.start}"


class Unfold(_Part):
    """Windows along a dim: `size` elements every `step`, as a new last dim.

    N×T with size 4 and step 2 becomes N×windows×4: the frames of a signal.
    """

    id = "torch.Tensor.unfold"
    title = "unfold dim"
    keywords = "sliding windows frames patches stride"
    starting = start_with(dimension=1, size=2, step=2)
    positional = ("dimension", "size", "step")

    dimension: Index
    size: Size
    step: Size

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_dim(self, "dimension", inputs), self._inside(inputs))

    def _inside(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        size = None if tensor is None else at_dim(tensor, self.dimension)
        if isinstance(size, int) and self.size > size:
            yield Complaint(
                f"Windows of {self.size} are larger than dim {self.dimension} of {tensor}.",
                f"Set size to {size} or less.",
                "input",
                fixes=(set_to("size", size),),
            )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        given = self.arguments()
        parts = [code.const(given[name]) for name in self.positional]
        return code.method(inputs["input"], "unfold", *parts)

    def subtitle(self) -> str:
        return f"{self.size} every {self.step}"
