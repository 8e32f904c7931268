"""What changes gradients and leaves the numbers alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Literal

from netbuilder.layers import code
from netbuilder.layers.base import Complaint, Family, Layer, Positive, Real, Types, start_with
from netbuilder.layers.checks import check_floating


class Detach(Layer):
    """Passes numbers on and holds gradients back: what comes before learns nothing from here."""

    id = "torch.Tensor.detach"
    title = "detach"
    family = Family.GRADIENT
    keywords = "stop gradient freeze block no grad target"
    is_view = True

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return code.method(inputs["input"], "detach")


class _Backward(Layer):
    """The identity, with another gradient."""

    family = Family.GRADIENT
    is_view = True

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "input")

    def saves_output(self) -> bool:
        return True  # PyTorch lets nobody overwrite what such a function gives.


class GradientReversal(_Backward):
    """Passes numbers on and turns gradients round: what comes before learns the opposite.

    For features from which another part can't tell where a sample is from. `scale`: by how
    much the turned gradient is multiplied (Ganin and others, 2016).
    """

    id = "netbuilder.GradientReversal"
    part = "gradient.GradientReversal"
    title = "GradientReversal"
    keywords = "domain adversarial adaptation dann negative grl"
    positional = ("scale",)

    scale: Positive = 1.0

    def subtitle(self) -> str:
        return f"× -{self.scale:g}"


class GradientScale(_Backward):
    """Passes numbers on and multiplies gradients: what comes before learns faster or slower."""

    id = "netbuilder.GradientScale"
    part = "gradient.GradientScale"
    title = "GradientScale"
    keywords = "multiply weigh slower faster learning"
    positional = ("scale",)
    starting = start_with(scale=0.1)

    scale: Real = 0.1

    def subtitle(self) -> str:
        return f"× {self.scale:g}"


class GradientClip(_Backward):
    """Passes numbers on and keeps each number of the gradient between -limit and limit.

    Against gradients that explode at one place; for all weights at once use the training
    settings.
    """

    id = "netbuilder.GradientClip"
    part = "gradient.GradientClip"
    title = "GradientClip"
    keywords = "clamp limit exploding recurrent"
    positional = ("limit",)

    limit: Positive = 1.0

    def subtitle(self) -> str:
        return f"± {self.limit:g}"


class StraightThrough(Layer):
    """Rounds or takes signs, and passes gradients as though it had not.

    `function`: 'round' to whole numbers, 'sign' to -1, 0, 1: for codes and binary weights
    (Bengio and others, 2013).
    """

    id = "netbuilder.StraightThrough"
    part = "gradient.StraightThrough"
    title = "StraightThrough"
    family = Family.GRADIENT
    keywords = "estimator ste quantize binarize round sign discrete"
    summary_fields = ("function",)

    function: Literal["round", "sign"] = "round"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "input")
