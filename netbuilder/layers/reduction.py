"""One number from many: sums, means and the like, and sums up to each place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from netbuilder.layers.base import Complaint, Family, Index, Layer, Real, Types, start_with
from netbuilder.layers.checks import (
    check_dim,
    check_floating,
    check_over_batch,
    check_real,
    first_of,
    set_to,
)

OneDim = Index | None
Dims = Index | tuple[Index, ...] | None


class Reducing(Layer):
    """Layers that take a dim away: `dim` is declared by the subclass, empty for all."""

    family = Family.REDUCTION

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self.check_types(inputs), self._repeated(inputs), check_dim(self, "dim", inputs)
        )

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        """What the layer has against the dtype of its input."""
        return iter(())

    def _repeated(self, inputs: Types) -> Iterator[Complaint]:
        tensor, dim = inputs.get("input"), getattr(self, "dim", None)
        if dim is None and getattr(self, "keepdim", False):
            yield Complaint(
                "keepdim needs dim to be set.",
                "Set dim, or turn keepdim off.",
                code="parameter.invalid",
                fixes=(set_to("keepdim", False),),
            )
        if tensor is None or not isinstance(dim, tuple) or not tensor.rank:
            return
        if len({one % tensor.rank for one in dim}) < len(dim):
            yield Complaint(
                f"{self.title} names a dim of {tensor} twice.",
                "Name each dim once.",
                "input",
                code="parameter.invalid",
            )

    def subtitle(self) -> str:
        dim = getattr(self, "dim", None)
        if dim is None or dim == ():
            return "of all"
        listed = dim if isinstance(dim, tuple) else (dim,)
        shown = f"dim {', '.join(map(str, listed))}"
        return shown if len(shown) < 30 else f"{len(listed)} dims"


class Mean(Reducing):
    """The mean along `dim` (one or several), or of all numbers if left empty.

    `keepdim` leaves a size of 1 where the dim was.
    """

    id = "torch.mean"
    title = "mean"
    keywords = "average reduce global pooling"
    starting = start_with(dim=1)

    dim: Dims = None
    keepdim: bool = False

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        known = tensor is not None and tensor.dtype.startswith("complex")
        return iter(()) if known else check_floating(self, inputs, "input")


class Sum(Reducing):
    """The sum along `dim` (one or several), or of all numbers if left empty.

    `keepdim` leaves a size of 1 where the dim was. Of a mask it counts what is true.
    """

    id = "torch.sum"
    title = "sum"
    keywords = "add up total reduce count"
    starting = start_with(dim=1)
    is_view = True

    dim: Dims = None
    keepdim: bool = False


class Prod(Reducing):
    """The product along `dim`, or of all numbers if left empty.

    `keepdim` leaves a size of 1 where the dim was.
    """

    id = "torch.prod"
    title = "product"
    keywords = "multiply reduce"
    starting = start_with(dim=1)

    dim: OneDim = None
    keepdim: bool = False

    def saves_output(self) -> bool:
        return True


class _Spread(Reducing):
    """Both are nan where only one number is left with `correction` 1."""

    dim: Dims = None
    correction: Annotated[Real, Field(ge=0.0)] = 1
    keepdim: bool = False

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "input")

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(super().complaints(inputs), self._single(inputs))

    def _single(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        size = tensor.shape[self.dim] if tensor is not None and isinstance(self.dim, int) else None
        if isinstance(size, int) and size <= self.correction:
            shown = "one number" if size == 1 else f"{size} numbers"
            yield Complaint(
                f"{self.title} of {shown} is nan with correction {self.correction:g}: dim "
                f"{self.dim} of {tensor} is too small.",
                "Choose another dim, or set correction to 0.",
                "input",
                severity="warning",
                fixes=(set_to("correction", 0.0),),
            )


class Std(_Spread):
    """The standard deviation along `dim` (one or several), or of all numbers if left empty.

    `correction` 1 divides by one less than the count, 0 by the count.
    """

    id = "torch.std"
    title = "std"
    keywords = "standard deviation spread normalize"
    starting = start_with(dim=1)

    def saves_output(self) -> bool:
        return True


class Var(_Spread):
    """The variance along `dim` (one or several), or of all numbers if left empty.

    `correction` 1 divides by one less than the count, 0 by the count.
    """

    id = "torch.var"
    title = "variance"
    keywords = "spread square deviation normalize"
    starting = start_with(dim=1)


class LogSumExp(Reducing):
    """The logarithm of the sum of eˣ along `dim`: a smooth maximum that does not overflow."""

    id = "torch.logsumexp"
    title = "logsumexp"
    keywords = "smooth maximum energy log partition"
    positional = ("dim",)
    starting = start_with(dim=-1)

    dim: Index | tuple[Index, ...]
    keepdim: bool = False

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "input")

    def saves_output(self) -> bool:
        return True


class VectorNorm(Reducing):
    """The length of the vectors along `dim` (one or several), or of all numbers if left empty.

    `ord` is the kind of norm: 2 the usual length, 1 the sum of absolute values, 0 the number
    of values that are not zero.
    """

    id = "torch.linalg.vector_norm"
    title = "norm"
    keywords = "vector length magnitude l2 l1 euclidean capsule"
    starting = start_with(dim=-1)

    ord: Real = 2
    dim: Dims = None
    keepdim: bool = False

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "input")

    def saves_output(self) -> bool:
        return True


class CountNonzero(Reducing):
    """How many numbers along `dim` (one or several) are not zero, or of all if left empty."""

    id = "torch.count_nonzero"
    title = "count nonzero"
    keywords = "count true mask length"
    starting = start_with(dim=1)

    dim: Dims = None


class Any(Reducing):
    """Whether any along `dim` (one or several) is true, or not zero; of all if left empty."""

    id = "torch.any"
    title = "any"
    keywords = "or true some mask"
    starting = start_with(dim=1)

    dim: Dims = None
    keepdim: bool = False


class All(Reducing):
    """Whether all along `dim` (one or several) are true, or not zero; of all if left empty."""

    id = "torch.all"
    title = "all"
    keywords = "and true every mask"
    starting = start_with(dim=1)

    dim: Dims = None
    keepdim: bool = False


# -- up to each place ------------------------------------------------------------------------


class _Cumulative(Layer):
    family = Family.REDUCTION
    positional = ("dim",)
    starting = start_with(dim=1)

    dim: Index

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self.check_types(inputs),
            check_dim(self, "dim", inputs),
            check_over_batch(self, inputs, "dim", "runs from sample to sample"),
        )

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        """What the layer has against the dtype of its input."""
        return iter(())

    def subtitle(self) -> str:
        return f"dim {self.dim}"


class CumSum(_Cumulative):
    """The sum of all numbers up to each place along `dim`. Of a mask: positions from 1."""

    id = "torch.cumsum"
    title = "cumsum"
    keywords = "cumulative running sum prefix scan position"


class CumProd(_Cumulative):
    """The product of all numbers up to each place along `dim`."""

    id = "torch.cumprod"
    title = "cumprod"
    keywords = "cumulative running product transmittance"

    def onnx_refusal(self) -> str:
        return "ONNX has no running product."

    def saves_output(self) -> bool:
        return True


class LogCumSumExp(_Cumulative):
    """The logarithm of the sum of eˣ up to each place along `dim`."""

    id = "torch.logcumsumexp"
    title = "logcumsumexp"
    keywords = "cumulative running log sum exponential"

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_real(self, inputs, "input"), check_floating(self, inputs, "input"))

    def saves_output(self) -> bool:
        return True
