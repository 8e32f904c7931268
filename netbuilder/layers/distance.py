"""How far apart two sets of vectors are."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.base import Complaint, Family, Index, Layer, Port, Positive, Real, Types
from netbuilder.layers.checks import check_dim, check_weights, differ, first_of
from netbuilder.layers.dims import Dim


class _Pair(Layer):
    family = Family.ARITHMETIC
    inputs = (Port("x1"), Port("x2"))

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_weights(self, inputs, "x1", "x2"), self._sizes(inputs), self._more(inputs)
        )

    def _more(self, inputs: Types) -> Iterator[Complaint]:
        return iter(())

    def _sizes(self, inputs: Types) -> Iterator[Complaint]:
        one, two = inputs.get("x1"), inputs.get("x2")
        if one is None or two is None:
            return
        if one.rank != two.rank or any(map(_apart, one.shape, two.shape)):
            yield Complaint(
                f"{self.title} gets {one} and {two}: they must have the same shape.",
                "Bring both to the same shape; a size of 1 is repeated.",
                "x2",
            )


def _apart(left: Dim, right: Dim) -> bool:
    return differ(left, right) and 1 not in (left, right)


class CosineSimilarity(_Pair):
    """The cosine of the angle between two vectors: 1 for the same direction, -1 for opposite.

    `dim` is where the numbers of a vector stand; it is gone from the result. `eps` keeps
    vectors of no length from dividing by zero.
    """

    id = "torch.nn.CosineSimilarity"
    title = "CosineSimilarity"
    keywords = "angle embedding retrieval siamese contrastive"
    summary_fields = ("dim",)

    dim: Index = 1
    eps: Positive = 1e-08

    def _more(self, inputs: Types) -> Iterator[Complaint]:
        return check_dim(self, "dim", inputs, "x1")


class PairwiseDistance(_Pair):
    """The distance between two vectors, those of the last dim; `p` says which norm.

    `p` 2 is the length of the difference, 1 the sum of its absolute values. `keepdim`
    leaves a last dim of size 1.
    """

    id = "torch.nn.PairwiseDistance"
    title = "PairwiseDistance"
    keywords = "euclidean manhattan norm l2 metric embedding siamese"
    summary_fields = ("p",)

    p: Real = 2.0
    eps: Positive = 1e-06
    keepdim: bool = False

    def saves_output(self) -> bool:
        return True

    def _more(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("x1")
        if tensor is not None and tensor.rank == 0:
            yield Complaint(
                "PairwiseDistance expects vectors N×features, gets a single number.",
                "Connect something with at least one dim.",
                "x1",
                code="shape.rank",
            )
