"""Masks and triangles: where numbers count, and where not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Inferred,
    Layer,
    Port,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    cast,
    check_bool,
    check_dim,
    check_index,
    first_of,
    leave_out,
)
from netbuilder.layers.operands import Scalar, broadcast, check_broadcast


class _Masking(Layer):
    family = Family.INDEXING


class MaskedFill(_Masking):
    """The input, with `value` wherever the mask is true: -inf keeps attention from there.

    The mask has the sizes of the input, or 1.
    """

    id = "torch.masked_fill"
    title = "masked fill"
    keywords = "mask attention padding causal replace"
    inputs = (Port("input"), Port("mask", "True where the value goes."))
    positional = ("value",)
    starting = start_with(value=0.0)

    value: Literal["-inf", "inf"] | Scalar

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_bool(self, inputs, "mask"),
            self._fraction(inputs),
            check_broadcast(self, inputs),
            self._smaller(inputs),
        )

    def _fraction(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and not tensor.floating and not isinstance(self.value, int):
            yield Complaint(
                f"masked fill can't put {self.value} into {tensor.dtype}.",
                "Choose a whole number, or convert the input to float32.",
                "input",
                code="dtype.integer",
                fixes=(cast("input", "float32"),),
            )

    def _smaller(self, inputs: Types) -> Iterator[Complaint]:
        tensor, mask = inputs.get("input"), inputs.get("mask")
        if tensor is None or mask is None:
            return
        if broadcast(tensor.shape, mask.shape)[0] != tensor.shape:
            yield Complaint(
                f"The mask {mask} is larger than the input {tensor}.",
                "Expand the input, or make the mask smaller.",
                "mask",
            )

    def arguments(self) -> dict[str, Json]:
        found = super().arguments()
        if isinstance(self.value, str):
            found["value"] = float(self.value)
        return found

    def bound(self, port: str, inputs: Types) -> int | None:
        high = inputs["input"].high if "input" in inputs else None
        whole = isinstance(self.value, int) and self.value >= 0
        return max(high, int(self.value) + 1) if high is not None and whole else None

    def subtitle(self) -> str:
        return self.value if isinstance(self.value, str) else f"{self.value:g}"


class _Triangle(_Masking):
    keeps_values = ("input",)

    diagonal: Index = 0

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and tensor.rank < 2:
            yield Complaint(
                f"{self.title} needs matrices, gets {tensor}.",
                "Connect something with at least two dims.",
                "input",
                code="shape.rank",
            )

    def subtitle(self) -> str:
        return f"diagonal {self.diagonal}" if self.diagonal else ""


class Tril(_Triangle):
    """The lower triangle of the last two dims, zero above it: what a causal mask lets pass.

    `diagonal` moves the edge: 1 keeps one more diagonal, -1 one less.
    """

    id = "torch.tril"
    title = "tril"
    keywords = "lower triangle causal mask"


class Triu(_Triangle):
    """The upper triangle of the last two dims, zero below it.

    `diagonal` moves the edge: 1 keeps one diagonal less, -1 one more.
    """

    id = "torch.triu"
    title = "triu"
    keywords = "upper triangle causal mask"


class Diagonal(_Masking):
    """The diagonal of dims `dim1` and `dim2`, as a new last dim.

    `offset` chooses another diagonal: above the main one if positive.
    """

    id = "torch.diagonal"
    title = "diagonal"
    keywords = "trace matrix main"
    is_view = True
    keeps_values = ("input",)
    starting = start_with(dim1=-2, dim2=-1)

    offset: Index = 0
    dim1: Index = 0
    dim2: Index = 1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_dim(self, "dim1", inputs),
            check_dim(self, "dim2", inputs),
            _different(self, inputs, self.dim1, self.dim2, 0),
        )

    def subtitle(self) -> str:
        return f"dims {self.dim1} and {self.dim2}"


class DiagEmbed(_Masking):
    """Matrices with the last dim of the input on their diagonal, and zeros elsewhere.

    `offset` chooses another diagonal, `dim1` and `dim2` where the matrices' dims go.
    """

    id = "torch.diag_embed"
    title = "diag embed"
    keywords = "diagonal matrix scale"
    keeps_values = ("input",)

    offset: Index = 0
    dim1: Index = -2
    dim2: Index = -1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and not tensor.rank:
            yield Complaint(
                "diag embed needs at least one dim, gets a single number.",
                "Connect a vector.",
                "input",
                code="shape.rank",
            )
            return
        yield from first_of(
            check_dim(self, "dim1", inputs, extra=1),
            check_dim(self, "dim2", inputs, extra=1),
            _different(self, inputs, self.dim1, self.dim2, 1),
        )


def _different(layer: Layer, inputs: Types, one: int, two: int, extra: int) -> Iterator[Complaint]:
    tensor = inputs.get("input")
    if tensor is not None and (one - two) % (tensor.rank + extra) == 0:
        yield bad_parameter(
            f"{layer.title} needs two dims, dim1 {one} and dim2 {two} are the same.",
            "Choose another for one of them.",
        )


class OneHot(_Masking):
    """Ids as vectors of zeros with a 1 at the id: N becomes N×classes, int64.

    `num_classes` is taken from the input if that says how many ids there are. For a Linear
    convert the result to float32.
    """

    id = "torch.nn.functional.one_hot"
    title = "one hot"
    keywords = "onehot categorical indicator classes dummy"
    starting = start_with(num_classes=10)
    summary_fields = ("num_classes",)

    num_classes: Inferred = None

    def infer(self, inputs: Types) -> dict[str, Json]:
        tensor = inputs.get("input")
        return {} if tensor is None or tensor.high is None else {"num_classes": tensor.high}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_index(self, inputs, "input"), self._range(inputs))

    def _range(self, inputs: Types) -> Iterator[Complaint]:
        tensor, count = inputs.get("input"), self.num_classes
        if tensor is None or tensor.high is None or count is None or tensor.high <= count:
            return
        yield Complaint(
            f"{tensor.high} ids come in, num_classes is {count}.",
            "Leave num_classes empty to take it from the input.",
            "input",
            code="index.range",
            fixes=(leave_out("num_classes"),),
        )

    def bound(self, port: str, inputs: Types) -> int | None:
        return 2
