"""One number from many: sums, means and the like."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.base import Complaint, Family, Index, Layer, Types, start_with
from netbuilder.layers.checks import check_dim, check_floating, first_of, set_to


class _Reduction(Layer):
    family = Family.REDUCTION

    dim: Index | tuple[Index, ...] | None = None
    keepdim: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._repeated(inputs), check_dim(self, "dim", inputs))

    def _repeated(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if self.dim is None and self.keepdim:
            yield Complaint(
                "keepdim needs dim to be set.",
                "Set dim, or turn keepdim off.",
                code="parameter.invalid",
                fixes=(set_to("keepdim", False),),
            )
        if tensor is None or not isinstance(self.dim, tuple) or not tensor.rank:
            return
        if len({dim % tensor.rank for dim in self.dim}) < len(self.dim):
            yield Complaint(
                f"{self.title} names a dim of {tensor} twice.",
                "Name each dim once.",
                "input",
                code="parameter.invalid",
            )

    def subtitle(self) -> str:
        if self.dim is None:
            return "of all"
        listed = self.dim if isinstance(self.dim, tuple) else (self.dim,)
        return f"dim {', '.join(map(str, listed))}"


class Mean(_Reduction):
    """The mean along `dim` (one or several), or of all numbers if left empty.

    `keepdim` leaves a size of 1 where the dim was.
    """

    id = "torch.mean"
    title = "mean"
    keywords = "average reduce global pooling"
    starting = start_with(dim=1)

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_floating(self, inputs, "input"), super().complaints(inputs))


class Sum(_Reduction):
    """The sum along `dim` (one or several), or of all numbers if left empty.

    `keepdim` leaves a size of 1 where the dim was.
    """

    id = "torch.sum"
    title = "sum"
    keywords = "add up total reduce"
    starting = start_with(dim=1)
