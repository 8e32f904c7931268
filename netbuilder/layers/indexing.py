"""Parts of a tensor, chosen by number or by mask."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.base import Complaint, Family, Index, Layer, Size, Types, start_with
from netbuilder.layers.checks import at_dim, check_dim, first_of, set_to


class _Indexing(Layer):
    family = Family.INDEXING
    is_view = True


class Select(_Indexing):
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


class Narrow(_Indexing):
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
