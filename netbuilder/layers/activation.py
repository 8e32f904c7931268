"""Activations: functions of each number, and softmax."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from netbuilder.layers.base import Complaint, Family, Index, Layer, Real, Types, start_with
from netbuilder.layers.checks import BATCH, at_dim, check_dim, check_floating, first_of, set_to


class _Activation(Layer):
    same_type = "input"
    family = Family.ACTIVATION

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "input")


class _Inplace(_Activation):
    inplace: bool = False


class _SavesOutput(_Activation):
    def saves_output(self) -> bool:
        return True


class ReLU(_SavesOutput, _Inplace):
    """max(0, x): lets positive numbers pass, the rest is zero. The usual first choice.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.ReLU"
    title = "ReLU"
    keywords = "rectifier rectified linear unit nonlinearity"


class LeakyReLU(_Activation):
    """x for positive numbers, `negative_slope`·x for the rest, so that gradients never die.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.LeakyReLU"
    title = "LeakyReLU"
    positional = ("negative_slope",)
    keywords = "rectifier leaky relu nonlinearity gan"

    negative_slope: Real = 0.01
    inplace: bool = False

    def saves_output(self) -> bool:
        return self.inplace

    def subtitle(self) -> str:
        return f"slope {self.negative_slope:g}"


class ELU(_Activation):
    """x for positive numbers, `alpha`·(eˣ - 1) for the rest: smooth, with mean near zero.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.ELU"
    title = "ELU"
    keywords = "exponential linear unit nonlinearity"

    alpha: Real = 1.0
    inplace: bool = False

    def saves_output(self) -> bool:
        return self.inplace


class GELU(_Activation):
    """x·Φ(x), with the normal distribution's Φ: the smooth rectifier of transformers.

    `approximate`: 'tanh' uses a formula that is a little faster and a little different.
    """

    id = "torch.nn.GELU"
    title = "GELU"
    keywords = "gaussian error linear unit transformer nonlinearity"

    approximate: Literal["none", "tanh"] = "none"

    def subtitle(self) -> str:
        return "" if self.approximate == "none" else self.approximate


class SiLU(_Inplace):
    """x·sigmoid(x), also called swish: smooth, used by EfficientNet and diffusion models.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.SiLU"
    title = "SiLU"
    keywords = "swish sigmoid linear unit nonlinearity"


class Sigmoid(_SavesOutput):
    """1/(1 + e⁻ˣ): squeezes each number between 0 and 1, as a probability.

    For training use BCEWithLogitsLoss on what goes in here: it is steadier.
    """

    id = "torch.nn.Sigmoid"
    title = "Sigmoid"
    keywords = "logistic probability gate nonlinearity"


class Tanh(_SavesOutput):
    """Hyperbolic tangent: squeezes each number between -1 and 1."""

    id = "torch.nn.Tanh"
    title = "Tanh"
    keywords = "hyperbolic tangent nonlinearity"


class _Softmax(_SavesOutput):
    dim: Index | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._chosen(),
            super().complaints(inputs),
            check_dim(self, "dim", inputs),
            self._over_batch(inputs),
        )

    def _chosen(self) -> Iterator[Complaint]:
        if self.dim is None:
            yield Complaint(
                f"{self.title} has no dim: PyTorch would guess one, and warn.",
                "Set dim: -1 for the last one, 1 for the channels of an image.",
                code="parameter.missing",
                fixes=(set_to("dim", -1), set_to("dim", 1)),
            )

    def _over_batch(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and self.dim is not None and at_dim(tensor, self.dim) == BATCH:
            yield Complaint(
                f"{self.title} over dim {self.dim} of {tensor} mixes the samples of a batch.",
                "Use dim -1, or 1 for the channels of an image.",
                "input",
                code="shape.batch",
                severity="warning",
                fixes=(set_to("dim", -1),) if tensor.rank > 1 else (),
            )

    def subtitle(self) -> str:
        return "" if self.dim is None else f"dim {self.dim}"


class Softmax(_Softmax):
    """Turns numbers into probabilities that add up to 1 along `dim`.

    CrossEntropyLoss does this itself: a network that is trained with it ends before here.
    """

    id = "torch.nn.Softmax"
    title = "Softmax"
    keywords = "probabilities normalize exponential classifier"
    starting = start_with(dim=-1)


class LogSoftmax(_Softmax):
    """The logarithm of softmax along `dim`, computed so that it does not overflow."""

    id = "torch.nn.LogSoftmax"
    title = "LogSoftmax"
    keywords = "log probabilities normalize classifier"
    starting = start_with(dim=-1)
