"""The largest and the smallest along a dim, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.base import Complaint, Index, Port, Ports, Targets, Types, start_with
from netbuilder.layers.checks import check_numbers, check_real, first_of
from netbuilder.layers.dims import product
from netbuilder.layers.reduction import OneDim, Reducing


class _Ordered(Reducing):
    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_real(self, inputs, "input")


def places(inputs: Types, dim: int | None) -> int | None:
    """How many places there are along a dim, or in all: the bound of indices into it."""
    tensor = inputs.get("input")
    if tensor is None:
        return None
    if dim is None:
        size = product(tensor.shape)
    else:
        size = tensor.shape[dim] if -tensor.rank <= dim < tensor.rank else 1
    return size if isinstance(size, int) else None


class _Extreme(_Ordered):
    """The values, and with a `dim` where they stand."""

    keeps_values = ("input",)
    outputs = (Port("values"), Port("indices", "Where along the dim they stand (int64)."))
    starting = start_with(dim=1)

    dim: OneDim = None
    keepdim: bool = False

    def ports(self) -> Ports:
        return Ports(self.inputs, self.outputs[:1] if self.dim is None else self.outputs)

    def targets(self) -> Targets:
        return "values" if self.dim is None else ("values", "indices")

    def saves_output(self) -> bool:
        # Of all numbers, equal ones share the gradient.
        return self.dim is None

    def bound(self, port: str, inputs: Types) -> int | None:
        return places(inputs, self.dim) if port == "indices" else super().bound(port, inputs)


class Max(_Extreme):
    """The largest number along `dim` and its index, or the largest of all if left empty.

    The gradient goes to the one place. For a fixed lower limit use clamp, for the larger of
    two tensors maximum, and amax for several dims.
    """

    id = "torch.max"
    title = "max"
    keywords = "maximum largest pooling over time"


class Min(_Extreme):
    """The smallest number along `dim` and its index, or the smallest of all if left empty.

    The gradient goes to the one place. For a fixed upper limit use clamp, for the smaller of
    two tensors minimum, and amin for several dims.
    """

    id = "torch.min"
    title = "min"
    keywords = "minimum smallest nearest"


class Median(_Extreme):
    """The middle number along `dim` and its index, or of all if left empty.

    Of an even count it is the lower one of the two in the middle.
    """

    id = "torch.median"
    title = "median"
    keywords = "middle robust quantile"

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(super().check_types(inputs), check_numbers(self, inputs, "input"))

    def onnx_refusal(self) -> str:
        return "ONNX has no median."


class _Several(_Ordered):
    keeps_values = ("input",)
    starting = start_with(dim=1)

    dim: Index | tuple[Index, ...] = ()
    keepdim: bool = False

    def saves_output(self) -> bool:
        return True

    def onnx_refusal(self) -> str:
        return "" if self.dim != () else "PyTorch's export needs a dim: name them all."


class Amax(_Several):
    """The largest number along `dim` (one or several), or of all if left empty.

    Where several are equal, they share the gradient.
    """

    id = "torch.amax"
    title = "amax"
    keywords = "maximum largest global max pooling"


class Amin(_Several):
    """The smallest number along `dim` (one or several), or of all if left empty.

    Where several are equal, they share the gradient.
    """

    id = "torch.amin"
    title = "amin"
    keywords = "minimum smallest"


class _Where(_Ordered):
    starting = start_with(dim=-1)

    dim: OneDim = None
    keepdim: bool = False

    def bound(self, port: str, inputs: Types) -> int | None:
        return places(inputs, self.dim)

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(super().check_types(inputs), check_numbers(self, inputs, "input"))


class Argmax(_Where):
    """The index of the largest number along `dim`, or in all if left empty: the chosen class.

    Indices are int64 and carry no gradient.
    """

    id = "torch.argmax"
    title = "argmax"
    keywords = "index largest class prediction decode"


class Argmin(_Where):
    """The index of the smallest number along `dim`, or in all if left empty: the nearest.

    Indices are int64 and carry no gradient.
    """

    id = "torch.argmin"
    title = "argmin"
    keywords = "index smallest nearest codebook quantize"
