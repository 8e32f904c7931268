"""Directions of vectors."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Port,
    Positive,
    Real,
    Types,
)
from netbuilder.layers.checks import (
    check_dim,
    check_floating,
    check_over_batch,
    check_real,
    first_of,
)
from netbuilder.layers.operands import check_broadcast


class Normalize(Layer):
    """Vectors along `dim` scaled to length 1, of the norm `p`: for cosine similarity.

    Vectors shorter than `eps` are divided by `eps`.
    """

    id = "torch.nn.functional.normalize"
    title = "normalize"
    family = Family.NORMALISATION
    keywords = "l2 unit length vector norm contrastive embedding"

    p: Real = 2.0
    dim: Index = 1
    eps: Positive = 1e-12

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_real(self, inputs, "input"),
            check_floating(self, inputs, "input"),
            check_dim(self, "dim", inputs),
            check_over_batch(self, inputs, "dim", "mixes the samples of a batch"),
        )

    def subtitle(self) -> str:
        return f"dim {self.dim}"


class CosineSimilarity(Layer):
    """The cosine of the angle between vectors along `dim`: 1 for the same direction.

    Sizes of 1 are stretched, so that every vector may be compared with every other.
    """

    id = "torch.nn.functional.cosine_similarity"
    title = "cosine similarity"
    family = Family.ARITHMETIC
    keywords = "angle contrastive embedding compare distance functional"
    inputs = (Port("x1"), Port("x2"))

    dim: Index = 1
    eps: Positive = 1e-08

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            *(check_floating(self, inputs, port) for port in inputs),
            check_broadcast(self, inputs),
            check_dim(self, "dim", inputs, "x1"),
        )

    def subtitle(self) -> str:
        return f"dim {self.dim}"
