"""Sums, products and other ways to combine several tensors."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import ClassVar

from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Port,
    Real,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    BATCH,
    at_dim,
    check_dim,
    check_same_dtype,
    differ,
    first_of,
    insert,
    set_to,
)
from netbuilder.layers.dims import Dim, Shape


class _Arithmetic(Layer):
    family = Family.ARITHMETIC


# -- element by element ----------------------------------------------------------------------


def broadcast(left: Shape, right: Shape) -> tuple[Shape, int | None]:
    """The common shape as PyTorch makes it, and the first dim (from the end) that doesn't fit."""
    result: list[Dim] = []
    misfit = None
    pairs = zip_longest(reversed(left), reversed(right), fillvalue=1)
    for i, (a, b) in enumerate(pairs):
        if a != 1 and b != 1 and differ(a, b) and misfit is None:
            misfit = -1 - i
        result.insert(0, b if a == 1 else a)
    return tuple(result), misfit


def check_broadcast(layer: Layer, left: TensorType, right: TensorType) -> Iterator[Complaint]:
    """Complains if two shapes don't combine, or do in a way that nobody wants."""
    shape, misfit = broadcast(left.shape, right.shape)
    if misfit is not None:
        yield Complaint(
            f"{layer.title} can't combine {left} with {right}: dim {misfit} is "
            f"{left.shape[misfit]} and {right.shape[misfit]}.",
            "Bring both to the same shape; a size of 1 fits any other.",
            "other",
        )
        return
    crossed = left.rank != right.rank and shape.count(BATCH) > 1
    if crossed and BATCH in left.shape[:1] and BATCH in right.shape[:1]:
        port, short = ("input", left) if left.rank < right.rank else ("other", right)
        yield Complaint(
            f"{layer.title} of {left} and {right} pairs every sample with every other: the "
            f"result would have {shape.count(BATCH)} batch dims.",
            "Add a dim of 1 to the smaller one, or remove one from the larger.",
            port,
            code="shape.broadcast",
            severity="warning",
            fixes=(
                insert(f"Insert a dim at {short.rank}", port, "torch.unsqueeze", dim=short.rank),
            ),
        )


class _Elementwise(_Arithmetic):
    inputs = (Port("input"), Port("other"))
    operator: ClassVar[type[ast.operator]]

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        left, right = inputs.get("input"), inputs.get("other")
        if left is not None and right is not None:
            yield from check_broadcast(self, left, right)

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return code.operation(inputs["input"], self.operator(), inputs["other"])


class Add(_Elementwise):
    """The sum input + alpha·other, number by number: for skip connections and weighted losses.

    Sizes must be equal, or 1 in one of the two.
    """

    id = "torch.add"
    title = "add"
    keywords = "sum plus residual skip connection"
    operator = ast.Add

    alpha: Real = 1.0

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        if self.alpha == 1:
            return super().forward(module, inputs)
        return code.call(self.id, *inputs.values(), alpha=code.const(self.alpha))

    def subtitle(self) -> str:
        return "" if self.alpha == 1 else f"{self.alpha:g} × other"


class Sub(_Elementwise):
    """The difference input - alpha·other, number by number.

    Sizes must be equal, or 1 in one of the two.
    """

    id = "torch.sub"
    title = "subtract"
    keywords = "difference minus"
    operator = ast.Sub

    alpha: Real = 1.0

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        if self.alpha == 1:
            return super().forward(module, inputs)
        return code.call(self.id, *inputs.values(), alpha=code.const(self.alpha))

    def subtitle(self) -> str:
        return "" if self.alpha == 1 else f"{self.alpha:g} × other"


class Mul(_Elementwise):
    """The product input · other, number by number: for gates and masks.

    Sizes must be equal, or 1 in one of the two.
    """

    id = "torch.mul"
    title = "multiply"
    keywords = "product times gate scale hadamard"
    operator = ast.Mult


# -- over dims -------------------------------------------------------------------------------


class Matmul(_Arithmetic):
    """The matrix product of the last two dims: N×A×B times N×B×C is N×A×C.

    For attention by hand, or the similarity of two sets of vectors.
    """

    id = "torch.matmul"
    title = "matmul"
    keywords = "matrix product dot bmm attention similarity"
    inputs = (Port("input"), Port("other"))

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_same_dtype(self, inputs, "input", "other"), self._fits(inputs))

    def _fits(self, inputs: Types) -> Iterator[Complaint]:
        left, right = inputs.get("input"), inputs.get("other")
        if left is None or right is None:
            return
        if not left.rank or not right.rank:
            yield Complaint(
                f"matmul needs vectors or matrices, gets {left} and {right}.",
                "Use torch.mul to multiply by a single number.",
                "other" if left.rank else "input",
                code="shape.rank",
            )
            return
        inner = -2 if right.rank > 1 else -1
        if differ(left.shape[-1], right.shape[inner]):
            turned = right.rank > 1 and left.shape[-1] == right.shape[-1]
            swap = insert("Transpose other", "other", "torch.transpose", dim0=-2, dim1=-1)
            yield Complaint(
                f"matmul can't multiply {left} by {right}: {left.shape[-1]} columns meet "
                f"{right.shape[inner]} rows.",
                "The last dim of input and the last but one of other must be equal.",
                "other",
                fixes=(swap,) if turned else (),
            )
        elif broadcast(left.shape[:-2], right.shape[:-2])[1] is not None:
            yield Complaint(
                f"matmul can't pair the matrices of {left} with those of {right}.",
                "All dims but the last two must be equal, or 1.",
                "other",
            )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return code.operation(inputs["input"], ast.MatMult(), inputs["other"])


# -- many into one ---------------------------------------------------------------------------


class _Joining(_Arithmetic):
    inputs = (Port("tensors", variadic=True),)
    starting = start_with(dim=1)

    dim: Index = 0

    def _tensors(self, inputs: Types) -> list[tuple[str, TensorType]]:
        return [(port, tensor) for port, tensor in inputs.items() if port.startswith("tensors_")]

    def _alike(self, inputs: Types, joined: int | None) -> Iterator[Complaint]:
        """Complains about the first tensor that differs in another dim than `joined`."""
        (_, first), *rest = self._tensors(inputs)
        for port, other in rest:
            if other.rank != first.rank:
                yield Complaint(
                    f"{self.title} can't join {first} and {other}: {first.rank} and {other.rank} "
                    "dims.",
                    "Bring all to the same number of dims.",
                    port,
                    code="shape.rank",
                )
                return
            pairs = zip(first.shape, other.shape, strict=True)
            odd = [(i, a, b) for i, (a, b) in enumerate(pairs) if differ(a, b)]
            wrong = [part for part in odd if joined is None or part[0] != joined % first.rank]
            if wrong:
                i, a, b = wrong[0]
                # Here sizes of which nobody is sure count as different, too.
                unequal = sum(a != b for a, b in zip(first.shape, other.shape, strict=True))
                alone = joined is not None and unequal == 1 and i > 0
                yield Complaint(
                    f"{self.title} can't join {first} and {other}: dim {i} is {a} and {b}.",
                    "All sizes must be equal"
                    + (f" but that of dim {joined}." if joined is not None else "."),
                    port,
                    fixes=(set_to("dim", i),) if alone else (),
                )
                return

    def _range(self, inputs: Types, extra: int) -> Iterator[Complaint]:
        for port, _ in self._tensors(inputs)[:1]:
            yield from check_dim(self, "dim", inputs, port, extra)

    def subtitle(self) -> str:
        return f"dim {self.dim}"


class Cat(_Joining):
    """Puts tensors behind one another along `dim`; all other sizes are equal.

    Dim 1 joins the channels of images or the features of rows, as U-Net and DenseNet do;
    dim 0 is the batch.
    """

    id = "torch.cat"
    title = "cat"
    keywords = "concatenate concat join merge skip connection"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        if not self._tensors(inputs):
            return iter(())
        return first_of(self._range(inputs, 0), self._alike(inputs, self.dim), self._batch(inputs))

    def _batch(self, inputs: Types) -> Iterator[Complaint]:
        tensors = self._tensors(inputs)
        _, first = tensors[0]
        if len(tensors) > 1 and first.rank > 1 and at_dim(first, self.dim) == BATCH:
            yield Complaint(
                f"cat along dim {self.dim} puts the batches behind one another.",
                "Set dim to 1 to join the channels or features of each sample.",
                "tensors_0",
                code="shape.batch",
                severity="warning",
                fixes=(set_to("dim", 1),),
            )


class Stack(_Joining):
    """Puts tensors of one shape side by side along a new dim, which is inserted at `dim`."""

    id = "torch.stack"
    title = "stack"
    keywords = "join new dim merge"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        if not self._tensors(inputs):
            return iter(())
        return first_of(self._range(inputs, 1), self._alike(inputs, None))
