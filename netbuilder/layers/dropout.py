"""Dropout: random zeros in training, against overfitting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netbuilder.layers.base import Complaint, Family, Layer, Probability, Types
from netbuilder.layers.checks import check_floating, check_rank, first_of, set_to
from netbuilder.layers.windows import LAYOUTS


class _Dropout(Layer):
    family = Family.DROPOUT
    positional = ("p",)
    same_type = "input"
    is_view = True  # outside of training it passes its input on
    ranks: ClassVar[tuple[int, ...]] = ()
    """The numbers of dims that it takes, of those in `windows.LAYOUTS` by spatial dims."""

    p: Probability = 0.5
    inplace: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        layouts = " or ".join(LAYOUTS[rank - 2] for rank in self.ranks)
        return first_of(
            check_rank(self, inputs, "input", self.ranks, layouts) if self.ranks else (),
            check_floating(self, inputs, "input"),
            self._everything(),
        )

    def _everything(self) -> Iterator[Complaint]:
        if self.p == 1:
            yield Complaint(
                f"{self.title} with p 1 drops everything: nothing can be learnt through it.",
                "Use a p of less than 1; 0.5 is usual between linear layers.",
                code="parameter.invalid",
                severity="warning",
                fixes=(set_to("p", 0.5),),
            )

    def subtitle(self) -> str:
        return f"p {self.p:g}"


class Dropout(_Dropout):
    """Sets each number to zero with probability `p` while training; does nothing afterwards.

    What is left is scaled up by 1/(1 - p), so that the mean stays the same.
    """

    id = "torch.nn.Dropout"
    title = "Dropout"
    keywords = "regularization random zero overfitting"


class Dropout1d(_Dropout):
    """Sets whole channels of sequences N×C×L to zero with probability `p` while training.

    Neighbouring numbers resemble each other, so dropping single ones changes little.
    """

    id = "torch.nn.Dropout1d"
    title = "Dropout1d"
    keywords = "regularization spatial channel overfitting"
    ranks = (3,)


class Dropout2d(_Dropout):
    """Sets whole channels of images N×C×H×W to zero with probability `p` while training.

    Neighbouring pixels resemble each other, so dropping single ones changes little.
    """

    id = "torch.nn.Dropout2d"
    title = "Dropout2d"
    keywords = "regularization spatial channel overfitting"
    ranks = (4,)


class Dropout3d(_Dropout):
    """Sets whole channels of volumes N×C×D×H×W to zero with probability `p` while training.

    Neighbouring voxels resemble each other, so dropping single ones changes little.
    """

    id = "torch.nn.Dropout3d"
    title = "Dropout3d"
    keywords = "regularization spatial channel overfitting volume video"
    ranks = (5,)


class AlphaDropout(_Dropout):
    """Dropout for networks of SELU: keeps mean 0 and variance 1 while training.

    Drops to SELU's lowest value instead of zero, and shifts and scales the rest.
    Klambauer and others, 2017.
    """

    id = "torch.nn.AlphaDropout"
    title = "AlphaDropout"
    keywords = "regularization self-normalizing selu snn"


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels, for networks of SELU and convolutions.

    Takes N×C×L, N×C×H×W or N×C×D×H×W; keeps mean 0 and variance 1 while training.
    """

    id = "torch.nn.FeatureAlphaDropout"
    title = "FeatureAlphaDropout"
    keywords = "regularization self-normalizing selu snn channel"
    ranks = (3, 4, 5)
