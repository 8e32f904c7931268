"""Activations that keep numbers within bounds, or shrink them towards zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from netbuilder.layers.activation import Activation, Inplace, SavesOutput
from netbuilder.layers.base import Complaint, Real, Types
from netbuilder.layers.checks import bad_parameter, first_of, set_to

Band = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class Sigmoid(SavesOutput):
    """1/(1 + e⁻ˣ): squeezes each number between 0 and 1, as a probability.

    For training use BCEWithLogitsLoss on what goes in here: it is steadier.
    """

    id = "torch.nn.Sigmoid"
    title = "Sigmoid"
    keywords = "logistic probability gate nonlinearity"


class Tanh(SavesOutput):
    """Hyperbolic tangent: squeezes each number between -1 and 1."""

    id = "torch.nn.Tanh"
    title = "Tanh"
    keywords = "hyperbolic tangent nonlinearity"


class LogSigmoid(Activation):
    """log(1/(1 + e⁻ˣ)), computed so that it does not overflow: the logarithm of a probability."""

    id = "torch.nn.LogSigmoid"
    title = "LogSigmoid"
    keywords = "log probability logistic nonlinearity"


class Hardsigmoid(Inplace):
    """min(max(0, x + 3), 6)/6: a sigmoid from straight pieces, fast on small devices.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.Hardsigmoid"
    title = "Hardsigmoid"
    keywords = "gate mobile mobilenet quantization nonlinearity"


class Hardtanh(Activation):
    """Clips each number to between `min_val` and `max_val`.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.Hardtanh"
    title = "Hardtanh"
    keywords = "clip clamp bounds nonlinearity"
    positional = ("min_val", "max_val")

    min_val: Real = -1.0
    max_val: Real = 1.0
    inplace: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._order(), super().complaints(inputs))

    def _order(self) -> Iterator[Complaint]:
        if self.min_val >= self.max_val:
            yield bad_parameter(
                f"min_val is {self.min_val:g}, no less than max_val, which is {self.max_val:g}.",
                "Choose a min_val that is less than max_val.",
                set_to("min_val", self.max_val - 1),
            )

    def subtitle(self) -> str:
        return f"{self.min_val:g} to {self.max_val:g}"


class Softsign(Activation):
    """x/(1 + |x|): squeezes each number between -1 and 1, more gently than tanh."""

    id = "torch.nn.Softsign"
    title = "Softsign"
    keywords = "squash bounded nonlinearity"


class Tanhshrink(Activation):
    """x - tanh(x): nearly nothing around zero, x - 1 for large numbers."""

    id = "torch.nn.Tanhshrink"
    title = "Tanhshrink"
    keywords = "shrinkage hyperbolic tangent nonlinearity"


class _Shrink(Activation):
    lambd: Band = 0.5

    def subtitle(self) -> str:
        return f"±{self.lambd:g}"


class Hardshrink(_Shrink):
    """Sets numbers between -`lambd` and `lambd` to zero; the others pass unchanged."""

    id = "torch.nn.Hardshrink"
    title = "Hardshrink"
    keywords = "shrinkage sparse denoise nonlinearity"


class Softshrink(_Shrink):
    """Brings each number closer to zero by `lambd`; those that are closer become zero."""

    id = "torch.nn.Softshrink"
    title = "Softshrink"
    keywords = "soft thresholding shrinkage sparse lasso denoise nonlinearity"
