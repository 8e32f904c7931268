"""Dropout: random zeros in training, against overfitting."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.base import Complaint, Family, Layer, Probability, Types
from netbuilder.layers.checks import check_floating, check_rank, first_of


class _Dropout(Layer):
    family = Family.DROPOUT
    positional = ("p",)
    is_view = True  # outside of training it passes its input on

    p: Probability = 0.5
    inplace: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "input")

    def subtitle(self) -> str:
        return f"p {self.p:g}"


class Dropout(_Dropout):
    """Sets each number to zero with probability `p` while training; does nothing afterwards.

    What is left is scaled up by 1/(1 - p), so that the mean stays the same.
    """

    id = "torch.nn.Dropout"
    title = "Dropout"
    keywords = "regularization random zero overfitting"


class Dropout2d(_Dropout):
    """Sets whole channels of images N×C×H×W to zero with probability `p` while training.

    Neighbouring pixels resemble each other, so dropping single ones changes little.
    """

    id = "torch.nn.Dropout2d"
    title = "Dropout2d"
    keywords = "regularization spatial channel overfitting"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (4,), "N×C×H×W"), super().complaints(inputs)
        )
