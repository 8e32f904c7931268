"""Products of vectors and matrices."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import Field

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
)
from netbuilder.layers.checks import (
    BATCH,
    check_dim,
    check_floating,
    check_same_dtype,
    differ,
    first_of,
    insert,
)
from netbuilder.layers.operands import broadcast, check_broadcast


class _Product(Layer):
    family = Family.ARITHMETIC

    def check_dtypes(self, inputs: Types) -> Iterator[Complaint]:
        """Complains about the first two inputs of different dtypes."""
        return first_of(*(check_same_dtype(self, inputs, a, b) for a, b in pairwise(inputs)))

    def check_ranks(self, inputs: Types, rank: int, layout: str) -> Iterator[Complaint]:
        """Complains about the first input that has not so many dims."""
        for port, tensor in inputs.items():
            if tensor.rank != rank:
                yield Complaint(
                    f"{self.title} expects {layout} as {port}, gets {tensor}.",
                    "Use torch.matmul, which takes any number of dims."
                    if rank > 1
                    else "Take one dim of it, or use torch.einsum.",
                    port,
                    code="shape.rank",
                )
                return


class Matmul(_Product):
    """The matrix product of the last two dims: N×A×B times N×B×C is N×A×C.

    For attention by hand, or the similarity of two sets of vectors.
    """

    id = "torch.matmul"
    title = "matmul"
    keywords = "matrix product dot bmm attention similarity"
    inputs = (Port("input"), Port("other"))

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self.check_dtypes(inputs), self._fits(inputs))

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
            yield from check_inner(self, left, right, "other", inner)
        elif broadcast(left.shape[:-2], right.shape[:-2])[1] is not None:
            yield Complaint(
                f"matmul can't pair the matrices of {left} with those of {right}.",
                "All dims but the last two must be equal, or 1.",
                "other",
            )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return code.operation(inputs["input"], ast.MatMult(), inputs["other"])


def check_inner(
    layer: Layer, left: TensorType, right: TensorType, port: str, inner: int = -2
) -> Iterator[Complaint]:
    """Complains if the columns of one are not as many as the rows of the other."""
    if not differ(left.shape[-1], right.shape[inner]):
        return
    turned = right.rank > 1 and left.shape[-1] == right.shape[-1]
    swap = insert(f"Transpose {port}", port, "torch.transpose", dim0=-2, dim1=-1)
    yield Complaint(
        f"{layer.title} can't multiply {left} by {right}: {left.shape[-1]} columns meet "
        f"{right.shape[inner]} rows.",
        f"The last dim of input and the last but one of {port} must be equal.",
        port,
        fixes=(swap,) if turned else (),
    )


class Bmm(_Product):
    """The matrix products of two batches of matrices: N×A×B times N×B×C is N×A×C."""

    id = "torch.bmm"
    title = "bmm"
    keywords = "batch matrix product multiply attention"
    inputs = (Port("input"), Port("mat2"))

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self.check_dtypes(inputs),
            self.check_ranks(inputs, 3, "N×A×B"),
            _check_batches(self, inputs, "input", "mat2"),
        )


def _check_batches(layer: Layer, inputs: Types, one: str, two: str) -> Iterator[Complaint]:
    left, right = inputs.get(one), inputs.get(two)
    if left is None or right is None:
        return
    if differ(left.shape[0], right.shape[0]):
        yield Complaint(
            f"{layer.title} gets {left.shape[0]} and {right.shape[0]} matrices.",
            "Both need as many; torch.matmul repeats a single one.",
            two,
        )
    else:
        yield from check_inner(layer, left, right, two)


class Baddbmm(_Product):
    """beta·input + alpha·(batch1 · batch2): products of batches of matrices, and a sum."""

    id = "torch.baddbmm"
    title = "baddbmm"
    keywords = "batch matrix product add bias attention"
    inputs = (Port("input"), Port("batch1"), Port("batch2"))

    beta: Real = 1.0
    alpha: Real = 1.0

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        matrices = {port: inputs[port] for port in ("batch1", "batch2") if port in inputs}
        return first_of(
            self.check_dtypes(inputs),
            self.check_ranks(matrices, 3, "N×A×B"),
            _check_batches(self, inputs, "batch1", "batch2"),
            self._added(inputs),
        )

    def _added(self, inputs: Types) -> Iterator[Complaint]:
        if len(inputs) < 3:
            return
        one, two = inputs["batch1"], inputs["batch2"]
        product = TensorType((*one.shape[:2], two.shape[2]), one.dtype)
        yield from check_broadcast(self, {"product": product, "input": inputs["input"]})


class Outer(_Product):
    """The products of each number of one vector with each of another: A and B give A×B."""

    id = "torch.outer"
    title = "outer"
    keywords = "outer product vectors table frequencies"
    inputs = (Port("input"), Port("vec2"))

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self.check_ranks(inputs, 1, "a vector"), self._batches(inputs))

    def _batches(self, inputs: Types) -> Iterator[Complaint]:
        if [tensor.shape for tensor in inputs.values()] == [(BATCH,), (BATCH,)]:
            yield Complaint(
                "outer pairs every sample of the batch with every other: N×N.",
                "Multiply by torch.mul for one number a sample.",
                "vec2",
                code="shape.batch",
                severity="warning",
            )


class Dot(_Product):
    """The sum of the products of two vectors, number by number: one number."""

    id = "torch.dot"
    title = "dot"
    keywords = "inner product scalar vectors"
    inputs = (Port("input"), Port("tensor"))

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self.check_dtypes(inputs),
            self.check_ranks(inputs, 1, "a vector"),
            self._lengths(inputs),
        )

    def _lengths(self, inputs: Types) -> Iterator[Complaint]:
        left, right = inputs.get("input"), inputs.get("tensor")
        if left is not None and right is not None and differ(left.shape[0], right.shape[0]):
            yield Complaint(
                f"dot gets vectors of {left.shape[0]} and {right.shape[0]} numbers.",
                "Both must be of the same length.",
                "tensor",
            )


class Cross(_Product):
    """The cross product of vectors of three numbers, which stand along `dim`."""

    id = "torch.linalg.cross"
    title = "cross"
    keywords = "vector product normal perpendicular geometry"
    inputs = (Port("input"), Port("other"))

    dim: Index = -1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self.check_dtypes(inputs),
            self._ranks(inputs),
            check_dim(self, "dim", inputs),
            self._three(inputs),
            check_broadcast(self, inputs),
        )

    def _ranks(self, inputs: Types) -> Iterator[Complaint]:
        if len({tensor.rank for tensor in inputs.values()}) > 1:
            shown = " and ".join(map(str, inputs.values()))
            yield Complaint(
                f"cross gets {shown}: both need as many dims.",
                "Add dims of 1 to the smaller one.",
                "other",
                code="shape.rank",
            )

    def _three(self, inputs: Types) -> Iterator[Complaint]:
        for port, tensor in inputs.items():
            if tensor.shape[self.dim] != 3:
                yield Complaint(
                    f"cross needs vectors of 3 numbers, dim {self.dim} of {tensor} has "
                    f"{tensor.shape[self.dim]}.",
                    "Choose the dim of size 3.",
                    port,
                )
                return


class Cdist(_Product):
    """The distances of each row of one to each row of the other: N×A×C and N×B×C give N×A×B.

    `p` is the norm: 2 the usual distance, 1 the sum of differences.
    """

    id = "torch.cdist"
    title = "cdist"
    keywords = "pairwise distance euclidean nearest codebook prototypes"
    inputs = (Port("x1"), Port("x2"))

    p: Annotated[Real, Field(ge=0.0)] = 2.0

    def onnx_refusal(self) -> str:
        return "PyTorch's export to ONNX has no cdist of all sizes."

    def saves_output(self) -> bool:
        return True

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            *(check_floating(self, inputs, port) for port in inputs),
            self.check_dtypes(inputs),
            self._fits(inputs),
        )

    def _fits(self, inputs: Types) -> Iterator[Complaint]:
        one, two = inputs.get("x1"), inputs.get("x2")
        if one is None or two is None:
            return
        for port, tensor in inputs.items():
            if tensor.rank < 2:
                yield Complaint(
                    f"cdist expects rows ...×A×C as {port}, gets {tensor}.",
                    "Add a dim of 1 for the rows.",
                    port,
                    code="shape.rank",
                )
                return
        if differ(one.shape[-1], two.shape[-1]):
            yield Complaint(
                f"cdist gets rows of {one.shape[-1]} and of {two.shape[-1]} numbers.",
                "The last dims must be equal.",
                "x2",
            )
        elif broadcast(one.shape[:-2], two.shape[:-2])[1] is not None:
            yield Complaint(
                f"cdist can't pair {one} with {two}.",
                "All dims but the last two must be equal, or 1.",
                "x2",
            )

    def subtitle(self) -> str:
        return "" if self.p == 2 else f"p {self.p:g}"
