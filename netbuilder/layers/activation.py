"""Activations that let large numbers pass: ReLU and its kin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from netbuilder.layers.base import Complaint, Family, Layer, Real, Size, Types, start_with
from netbuilder.layers.checks import (
    bad_parameter,
    check_floating,
    check_weights,
    first_of,
    set_to,
    size_at,
)


class Activation(Layer):
    """A function of each number by itself."""

    same_type = "input"
    family = Family.ACTIVATION

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "input")


class Inplace(Activation):
    """May write its result over its input."""

    inplace: bool = False


class SavesOverwritten(Activation):
    """Needs its result for the gradient where it has overwritten its input."""

    def saves_output(self) -> bool:
        return bool(getattr(self, "inplace", False))


class SavesOutput(Activation):
    """Computes its gradient from its result."""

    def saves_output(self) -> bool:
        return True


class ReLU(SavesOutput, Inplace):
    """max(0, x): lets positive numbers pass, the rest is zero. The usual first choice.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.ReLU"
    title = "ReLU"
    keywords = "rectifier rectified linear unit nonlinearity"


class LeakyReLU(SavesOverwritten):
    """x for positive numbers, `negative_slope`·x for the rest, so that gradients never die.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.LeakyReLU"
    title = "LeakyReLU"
    positional = ("negative_slope",)
    keywords = "rectifier leaky relu nonlinearity gan"

    negative_slope: Real = 0.01
    inplace: bool = False

    def subtitle(self) -> str:
        return f"slope {self.negative_slope:g}"


class PReLU(Activation):
    """x for positive numbers, a·x for the rest, with a learnt.

    One a for all (`num_parameters` 1) or one a channel: as many as dim 1 has. `init` is
    where they start. He and others, 2015.
    """

    id = "torch.nn.PReLU"
    title = "PReLU"
    keywords = "parametric rectifier leaky relu learnable slope nonlinearity"

    num_parameters: Size = 1
    init: Real = 0.25

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_weights(self, inputs), self._channels(inputs))

    def _channels(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None or self.num_parameters == 1:
            return
        channels = size_at(inputs, "input", 1) or 1
        if channels != self.num_parameters:
            yield Complaint(
                f"PReLU has {self.num_parameters} slopes for the {channels} channels of {tensor}.",
                "Set num_parameters to 1, or to the size of dim 1.",
                "input",
                fixes=(set_to("num_parameters", channels), set_to("num_parameters", 1)),
            )

    def subtitle(self) -> str:
        return "" if self.num_parameters == 1 else f"{self.num_parameters} slopes"


class RReLU(SavesOverwritten):
    """x for positive numbers, a·x for the rest, with a random between `lower` and `upper`.

    Random while training, the middle of the two afterwards. `inplace` overwrites the input
    to save memory; nothing else may then read it.
    """

    id = "torch.nn.RReLU"
    title = "RReLU"
    keywords = "randomized rectifier leaky relu nonlinearity"
    positional = ("lower", "upper")

    lower: Real = 1.0 / 8
    upper: Real = 1.0 / 3
    inplace: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._order(), super().complaints(inputs))

    def _order(self) -> Iterator[Complaint]:
        if self.lower > self.upper:
            yield bad_parameter(
                f"lower is {self.lower:g}, more than upper, which is {self.upper:g}.",
                "Choose a lower that is no more than upper.",
                set_to("lower", self.upper),
            )

    def onnx_refusal(self) -> str:
        return "PyTorch's exporter has no form of RReLU; LeakyReLU does the same after training."


class ReLU6(SavesOverwritten, Inplace):
    """min(max(0, x), 6): ReLU that never exceeds 6, for networks of low precision.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.ReLU6"
    title = "ReLU6"
    keywords = "rectifier clipped mobile quantization nonlinearity"


class Threshold(Activation):
    """x where it is more than `threshold`, else `value`.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.Threshold"
    title = "Threshold"
    keywords = "cut rectifier nonlinearity"
    positional = ("threshold", "value")
    starting = start_with(threshold=0.0, value=0.0)

    threshold: Real
    value: Real
    inplace: bool = False

    def subtitle(self) -> str:
        return f"{self.threshold:g}, else {self.value:g}"


class ELU(SavesOverwritten):
    """x for positive numbers, `alpha`·(eˣ - 1) for the rest: smooth, with mean near zero.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.ELU"
    title = "ELU"
    keywords = "exponential linear unit nonlinearity"

    alpha: Real = 1.0
    inplace: bool = False


class CELU(SavesOverwritten):
    """x for positive numbers, `alpha`·(e^(x/alpha) - 1) for the rest: smooth for any alpha.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.CELU"
    title = "CELU"
    keywords = "continuously differentiable exponential linear unit nonlinearity"

    alpha: Real = 1.0
    inplace: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._not_zero(), super().complaints(inputs))

    def _not_zero(self) -> Iterator[Complaint]:
        if self.alpha == 0:
            yield bad_parameter(
                "CELU divides by alpha, which is 0.",
                "Use another alpha, or ReLU, which CELU comes close to for small ones.",
                set_to("alpha", 1.0),
            )


class SELU(SavesOverwritten, Inplace):
    """ELU with constants that keep mean 0 and variance 1 from layer to layer.

    For networks without normalisation, with AlphaDropout and weights of variance 1/inputs.
    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.SELU"
    title = "SELU"
    keywords = "scaled exponential linear unit self-normalizing snn nonlinearity"


class GELU(Activation):
    """x·Φ(x), with the normal distribution's Φ: the smooth rectifier of transformers.

    `approximate`: 'tanh' uses a formula that is a little faster and a little different.
    """

    id = "torch.nn.GELU"
    title = "GELU"
    keywords = "gaussian error linear unit transformer nonlinearity"

    approximate: Literal["none", "tanh"] = "none"

    def subtitle(self) -> str:
        return "" if self.approximate == "none" else self.approximate


class SiLU(Inplace):
    """x·sigmoid(x), also called swish: smooth, used by EfficientNet and diffusion models.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.SiLU"
    title = "SiLU"
    keywords = "swish sigmoid linear unit nonlinearity"


class Mish(Inplace):
    """x·tanh(softplus(x)): smooth, a little below zero for small negative numbers.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.Mish"
    title = "Mish"
    keywords = "smooth self-gated yolo nonlinearity"


class Hardswish(Inplace):
    """x·min(max(0, x + 3), 6)/6: SiLU from straight pieces, fast on small devices.

    `inplace` overwrites the input to save memory; nothing else may then read it.
    """

    id = "torch.nn.Hardswish"
    title = "Hardswish"
    keywords = "swish mobile mobilenet quantization nonlinearity"


class Softplus(Activation):
    """log(1 + e^(beta·x))/beta: a smooth ReLU, always positive; for variances and rates.

    Where beta·x is more than `threshold` it is x itself, so that nothing overflows.
    """

    id = "torch.nn.Softplus"
    title = "Softplus"
    keywords = "smooth rectifier positive variance nonlinearity"

    beta: Real = 1.0
    threshold: Real = 20.0

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._not_zero(), super().complaints(inputs))

    def _not_zero(self) -> Iterator[Complaint]:
        if self.beta == 0:
            yield bad_parameter(
                "Softplus divides by beta, which is 0.",
                "Use another beta; 1 is usual.",
                set_to("beta", 1.0),
            )
